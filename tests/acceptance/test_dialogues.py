"""Real tutoring dialogues, from the student's turns through the client to what is listed, searched and read back."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2
import pytest

import client.device
from client.device import connect
from protocol.ids import SessionId
from protocol.model import Device
from tests.hub import running
from tests.provider import provider

DIALOGUES = Path(__file__).resolve().parents[3] / "shared" / "data" / "mathdial" / "dialogues.jsonl"
HOW_MANY = 300


def asked_and_answered(turns: list[dict[str, str]]) -> list[tuple[str, str]]:
    """(what the student says, the teacher's next turns); neighbouring turns are joined by blank lines."""
    spoken = [
        (speaker, "\n\n".join(turn["content"] for turn in group))
        for speaker, group in groupby(turns, key=lambda turn: turn["type"])
    ]
    if spoken and spoken[0][0] == "assistant":
        spoken = spoken[1:]
    students = [content for speaker, content in spoken if speaker == "user"]
    teachers = [content for speaker, content in spoken if speaker == "assistant"]
    return list(zip(students, [*teachers, "Well done."], strict=False))


@pytest.mark.skipif(not DIALOGUES.exists(), reason="the real dialogues are not beside the project")
async def test_real_dialogues_are_listed_searched_and_read_back_equal(database_url: str) -> None:
    dialogues = [json.loads(line) for line in DIALOGUES.read_text().splitlines()[:HOW_MANY]]
    scripts = {dialogue["title"]: asked_and_answered(dialogue["turns"]) for dialogue in dialogues}

    def teacher(request: dict[str, Any]) -> list[str]:
        """The answer of the dialogue whose history this is, word by word."""
        said = [message["content"] for message in request["messages"] if message["role"] == "user"]
        answer = next(
            script[len(said) - 1][1]
            for script in scripts.values()
            if [question for question, _ in script[: len(said)]] == said
        )
        *words, last = answer.split(" ")
        return [*(f"{word} " for word in words), last]

    async with (
        provider(teacher) as tutor,
        running(database_url, tutor.base_url, lasts=240.0, history_tokens=100_000) as hub,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
        connect(hub.url, hub.token("ada"), Device(id="student", name="student")) as student,
    ):
        sessions: dict[str, SessionId] = {}
        for title, script in scripts.items():
            sessions[title] = session = (await student.create_session(title=title)).id
            await student.open(session)
            for question, answer in script:
                reply = (await student.send(session, question)).reply
                assert (await student.settled(reply)).content == answer
            await student.close(session)
        assert await listed(student) == list(reversed(sessions.values()))
        for title, script in scripts.items():
            page = (await rest.get(f"/api/sessions/{sessions[title]}/messages?limit=100")).json()
            assert [row["content"] for row in page["messages"]] == [text for pair in script for text in pair]
            found = await student.search(script[0][0][:200], limit=100)
            assert sessions[title] in [hit.session.id for hit in found.hits]


async def listed(student: client.device.Device) -> list[SessionId]:
    """The session list, from its top to its end."""
    while await student.list_older():
        pass
    return [row.id for row in student.timeline.shown_sessions()]
