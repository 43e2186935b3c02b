"""Reads a scenario file. What is wrong with it is told all at once, each mistake with its line."""

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import structs

from loadtest.run.scenario import (
    Borne,
    Counted,
    Crowd,
    Hold,
    Join,
    OwnWorld,
    Ramp,
    Scenario,
    Slow,
    Spike,
    Stage,
    Storm,
    Thresholds,
)
from loadtest.run.timings import Timing

SHIPPED = Path(__file__).parent.parent / "loads"
STAGES: dict[str, type[Stage]] = {
    each.__struct_config__.tag: each  # type: ignore[misc]  # a tag of ours is a str
    for each in (Ramp, Hold, Spike, Storm, Slow, Join)
}
PLAIN: dict[str, type[Any]] = {"about": str, "seed": int, "corpus": str}
TABLES = ("crowd", "world", "stages", "thresholds")

T = TypeVar("T")
Place = tuple[str | int, ...]
"""Where something is in the file: `("stages", 0, "seconds")`."""


class ScenarioWrong(Exception):
    """One line for each mistake."""


def shipped() -> list[str]:
    """The names of those that are shipped, the shortest run first."""
    return sorted((each.stem for each in SHIPPED.glob("*.toml")), key=lambda name: read_scenario(name).seconds)


def read_scenario(name: str) -> Scenario:
    """One that is shipped, by its name, or a file. Raises ScenarioWrong."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioWrong(f"There is no {path}. Shipped are: {', '.join(shipped())}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioWrong(f"{path} cannot be read: {error}") from error
    return scenario_in(text, path)


def scenario_in(text: str, path: Path) -> Scenario:
    """What a file of this text says. Raises ScenarioWrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioWrong(f"{path} is no TOML: {error}") from error
    reading = Reading(text, path)
    scenario = reading.scenario(data)
    if reading.mistakes:
        raise ScenarioWrong("\n".join(told for _, told in sorted(reading.mistakes)))
    return scenario


def with_thresholds(scenario: Scenario, given: list[str]) -> Scenario:
    """Each as `accepted.p99=250` or `refused=0`, in addition, or instead. Raises ScenarioWrong."""
    text = "\n".join(["[thresholds]", *given])
    held = msgspec.to_builtins(scenario.thresholds)
    try:
        data = tomllib.loads(text).get("thresholds", {})
    except tomllib.TOMLDecodeError as error:
        raise ScenarioWrong(f"--threshold is NAME=VALUE, such as accepted.p99=250: {error}") from error
    reading = Reading(text, Path("--threshold"))
    times = {name: each | (data.get(name) or {}) for name, each in held["times"].items()}
    thresholds = reading.thresholds({**held["counts"], **data, **times})
    if reading.mistakes:
        raise ScenarioWrong("\n".join(told for _, told in sorted(reading.mistakes)))
    return structs.replace(scenario, thresholds=thresholds)


class Reading:
    """Of one file. Goes on after a mistake, with what would be there without it."""

    def __init__(self, text: str, path: Path) -> None:
        self.mistakes: list[tuple[int, str]] = []
        self._path = path
        self._lines = lines_of(text)

    def scenario(self, data: dict[str, Any]) -> Scenario:
        self._known((), data, [*PLAIN, *TABLES])
        plain = {
            name: self._value((name,), data[name], kind) for name, kind in PLAIN.items() if data.get(name) is not None
        }
        corpus = plain.get("corpus")
        return Scenario(
            name=self._path.stem,
            about=plain.get("about") or "",
            seed=plain.get("seed") or 1,
            corpus=str(self._path.parent / corpus) if corpus else None,
            crowd=self._struct(("crowd",), data.get("crowd", {}), Crowd) or Crowd(),
            world=self._struct(("world",), data.get("world", {}), OwnWorld) or OwnWorld(),
            stages=self._stages(data.get("stages")),
            thresholds=self.thresholds(data.get("thresholds", {})),
        )

    def _stages(self, value: Any) -> list[Stage]:
        if not isinstance(value, list) or not value:
            self._wrong(("stages",), "a scenario needs stages: [[stages]] with a kind and seconds")
            return []
        found: list[Stage] = []
        for number, each in enumerate(cast("list[Any]", value)):
            place: Place = ("stages", number)
            kind = each.get("kind") if isinstance(each, dict) else None  # type: ignore[reportUnknownMemberType]
            if kind not in STAGES:
                self._wrong((*place, "kind"), f"the kind of a stage is one of {', '.join(STAGES)}")
            elif (stage := self._struct(place, each, STAGES[kind], also=("kind",))) is not None:
                found.append(stage)
        return found

    def thresholds(self, value: Any) -> Thresholds:
        place: Place = ("thresholds",)
        if not isinstance(value, dict):
            self._wrong(place, "a table is expected here")
            return Thresholds()
        given = cast("dict[str, Any]", value)
        timings = [each.value for each in Timing]
        self._known(place, given, [*timings, *Counted.__struct_fields__])
        counts = {name: each for name, each in given.items() if name in Counted.__struct_fields__}
        times = {
            Timing(name): borne
            for name in timings
            if name in given and (borne := self._struct((*place, name), given[name], Borne)) is not None
        }
        return Thresholds(times, self._struct(place, counts, Counted) or Counted())

    def _struct(self, place: Place, value: Any, kind: type[T], also: Iterable[str] = ()) -> T | None:
        """Field by field, so that each mistake is found."""
        if not isinstance(value, dict):
            self._wrong(place, "a table is expected here")
            return None
        given = cast("dict[str, Any]", value)
        before = len(self.mistakes)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}  # type: ignore[type-var]
        self._known(place, given, [*fields, *also])
        read = {
            name: self._value((*place, name), given[name], field.type)
            for name, field in fields.items()
            if name in given
        }
        for name, field in fields.items():
            if name not in given and field.required:
                self._wrong(place, f"`{name}` is missing")
        return None if len(self.mistakes) > before else kind(**read)

    def _value(self, place: Place, value: Any, kind: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._wrong(place, f"`{place[-1]}`: {str(error)[0].lower()}{str(error)[1:]}")
            return None

    def _known(self, place: Place, value: dict[str, Any], names: Iterable[str]) -> None:
        expected = list(names)
        for name in value.keys() - set(expected):
            near = get_close_matches(name, expected, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(expected)}"
            self._wrong((*place, name), f"`{name}` is not known here; {hint}")

    def _wrong(self, place: Place, what: str) -> None:
        line = next((self._lines[known] for known in _outwards(place) if known in self._lines), 1)
        self.mistakes.append((line, f"{self._path}, line {line}: {what}"))


def _outwards(place: Place) -> Iterable[Place]:
    """The place, then what holds it, and so on."""
    return (place[:length] for length in range(len(place), 0, -1))


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


def lines_of(text: str) -> dict[Place, int]:
    """Where each table and each key of a file is, from 1. What spans lines is where it begins."""
    lines: dict[Place, int] = {}
    counts: dict[str, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            names = header[2].replace('"', "").split(".")
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                lines.setdefault(tuple(names), number)
            table = tuple(names) + ((counts[header[2]],) if header[1] == "[[" else ())
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            names = [each.strip(" \"'") for each in key[1].split(".")]
            for length in range(1, len(names) + 1):
                lines.setdefault((*table, *names[:length]), number)
    return lines
