"""What may be wrong with the tutor's provider."""

from enum import Enum


class Mood(Enum):
    """How the fake tutor answers; the value is what a person is told."""

    WELL = "it answers"
    REFUSE = "connections are reset"
    BUSY = "429 with Retry-After"
    BROKEN = "500"
    UNAVAILABLE = "503"
    LATE = "no first token"
    SILENT = "silence in the middle of a reply"
    CUT = "replies break off"
    MALFORMED = "events that cannot be read, between those of the reply"
    SPLIT = "one byte in a segment, also within a character"
    HUGE = "a piece of 1 MB"
    ENDLESS = "replies that do not end"
    SLOW = "one piece per second"
    EMPTY = "replies without a word"


REFUSALS = {Mood.BUSY: 429, Mood.BROKEN: 500, Mood.UNAVAILABLE: 503}
"""Each with its HTTP status."""
BEFORE_A_WORD = {Mood.REFUSE, Mood.LATE, Mood.EMPTY, *REFUSALS}
"""These spoil a reply before it has begun."""
