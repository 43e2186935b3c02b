"""What could not be held says why, once."""

from pathlib import Path

from loadtest.hold import result_of
from loadtest.process import WorldFailed


def test_a_reason_that_many_have_is_said_once(tmp_path: Path) -> None:
    async def work(_: Path) -> None:
        raise ExceptionGroup(
            "users", [WorldFailed("There is no hub."), ExceptionGroup("more", [OSError("no hub")] * 3)]
        )

    said = list[str]()
    assert result_of(work, said.append, keep=tmp_path / "kept") is None
    assert said == ["It could not be held: There is no hub.; no hub"]
