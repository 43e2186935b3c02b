"""When who comes and speaks is known before the hub has said a word."""

from itertools import pairwise
from random import Random

import pytest

from loadtest.run.rhythm import comes_at, is_of_part, speaks_at
from loadtest.run.scenario import Crowd, Hold, Ramp, Scenario, Spike, Stage


def scenario(*stages: Stage, **crowd: object) -> Scenario:
    return Scenario(name="test", about="", stages=list(stages), crowd=Crowd(**crowd))  # type: ignore[arg-type]


def test_users_come_evenly_in_each_ramp() -> None:
    it = scenario(Ramp(seconds=10, users=5), Hold(seconds=10), Ramp(seconds=10), users=10)
    assert [comes_at(it, number) for number in range(10)] == [0, 2, 4, 6, 8, 20, 22, 24, 26, 28]


def test_without_a_ramp_all_come_at_once_and_beyond_it_nobody() -> None:
    assert comes_at(scenario(Hold(seconds=10), users=10), 9) == 0
    assert comes_at(scenario(Ramp(seconds=10, users=5), users=10), 7) is None


def test_so_much_is_said_and_in_a_spike_so_many_times_as_much() -> None:
    it = scenario(Hold(seconds=100), Spike(seconds=100, times=5), Hold(seconds=100), says_every=10.0)
    moments = [at for user in range(200) for at in speaks_at(it, 0.0, Random(user))]
    counted = [sum(begins <= at < begins + 100 for at in moments) for begins in (0, 100, 200)]
    assert counted[0] == pytest.approx(2_000, rel=0.1)
    assert counted[1] == pytest.approx(10_000, rel=0.1)
    assert counted[2] == pytest.approx(2_000, rel=0.1)


def test_even_users_speak_after_the_same_time_each_but_not_all_at_once() -> None:
    it = scenario(Hold(seconds=100), says_every=10.0, even=True)
    moments = [list(speaks_at(it, 0.0, Random(user))) for user in range(20)]
    assert all(round(after - before, 6) == 10 for each in moments for before, after in pairwise(each))
    assert len({each[0] for each in moments}) == 20


def test_nobody_speaks_before_they_come() -> None:
    it = scenario(Hold(seconds=100), says_every=0.5)
    assert min(speaks_at(it, 40.0, Random(1))) > 40


@pytest.mark.parametrize(("part", "many"), [(1.0, 200), (0.25, 50), (0.02, 4), (0.005, 1)])
def test_a_part_is_as_large_as_it_is_said_to_be(part: float, many: int) -> None:
    assert sum(is_of_part(part, number) for number in range(200)) == many
