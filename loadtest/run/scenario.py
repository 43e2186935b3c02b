"""What a scenario file says: who comes, how often they speak, what happens one after the other, what is borne."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from loadtest.corpus import Corpus
from loadtest.run.timings import Timing

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Part = Annotated[float, Meta(gt=0, le=1)]
Milliseconds = Annotated[float, Meta(ge=0)]
Many = Annotated[int, Meta(ge=0)]


class Crowd(Struct, frozen=True, forbid_unknown_fields=True):
    """`says_every`: seconds between two messages of a user, on average; chance decides, unless they are `even`. Whether
    the one before was answered makes no difference: people don't wait for a machine that is slow.
    """

    users: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    devices: Annotated[int, Meta(ge=1, le=20)] = 2
    says_every: Seconds = 10.0
    even: bool = False


class OwnWorld(Struct, frozen=True, forbid_unknown_fields=True):
    """What is started when no address is given. `answer_tokens`: how long each answer is, as the corpus has it if 0;
    `settings`: variables of the instances.
    """

    instances: Annotated[int, Meta(ge=1, le=26)] = 1
    tokens_per_second: Annotated[float, Meta(gt=0, le=1_000)] = 40.0
    answer_tokens: Annotated[int, Meta(ge=0, le=15_000)] = 0
    settings: dict[str, str] = {}

    @property
    def answer_seconds(self) -> float:
        """How long each answer takes; 0: that is not said here."""
        return self.answer_tokens / self.tokens_per_second


class _Stage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    seconds: Seconds


class Ramp(_Stage, frozen=True, tag="ramp"):
    """Users come, evenly, until so many are there; 0: all."""

    users: Many = 0


class Hold(_Stage, frozen=True, tag="hold"):
    """All goes on as it is."""


class Spike(_Stage, frozen=True, tag="spike"):
    """Everybody speaks so many times as often."""

    times: Annotated[float, Meta(gt=0, le=1_000)] = 5.0


class Storm(_Stage, frozen=True, tag="storm"):
    """A part of all sockets breaks at once, and all of those come back within so many seconds."""

    part: Part = 1.0
    back_within: Annotated[float, Meta(ge=0, le=600)] = 1.0


class Slow(_Stage, frozen=True, tag="slow"):
    """A part of the users has a device that reads so many bytes a second, then as fast as it can again."""

    part: Part = 0.02
    bytes_per_second: Annotated[int, Meta(ge=1)] = 1_024


class Join(_Stage, frozen=True, tag="join"):
    """A part of the users takes up one more device in the middle of a reply."""

    part: Part = 0.2


Stage = Ramp | Hold | Spike | Storm | Slow | Join


class Borne(Struct, frozen=True, forbid_unknown_fields=True):
    """How long something may take, in milliseconds, from the moment at which it was meant to begin."""

    p50: Milliseconds | None = None
    p90: Milliseconds | None = None
    p95: Milliseconds | None = None
    p99: Milliseconds | None = None
    p999: Milliseconds | None = None
    max: Milliseconds | None = None


class Counted(Struct, frozen=True, forbid_unknown_fields=True):
    """How often something may happen. `frames_per_second`: of one reply, on one socket."""

    refused: Many | None = None
    disconnected: Many | None = None
    told_to_come_again: Many | None = None
    frames_per_second: Annotated[float, Meta(gt=0)] | None = None


class Thresholds(Struct, frozen=True):
    """What is borne. That nothing is lost, doubled, out of order or unequal goes without saying."""

    times: dict[Timing, Borne] = {}
    counts: Counted = Counted()


class Scenario(Struct, frozen=True):
    """`corpus`: a file of what users say and are answered; None: the one that is shipped."""

    name: str
    about: str
    stages: list[Stage]
    seed: int = 1
    corpus: str | None = None
    crowd: Crowd = Crowd()
    world: OwnWorld = OwnWorld()
    thresholds: Thresholds = Thresholds()

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.stages)

    @property
    def sockets(self) -> int:
        """At most."""
        joined = max((each.part for each in self.stages if isinstance(each, Join)), default=0.0)
        return round(self.crowd.users * (self.crowd.devices + joined))

    def spans(self) -> list[tuple[float, float, Stage]]:
        """When each stage begins and ends, in seconds after the beginning."""
        spans: list[tuple[float, float, Stage]] = []
        at = 0.0
        for stage in self.stages:
            spans.append((at, at + stage.seconds, stage))
            at += stage.seconds
        return spans


def read_corpus(scenario: Scenario) -> Corpus:
    """What is said in it. Raises CorpusFault."""
    return Corpus.read(Path(scenario.corpus) if scenario.corpus else None)
