"""What a process of the generator, and the synthetic tutor, tell while they run: a line of JSON each."""

import sys

import msgspec
from msgspec import Struct

from loadtest.run.timings import Took


class Second(Struct, frozen=True, tag="second"):
    """The end of a second after the beginning. `counts` and `broken`: since the beginning; `lag`: the most seconds that
    the event loop was late; `cpu`: the part of a core that this process took. Where all is known: `machine`: the busy
    part of all cores; `hubs`: how many cores the hubs of an own world took.
    """

    second: int
    counts: dict[str, int]
    broken: dict[str, int]
    lag: float
    cpu: float
    machine: float = 0.0
    hubs: float = 0.0


class Late(Struct, frozen=True, tag="late"):
    """The most seconds that the synthetic tutor was late with a token, since it told last."""

    lag: float


class Done(Struct, frozen=True, tag="done"):
    """The last line. `is_checked`: all has come to rest, and was looked at."""

    is_checked: bool
    examples: list[str]
    findings: list[str]
    frames_per_second: float


Report = Took | Second | Late | Done

_decoder = msgspec.json.Decoder(Report)


def decode(line: bytes) -> Report:
    return _decoder.decode(line)


def tell(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()
