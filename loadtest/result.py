"""What a run of the proof came to, as it is written to a file and read by the report."""

from msgspec import Struct

from loadtest.verdict import Spread, Violation


class Met(Struct, frozen=True, kw_only=True):
    """A fault, or two at once, as planned and as it was. Seconds since the start; `note` says whom it met."""

    faults: tuple[str, ...]
    rows: tuple[str, ...]
    planned_at: float
    began: float
    ended: float
    note: str
    was_skipped: bool
    recovered_after: float | None


class Result(Struct, frozen=True, kw_only=True, tag_field="kind", tag="proof"):
    """`counts`: what the devices and the checker counted. `findings`: what went wrong that no device could tell: a log,
    a leak, a process that died. `figures`: in seconds. `cluster`: whether Redis was one.
    """

    seed: int
    minutes: float
    only: str | None
    instances: int
    hub: str
    version: str
    python: str
    cores: int
    began: str
    took: float
    met: list[Met]
    counts: dict[str, int]
    figures: dict[str, Spread]
    violations: list[Violation]
    findings: list[str]
    cluster: bool = False

    @property
    def passed(self) -> bool:
        return not self.violations and not self.findings

    def kinds(self) -> set[str]:
        """The names of all faults that were injected."""
        return {name for each in self.met if not each.was_skipped for name in each.faults}
