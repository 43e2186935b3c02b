"""What a measured scenario came to: figures, each with the limit that it is held to."""

from msgspec import Struct


class Figure(Struct, frozen=True):
    """`value`: None if it could not be measured. `at_most`: what is borne; None: only told. `unit` is of both."""

    name: str
    value: float | None
    unit: str = "s"
    at_most: float | None = None

    @property
    def is_borne(self) -> bool:
        return self.at_most is None or (self.value is not None and self.value <= self.at_most)

    def text(self) -> str:
        """As a person reads it."""
        limit = "" if self.at_most is None else f", at most {self.at_most:g}"
        value = "not measured" if self.value is None else f"{self.value:g} {self.unit}"
        return f"{self.name}: {value}{limit}"


class Measured(Struct, frozen=True, kw_only=True, tag_field="kind", tag="measured"):
    """`findings`: what went wrong that no figure tells."""

    scenario: str
    about: str
    seed: int
    sockets: int
    instances: int
    version: str
    python: str
    cores: int
    began: str
    took: float
    figures: list[Figure]
    findings: list[str]

    @property
    def passed(self) -> bool:
        return not self.findings and all(each.is_borne for each in self.figures)


def percentile(values: list[float], part: float) -> float:
    """Of at least one value; `part` 0.99 is the 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
