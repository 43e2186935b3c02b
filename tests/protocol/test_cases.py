"""The contract cases that every reader must pass, run with the reference reader. Their format: docs/protocol.md."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import protocol
from protocol.answers import MessagePage, SessionPage
from protocol.codec import decode_event
from protocol.events import Event
from protocol.ids import SessionId
from protocol.timeline import Outcome, Timeline

Json = dict[str, Any]

FOLDER = Path(protocol.__file__).parent / "cases"


def read(path: Path) -> Json:
    """A file of cases, with its short ids written out and its rows completed."""
    text = re.sub(r'"#([0-9a-f]{2})"', r'"00000000-0000-4000-8000-0000000000\1"', path.read_text(encoding="utf-8"))
    theme = json.loads(text)
    for case in theme["cases"]:
        for step in case["steps"]:
            for name in step.keys() & {"event", "sessionPage", "messagePage"}:
                complete(step[name], theme["rows"])
    return theme


def complete(told: Json, rows: Json) -> None:
    for name, kind in (("sessions", "session"), ("messages", "message")):
        if name in told:
            told[name] = [rows[kind] | row for row in told[name]]
    if isinstance(told.get("session"), dict):
        told["session"] = rows["session"] | told["session"]


class Player:
    """Feeds the steps of a case to a fresh reader, and checks what it shows."""

    def __init__(self) -> None:
        self.timeline = Timeline()

    def do(self, step: Json) -> None:
        match step:
            case {"open": session}:
                self.timeline.open(_session(session))
            case {"openRefused": session}:
                self.timeline.open_refused(_session(session))
            case {"close": session}:
                self.timeline.close(_session(session))
            case {"event": frame}:
                self.hear(frame, step.get("now", 0.0), gap=step.get("gap", False))
            case {"sessionPage": page}:
                self.timeline.apply_session_page(msgspec.convert(page, SessionPage))
            case {"messagePage": page}:
                self.timeline.apply_message_page(msgspec.convert(page, MessagePage))
            case {"shows": shown}:
                self.check(shown)
            case _:
                pytest.fail(f"no such step: {step}")

    def hear(self, frame: Json, now: float, *, gap: bool) -> None:
        event = decode_event(json.dumps(frame))
        if event is not None:
            assert self.timeline.apply(event, now) is (Outcome.GAP if gap else Outcome.APPLIED)

    def check(self, shown: Json) -> None:
        for what, expected in shown.items():
            match what:
                case "seq":
                    assert self.timeline.seq == expected
                case "sessions":
                    assert self.sessions(expected) == expected
                case "messages":
                    assert {session: self.messages(session) for session in expected} == expected
                case "typing":
                    now = shown["now"]
                    assert {each: self.timeline.typing_in(_session(each), now) for each in expected} == expected
                case "degraded":
                    assert self.timeline.degraded == expected
                case _:
                    assert what == "now"

    def sessions(self, expected: list[Any]) -> list[Any]:
        """The list, of each row as much as is expected."""
        rows = [msgspec.to_builtins(row) for row in self.timeline.shown_sessions()]
        wanted = [*expected, *["" for _ in rows[len(expected) :]]]
        return [
            row["id"] if isinstance(want, str) else {field: row.get(field) for field in want}
            for row, want in zip(rows, wanted, strict=False)
        ]

    def messages(self, session: str) -> list[Json]:
        return [
            {"id": str(row.id), "text": self.timeline.text_of(row)} | ({"status": row.status} if row.status else {})
            for row in self.timeline.shown_messages(_session(session))
        ]


def _session(id: str) -> SessionId:
    return msgspec.convert(id, SessionId)


THEMES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.json"))}
CASES = [
    pytest.param(case["steps"], id=f"{name}: {case['case']}")
    for name, theme in THEMES.items()
    for case in theme["cases"]
]


@pytest.mark.parametrize("steps", CASES)
def test_the_reference_reader_passes(steps: list[Json]) -> None:
    player = Player()
    for step in steps:
        player.do(step)


def test_every_case_shows_something_at_its_end() -> None:
    assert all("shows" in case["steps"][-1] for theme in THEMES.values() for case in theme["cases"])


def test_every_event_but_welcome_is_in_some_case() -> None:
    told = {
        step["event"]["type"]
        for theme in THEMES.values()
        for case in theme["cases"]
        for step in case["steps"]
        if "event" in step
    }
    known = {kind.__struct_config__.tag for kind in get_args(Event)}
    assert known - told == {"welcome"}
    assert told - known == {"moon.risen"}, "and one that nobody knows"
