"""What may be answered to whatever is said, and what may not: a fault, a hang, an end that is the hub's doing."""

from typing import Any

from msgspec import Struct

from tests.hostile import ANSWERS, Answer, complaint

PEERS_FAULT = {1002, 1003, 1007, 1008, 1009, 4003, 4500, 4501, 4502}
"""Closes that a peer may hear who says what it should not."""
NO_ANSWERS = {"internal", "storage_full", "overloaded", "draining"}
BUSY_ANSWER = "unavailable"
"""What is said instead of waiting longer: none either, where an answer may not take long."""
HANG = 1.0
"""Seconds without an answer, on a machine that has nothing else to do."""


class Found(Exception):
    """The hub did what it may not do."""


class Said(Struct):
    """How much was said, and what came of it."""

    frames: int = 0
    requests: int = 0
    sockets: int = 0
    refused: int = 0
    done: int = 0
    busy: int = 0
    longest: float = 0.0

    @property
    def all(self) -> int:
        return self.frames + self.requests

    def waited(self, seconds: float, limit: float) -> None:
        self.longest = max(self.longest, seconds)
        if seconds > limit:
            raise Found(f"no answer for {seconds:.2f} s")

    def frame(self, answer: dict[str, Any], limit: float = HANG) -> None:
        """Raises Found."""
        if answer["type"] not in ANSWERS:
            raise Found(f"no answer: {answer}")
        refused = answer["type"] == "refused"
        busy = refused and answer["code"] == BUSY_ANSWER and limit > HANG
        if refused and not busy and (answer["code"] in NO_ANSWERS or complaint(answer) is not None):
            raise Found(f"refused in a way that is not the peer's fault, or not in full: {answer}")
        self.busy += busy
        self.refused += refused
        self.done += not refused

    def close(self, code: int | None) -> None:
        """Raises Found."""
        if code not in PEERS_FAULT:
            raise Found(f"closed with {code}")

    def answer(self, answer: Answer, *, head: bool, limit: float = HANG) -> None:
        """`head`: to a HEAD, which has no body. Raises Found."""
        busy = answer.status == 503 and limit > HANG
        if not busy and not 200 <= answer.status < 500:
            raise Found(f"HTTP {answer.status}: {answer.body[:500]!r}")
        self.busy += busy
        told = answer.headers.get("content-type") == "application/problem+json" and not (head or busy)
        if told and (wrong := answer.complaint()) is not None:
            raise Found(wrong)
        if answer.status < 400:
            self.done += 1
        else:
            self.refused += 1
