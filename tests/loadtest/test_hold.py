"""What could not be held says why, once."""

from pathlib import Path

import pytest

from loadtest.hold import held, result_of
from loadtest.measured import Figure, Measured
from loadtest.process import WorldFailed
from loadtest.screen import Screen
from tests.loadtest.measurings import measured


def test_a_reason_that_many_have_is_said_once(tmp_path: Path) -> None:
    async def work(_: Path) -> None:
        raise ExceptionGroup(
            "users", [WorldFailed("There is no hub."), ExceptionGroup("more", [OSError("no hub")] * 3)]
        )

    said = list[str]()
    assert result_of(work, said.append, keep=tmp_path / "kept") is None
    assert said == ["It could not be held: There is no hub.; no hub"]


@pytest.mark.parametrize(("took", "code"), [(1.2, 0), (1.4, 99)])
def test_what_is_not_borne_ends_with_the_code_that_was_chosen_for_it(took: float, code: int, tmp_path: Path) -> None:
    async def work(_: Path) -> Measured:
        return measured(Figure("search", took, "times", 1.3))

    assert held(work, Screen(), keep=tmp_path / "kept", json_file=tmp_path / "figures.json", failed=99) == code
    assert b'"search"' in (tmp_path / "figures.json").read_bytes()
