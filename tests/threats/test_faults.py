"""A fault of the hub's own, made for real: a table is not there any more."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from tests.hostile import complaint, http, speaking
from tests.threats.ground import Attacked, attacked

NUMBER = re.compile(r"\(([0-9a-f]{12})\)")
INSIDE = re.compile(
    r"relation|messages|SELECT|INSERT|psycopg|Traceback|File |\.py|/|line \d|tutorhub \d", re.IGNORECASE
)


async def told(ground: Attacked) -> list[dict[str, Any]]:
    """The problem objects of a request and of a command that meet the fault."""
    path = f"/api/sessions/{ground.mine.session}/messages"
    answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory"))
    async with speaking(ground.hub) as speaker:
        said = {"session": ground.mine.session, "message": str(uuid4()), "content": "Where are my words?"}
        refused = await speaker.ask(type="message.send", **said)
        assert await speaker.alive()
    return [answer.json, refused]


async def test_a_fault_is_told_by_its_number_and_by_nothing_else(database_url: str, tmp_path: Path) -> None:
    async with attacked(database_url, tmp_path) as ground:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("ALTER TABLE messages RENAME TO gone")
            problems = await told(ground)
            conn.execute("ALTER TABLE gone RENAME TO messages")
        for problem in problems:
            assert complaint(problem, status=500) is None
            assert problem["code"] == "internal"
            assert INSIDE.search(problem["title"] + problem["detail"]) is None
        numbers = [NUMBER.findall(problem["detail"]) for problem in problems]
        logged = [[line["fault"]] for line in ground.logged() if line["event"] == "fault"]
        assert numbers == logged, "who runs the hub finds each by its number"
        assert "messages" in (await told(ground))[0], "it is over"
    ground.show_log()
