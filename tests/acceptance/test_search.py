"""What search promises: the best and latest first, words as one types them, and what was likely meant, said as such."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from protocol import commands as say
from protocol.answers import SearchPage
from protocol.ids import SessionId, UserId
from server.store.search import of_user
from tests.device import Device, RefusedError, device
from tests.hub import Hub, running
from tests.provider import provider
from tests.rings import NEW


@asynccontextmanager
async def talking(database_url: str, answer: str, keys: str | None = None) -> AsyncGenerator[tuple[Device, Hub]]:
    """Ada's device on a hub of its own, whose tutor always says the same."""
    async with (
        provider(lambda _: [answer]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=keys) as hub,
        device(hub, "ada") as phone,
    ):
        yield phone, hub


async def search(speaker: Device, query: str, **more: object) -> SearchPage:
    return await speaker.ask(say.SessionSearch, SearchPage, query=query, **more)


async def found(speaker: Device, query: str) -> list[SessionId]:
    return [hit.session.id for hit in (await search(speaker, query)).hits]


async def said(speaker: Device, text: str, title: str = "") -> SessionId:
    """A session in which this was said, and answered."""
    session = await speaker.create(title=title or "Untitled")
    await speaker.open(session)
    sent = await speaker.send(session, text)
    await speaker.settled(sent.reply)
    return session


def age(database_url: str, session: SessionId, days: int) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE sessions SET updated_at = updated_at - %s WHERE id = %s", (timedelta(days=days), session))


@pytest.mark.parametrize("keys", [None, NEW], ids=["unsealed", "sealed"])
async def test_titles_come_before_whole_words_before_beginnings_unless_they_are_old(
    database_url: str, keys: str | None
) -> None:
    async with talking(database_url, "Yes.", keys) as (phone, _):
        begun = await said(phone, "about photons")
        whole = await said(phone, "I took a photo")
        named = await said(phone, "what is it?", title="A photo of mine")
        for session, days in ((named, 20), (whole, 5)):
            age(database_url, session, days)
        assert await found(phone, "photo") == [named, whole, begun]
        age(database_url, named, 20)
        assert await found(phone, "photo") == [whole, begun, named]
        age(database_url, whole, 5)
        assert await found(phone, "photo") == [begun, named, whole]

        pages: list[SessionId] = []
        cursor = None
        while True:
            page = await search(phone, "photo", limit=1, **({"before": cursor} if cursor else {}))
            pages += [hit.session.id for hit in page.hits]
            if (cursor := page.cursor) is None:
                break
        assert pages == [begun, named, whole]


async def test_the_message_that_has_the_whole_words_is_shown_rather_than_a_later_one(database_url: str) -> None:
    async with talking(database_url, "The photons, naturally.") as (phone, _):
        session = await phone.create(title="Light")
        await phone.open(session)
        first = await phone.send(session, "x" * 300 + " is this a photo of it? " + "y" * 300)
        await phone.settled(first.reply)
        (hit,) = (await search(phone, "photo")).hits
        assert hit.message == first.message
        assert "a photo of" in hit.excerpt
        assert len(hit.excerpt) <= 162
        (hit,) = (await search(phone, "photon")).hits
        assert hit.message == first.reply


async def test_a_word_that_nobody_has_said_is_taken_for_one_that_was_likely_meant(database_url: str) -> None:
    async with talking(database_url, "Gravity bends light.") as (phone, hub), device(hub, "bob") as other:
        session = await said(phone, "How does an equation describe recursion?", title="Physik für Anfänger")
        for query, meant in {
            "gravty": ["gravity"],
            "euqation": ["equation"],
            "recursoin describe": ["recursion"],
            "gravity dscribe": [],  # no message has both words
            "anfagner": ["anfanger"],
            "equatoins": ["equation"],
        }.items():
            page = await search(phone, query)
            assert page.similar == meant, query
            assert [hit.session.id for hit in page.hits] == ([session] if meant else []), query
        page = await search(phone, "gravty")
        assert "Gravity" in page.hits[0].excerpt
        assert (await search(phone, "gravity")).similar == []
        assert (await search(phone, "zzzzzz")) == SearchPage(hits=[], cursor=None)
        assert (await search(phone, "teh")) == SearchPage(hits=[], cursor=None)  # too short to tell
        assert (await search(other, "gravty")) == SearchPage(hits=[], cursor=None)


async def test_pages_of_what_was_likely_meant_go_on_with_the_same(database_url: str) -> None:
    async with talking(database_url, "Well.") as (phone, _):
        sessions = [await said(phone, f"gravity {number}") for number in range(3)]
        first = await search(phone, "gravty", limit=2)
        assert first.cursor is not None
        await said(phone, "nothing of the kind")
        rest = await search(phone, "gravty", limit=2, before=first.cursor)
        assert [hit.session.id for hit in [*first.hits, *rest.hits]] == sessions[::-1]
        assert first.similar == rest.similar == ["gravity"]
        with pytest.raises(RefusedError):
            await search(phone, "gravty", before="WzFd")


async def test_of_what_is_sealed_nothing_is_guessed(database_url: str) -> None:
    async with talking(database_url, "Well.", NEW) as (phone, _):
        session = await said(phone, "gravity of 数学")
        assert await found(phone, "grav") == await found(phone, "数学") == [session]
        assert (await search(phone, "gravty")) == SearchPage(hits=[], cursor=None)


async def test_two_letters_of_a_script_without_spaces_are_found_wherever_they_stand(database_url: str) -> None:
    async with talking(database_url, "分数の足し算です。") as (phone, _):
        session = await said(phone, "我的数学作业")
        for query in ("数学", "作业", "学作", "足し", "算で", "分数 です"):
            assert await found(phone, query) == [session], query
        for query in ("学数", "业作", "し足"):
            assert await found(phone, query) == [], query


def test_a_word_is_marked_by_the_hub_as_the_schema_does(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        for user in ("ada", "Ünï 数学", "a'b\\c"):
            asked = of_user("'pho' & ('bo':* | '=a+/b')", UserId(user))
            row = conn.execute(
                "SELECT of_user(%s, array_to_tsvector(ARRAY['pho', '=a+/b'])) @@ %s::tsquery", (user, asked)
            ).fetchone()
            assert row == (True,)
            row = conn.execute(
                "SELECT of_user('another', array_to_tsvector(ARRAY['pho', '=a+/b'])) @@ %s::tsquery", (asked,)
            ).fetchone()
            assert row == (False,)
