"""The benchmark gives each of its field an order that it can read, and holds ours to its gates."""

import json
from dataclasses import dataclass

import pytest
from msgspec import structs

from loadtest.bench.field import FLOOR, OURS, SCENARIOS, Peer, field
from loadtest.bench.gates import GATES, MARGIN, Gate, Held, held, markdown
from loadtest.bench.measuring import Figures, measured


@dataclass(frozen=True)
class Run:
    who: str
    peer: Peer
    scenario: str


RUNS = [Run(who, peer, scenario) for who, peer in field().items() for scenario in peer.scenarios]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.who}, {run.scenario}")
def test_everyone_is_given_an_order_and_only_who_merges_is_told_to(run: Run) -> None:
    *command, order = run.peer.ordered(SCENARIOS[run.scenario], run.scenario, 8_001, 6_379)
    told = json.loads(order)
    assert told["redis"] == 6_379
    assert (told["port"], told["sessions"]) == (8_001, SCENARIOS[run.scenario].sessions)
    assert ("--merge" in command) is (run.who == OURS and SCENARIOS[run.scenario].merge > 0)


def test_a_gate_is_a_ratio_within_one_run_of_medians() -> None:
    gate = next(gate for gate in GATES if gate.other not in ("", FLOOR))

    def runs(ours: float) -> dict[str, dict[str, list[Figures]]]:
        figures = Figures(accept=1.0, socket=1.0, frame=1.0, redis=1.0)
        many = [structs.replace(figures, **{gate.figure: each}) for each in (ours, ours, 1_000.0)]
        theirs, floor = (structs.replace(figures, **{gate.figure: each}) for each in (10.0, 7.0))
        return {gate.scenario: {OURS: many, gate.other: [theirs], FLOOR: [floor]}}

    assert _of(gate, runs(10.0 * gate.most)).holds
    assert not _of(gate, runs(10.0 * gate.most * MARGIN * 1.01)).holds
    assert _of(gate, runs(10.0)).floor == 0.7, "what the floor itself would be"
    assert f"| {gate.other} | ≤ {gate.most:g}× | 1 |" in markdown(runs(10.0))
    assert "| 0.7 |" in markdown(runs(10.0))


def _of(gate: Gate, runs: dict[str, dict[str, list[Figures]]]) -> Held:
    return next(each for each in held(runs) if each.gate is gate)


async def test_two_servers_over_a_redis_are_heard_on_both_and_what_all_three_cost_is_counted() -> None:
    scenario = structs.replace(SCENARIOS["S4"], sockets=20, sessions=10, warm=0.5)
    found = await measured(field()["starlette"], "S4", scenario, 1.0)
    assert found.lost == 0
    assert found.late is not None
    assert found.late < 0.2
    assert found.frame is not None
    assert found.redis is not None
    assert found.p99 is not None
