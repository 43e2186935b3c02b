"""The list of sessions where it is hard: it moves under who writes in it, a page fails, what is gone comes back."""

import asyncio

import psycopg
import pytest
from playwright.async_api import Locator, WebSocket, expect

from protocol.commands import SessionDelete
from protocol.ids import SessionId
from protocol.model import Session
from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.browser.window import CUT, PATIENCE
from tests.device import Device, device

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = 50
"""Sessions of a page of the list."""
SPOIL_THE_LIST = """() => new Promise((done, failed) => {
    const opening = indexedDB.open("tutorhub ada");
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
        const shelf = opening.result.transaction("lists", "readwrite").objectStore("lists");
        const reading = shelf.get("sessions");
        reading.onsuccess = () => {
            const list = reading.result;
            if (list) shelf.put({ ...list, older: "of another hub" }, "sessions");
        };
        shelf.transaction.oncomplete = () => {
            opening.result.close();
            done(reading.result?.sessions.length ?? 0);
        };
    };
})"""
"""Where the next page begins, as an older hub may have named it."""


def new_name(ada: Learner) -> Locator:
    return ada.page.get_by_role("textbox", name="New name")


async def three(laptop: Device) -> list[SessionId]:
    return [await laptop.create(title=title) for title in ("Ants", "Bees", "Crickets")]


async def age(room: Room, session: SessionId, days: int) -> None:
    """As if nothing had been said in it for so long."""
    aged = "UPDATE sessions SET updated_at = now() - make_interval(days => %s) WHERE id = %s"
    async with await psycopg.AsyncConnection.connect(room.database_url, autocommit=True) as conn:
        assert (await conn.execute(aged, (days, session))).rowcount == 1


async def test_a_session_of_last_month_comes_back_on_top_as_the_hub_has_it(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        ants, bees, _ = await three(laptop)
        await age(room, ants, 20)
        await age(room, bees, 21)
        async with room.learner(hub) as ada:
            links, days = ada.sessions.get_by_role("link"), ada.sessions.get_by_role("heading")
            await expect(links).to_contain_text(["Crickets", "Ants", "Bees"])
            await ada.menu("Bees", "Delete")
            await expect(ada.session("Bees")).to_have_count(0)
            await laptop.until(lambda: laptop.timeline.sessions[bees].deleted_at is not None)
            await ada.page.get_by_role("button", name="Undo").click()
            await expect(links).to_contain_text(["Bees", "Crickets", "Ants"])
            await expect(days).to_have_text(["Today", "Last 30 days"])
            await laptop.until(lambda: laptop.timeline.sessions[bees].deleted_at is None)


async def test_a_name_is_written_in_peace_while_the_list_moves(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        ants, *_ = await three(laptop)
        async with room.learner(hub) as ada:
            await ada.menu("Ants", "Rename")
            await new_name(ada).press_sequentially("Ants and ")
            await laptop.begin("Something else entirely")
            await laptop.send(ants, "What do ants eat?")
            await expect(ada.page.get_by_text("What do ants eat?")).to_have_count(0)  # it is a field, and stays one
            await expect(new_name(ada)).to_be_focused()
            await new_name(ada).press_sequentially("aphids")
            await new_name(ada).press("Enter")
            await expect(ada.session("Ants and aphids")).to_be_focused()
            await expect(ada.sessions.get_by_role("link").first).to_contain_text("Ants and aphids")


async def test_from_a_name_whose_session_is_deleted_elsewhere_to_the_list(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        ants, *_ = await three(laptop)
        async with room.learner(hub) as ada:
            await ada.menu("Ants", "Rename")
            await expect(new_name(ada)).to_be_focused()
            await laptop.ask(SessionDelete, Session, session=ants)
            await expect(ada.session("Crickets")).to_be_focused()


async def test_a_session_that_the_list_does_not_show_is_renamed_in_its_details(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        await three(laptop)
        async with room.learner(hub) as ada:
            await ada.session("Ants").click()
            await ada.search("Bees")
            await expect(ada.session("Ants")).to_have_count(0)
            await ada.page.get_by_role("main").get_by_role("button", name="Details").click()
            details = ada.page.get_by_role("dialog")
            await details.get_by_role("button", name="Rename").click()
            await new_name(ada).press("Escape")
            await expect(details.get_by_role("button", name="Rename")).to_be_focused()
            await details.get_by_role("button", name="Rename").click()
            await new_name(ada).fill("Termites")
            await new_name(ada).press("Enter")
            await expect(details.get_by_role("heading", name="Termites")).to_be_visible()


async def test_by_keyboard_one_stays_in_the_list(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        await three(laptop)
        async with room.learner(hub) as ada:
            for key, title in (("Escape", "Bees"), ("Enter", "Wasps")):
                await ada.session("Bees").focus()
                await ada.page.keyboard.press("F2")
                await new_name(ada).fill("Wasps")
                await ada.page.keyboard.press(key)
                await expect(ada.session(title)).to_be_focused()
            await expect(ada.sessions.get_by_role("link").first).to_contain_text("Wasps")  # it was renamed last
            await expect(ada.session("Wasps")).to_be_focused()
            await ada.page.keyboard.press("Delete")
            await expect(ada.session("Crickets")).to_be_focused()
            await ada.page.keyboard.press("Delete")
            await expect(ada.session("Ants")).to_be_focused()


@pytest.mark.shows("sessionStore: error")
async def test_a_page_of_the_list_that_is_refused_is_said_and_not_asked_for_again_and_again(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        for number in range(PAGE + 5):
            await laptop.create(title=f"Session number {number}")
        async with room.learner(hub) as ada:
            links = ada.sessions.get_by_role("link")
            await expect(ada.session(f"Session number {PAGE + 4}")).to_be_visible()
            async with asyncio.timeout(PATIENCE / 1_000):
                while not await ada.page.evaluate(SPOIL_THE_LIST):
                    pass
            asked: list[str] = []
            ada.page.on("websocket", lambda socket: listen(socket, asked))
            await ada.page.reload()
            await links.last.scroll_into_view_if_needed()
            again = ada.sessions.locator("..").get_by_role("button", name="Try again")
            await expect(again).to_be_visible()
            await again.click()
            await expect(again).to_be_visible()
            assert len([each for each in asked if "session.list" in each]) == 2


def listen(socket: WebSocket, asked: list[str]) -> None:
    socket.on("framesent", lambda frame: asked.append(str(frame)))


async def test_a_search_without_a_line_is_asked_again_when_there_is_one(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop:
        await laptop.begin("Where do swifts sleep?")
        async with room.learner(hub, forgives=CUT) as ada:
            await expect(ada.session("Where do swifts sleep?")).to_be_visible()
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.search("swifts")
            await expect(ada.page.get_by_text("The search did not work.")).to_be_visible()
            await ada.page.get_by_role("button", name="Try again").click()
            await expect(ada.page.get_by_text("The search did not work.")).to_be_visible()
            await ada.window.context.set_offline(False)
            await expect(ada.page.locator("mark", has_text="swifts").first).to_be_visible()
