"""A short fuzz: what is spoiled from a seed, and what Hypothesis makes up. `make fuzz` says a million of the first."""

import os
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutator import COMMANDS, Ids, Mutator, rendered
from tests.fuzz.run import fuzzed
from tests.fuzz.verdict import HANG, Found, Said
from tests.hostile import Answer, http, shape, silent
from tests.threats.ground import BUSY, Attacked

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
ENOUGH = 4_000
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
"""The hub is asked for each example."""
IDS = Ids(("0f0e0d0c-0000-4000-8000-000000000001",), ("0f0e0d0c-0000-4000-8000-000000000002",))

Values = st.SearchStrategy[Any]


def _command(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    return fields | {"type": kind, "ref": 1}


leaves: Values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.uuids().map(str)
names = st.text(max_size=8) | st.sampled_from(sorted({name for each in COMMANDS for name in each.__struct_fields__}))
values: Values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
)
types = st.sampled_from([str(each.__struct_config__.tag) for each in COMMANDS])
commands: Values = st.builds(_command, st.dictionaries(names, values, max_size=5), types)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_spoiled_is_answered_in_time_and_as_the_peers_fault(ground: Attacked) -> None:
    seed = Random().randrange(10**6)
    said = await fuzzed(ground, seed, ENOUGH, limit=HANG * BUSY)
    assert said.refused > said.done > 0, said
    assert said.busy * 100 <= said.all, said
    sys.stdout.write(f"seed {seed}: {said}\n")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(frames=st.lists(commands | values, min_size=1, max_size=20))
@pytest.mark.asyncio(loop_scope="module")
async def test_whatever_is_said_is_answered_once_and_the_connection_stays(ground: Attacked, frames: list[Any]) -> None:
    async with silent(ground.hub, "hypothesis") as speaker:
        await speaker.hello()
        for each in frames:
            answer = await speaker.ask(rendered(each).encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
            Said().frame(answer)
        assert await speaker.alive()
        speaker.socket.transport.abort()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(body=values.map(lambda value: rendered(value).encode("utf-8", "surrogatepass")) | st.binary(max_size=200))
@pytest.mark.asyncio(loop_scope="module")
async def test_any_body_is_taken_or_refused(ground: Attacked, body: bytes) -> None:
    path = f"/api/sessions/{ground.mine.session}/messages"
    for method, target in (("POST", "/api/sessions"), ("POST", path), ("PATCH", "/api/sessions/x")):
        answer = await http(ground.hub, method, target, ground.hub.headers("mallory"), body)
        Said().answer(answer, head=False)


def test_the_same_seed_says_the_same() -> None:
    said = [[Mutator(seed, IDS).frame(), Mutator(seed, IDS).body(COMMANDS[0])] for seed in ("1:1", "1:1", "1:2")]
    assert said[0] == said[1] != said[2]


def test_many_kinds_of_frames_are_made_and_most_of_them_are_spoiled() -> None:
    mutator = Mutator("kinds", IDS)
    frames = [mutator.frame() for _ in range(2_000)]
    texts = [each for each in frames if isinstance(each, str)]
    for command in COMMANDS:
        assert any(f'"type":"{command.__struct_config__.tag}"' in text for text in texts), command
    for what in ('"\\ud800"', "9" * 5_000, "[" * 10_000, '"ref":', IDS.sessions[0], "\ufeff"):
        assert any(what in text for text in texts), what
    assert 0 < len(frames) - len(texts) < 50
    assert len(set(texts)) > 1_500
    assert shape(COMMANDS[0]) is shape(COMMANDS[0])


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(500, {}, b""), True),
        (Answer(0, {}, b"nonsense"), True),
        (Answer(404, {"content-type": "application/problem+json"}, b'{"status":404}'), True),
        (Answer(404, {"content-type": "text/plain"}, b""), False),
        (Answer(200, {}, b"{}"), False),
    ],
)
def test_a_wrong_answer_is_found(answer: Answer, wrong: bool) -> None:
    try:
        Said().answer(answer, head=False)
    except Found:
        assert wrong
    else:
        assert not wrong


def test_a_fault_a_hang_and_an_end_of_the_hubs_making_are_found() -> None:
    fault = {"type": "refused", "code": "internal", "status": 500, "title": "t", "detail": "d", "problem": "p"}
    for found in (
        lambda: Said().frame(fault),
        lambda: Said().frame(fault, HANG * 4),
        lambda: Said().frame(fault | {"code": "unavailable", "status": 503}),
        lambda: Said().frame({"type": "welcome"}),
        lambda: Said().close(1011),
        lambda: Said().close(4006),
        lambda: Said().waited(1.1, HANG),
    ):
        with pytest.raises(Found):
            found()
