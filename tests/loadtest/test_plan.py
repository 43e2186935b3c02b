"""What is injected is made by the seed alone."""

from itertools import pairwise

from loadtest.faults import FAULTS
from loadtest.plan import plan

KINDS = list(FAULTS.values())


def test_the_same_seed_plans_the_same_and_another_seed_another() -> None:
    assert plan(1, 600, KINDS) == plan(1, 600, KINDS)
    assert plan(1, 600, KINDS) != plan(2, 600, KINDS)


def test_ten_minutes_meet_at_least_forty_kinds_and_none_twice_before_all_were_met() -> None:
    names = [each.faults[0] for each in plan(7, 600, KINDS)]
    short = [fault.name for fault in KINDS if not fault.is_long]
    assert len(set(names)) >= 40
    assert len(set(names[: len(short)])) == min(len(names), len(short))


def test_everything_is_over_in_time_and_one_after_the_other() -> None:
    planned = plan(3, 300, KINDS)
    assert all(each.at + each.lasts <= 300 for each in planned)
    assert all(one.at + one.lasts < other.at for one, other in pairwise(planned))


def test_a_long_run_meets_the_long_kinds_and_two_at_once() -> None:
    planned = plan(3, 3_600, KINDS)
    assert {fault.name for fault in KINDS} == {name for each in planned for name in each.faults}
    assert any(len(each.faults) == 2 for each in planned)
    assert all(len({name.partition("-")[0] for name in each.faults}) == len(each.faults) for each in planned)


def test_a_long_kind_is_met_in_a_short_run_if_it_alone_was_asked_for() -> None:
    [long, *_] = [fault for fault in KINDS if fault.is_long]
    assert {each.faults for each in plan(3, 120, [long])} == {(long.name,)}


def test_there_are_enough_kinds_and_each_stands_for_a_row() -> None:
    assert len(FAULTS) >= 45
    assert all(fault.row for fault in KINDS)
