"""What a device writes down, one line of JSON per record, in the order in which it happened.

It judges nothing and leaves nothing out: every frame as it came off the socket, before anybody made sense of it.
Times are seconds of one monotonic clock, the same for all devices of a process. Each record is handed to the
operating system at once, so a crash of this tool loses none.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Raw, Struct

from protocol.answers import Sent
from protocol.ids import MessageId, SessionId
from protocol.model import Cursor, Message, Session


class _Record(Struct, tag_field="record", frozen=True, kw_only=True, omit_defaults=True):
    at: float


class Began(_Record, tag="began", frozen=True):
    """The first record of a history: whose it is."""

    user: str
    device: str


class Opened(_Record, tag="opened", frozen=True):
    """A connection said hello. `slow`: this device takes its time to read, so its times mean nothing."""

    connection: int
    hub: str
    since: Cursor | None
    slow: bool = False


class Said(_Record, tag="said", frozen=True):
    """A command as it went out."""

    connection: int
    command: Raw


class Heard(_Record, tag="heard", frozen=True):
    """A frame as it came; a JSON string where it was no JSON."""

    connection: int
    frame: Raw


class Ended(_Record, tag="ended", frozen=True):
    """A connection is over. `code`: the close code, 1006 if there was none."""

    connection: int
    code: int
    reason: str


class Told(_Record, tag="told", frozen=True):
    """What the application was told of a send in the end. `unknown`: it was not waited for any longer."""

    message: MessageId
    session: SessionId
    content: str
    outcome: Literal["acknowledged", "refused", "unknown"]
    receipt: Sent | None = None
    reason: str | None = None


class GaveUp(_Record, tag="gave_up", frozen=True):
    """The client will not connect again."""

    code: int
    reason: str


class Shown(_Record, tag="shown", frozen=True):
    """What the client itself shows at the end. `opened`: the messages of each session that it has opened."""

    in_step: bool
    epoch: str | None
    seq: int
    sessions: list[Session]
    opened: dict[SessionId, list[Message]]


Record = Began | Opened | Said | Heard | Ended | Told | GaveUp | Shown

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


class History:
    """Of one device, in a file of its own. A context manager."""

    def __init__(self, folder: Path, user: str, device: str) -> None:
        self._file = (folder / f"{device}.jsonl").open("ab", buffering=0)
        self.write(Began(at=now(), user=user, device=device))

    def write(self, record: Record) -> None:
        self._file.write(_encoder.encode(record) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


def now() -> float:
    """Seconds of the clock of all histories."""
    return time.monotonic()


def frame_of(data: bytes) -> Raw:
    """A frame as it can stand in a line."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return Raw(_encoder.encode(data.decode(errors="replace")))
    return Raw(data.replace(b"\n", b" "))


def records(path: Path) -> Iterator[Record]:
    """The records of a history. A last line that was cut off by a crash is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield _decoder.decode(line)
