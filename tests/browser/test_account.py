"""Who is signed in, and who is not any more: what is left behind, what is asked, and what is said."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Route, expect

from protocol.model import TutorName
from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.browser.window import CUT, Window
from tests.device import device
from tests.hostile import http
from tests.hub import Hub
from tests.provider import provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = ("status of 401", "status of 404")
"""What Chromium itself logs of an answer that is no."""
FULL = """() => {
    IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
}"""
IS_ADA = "window.tutorhub = {{ token: async () => {token!r} }};"


async def never(route: Route) -> None:
    """The line is dead: nothing is ever answered."""


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("button", name="Sign out").click()


async def test_signing_out_forgets_at_once_even_if_the_hub_never_answers(room: Room) -> None:
    async with provider(["A secret."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Tell me a secret")
        await expect(ada.answers.last).to_contain_text("A secret.")
        await ada.new_session()
        await ada.menu("Tell me a secret", "Delete")
        await expect(ada.page.get_by_text("was deleted.")).to_be_visible()
        await ada.window.context.route("**/auth/sign-out", never)
        await sign_out(ada.page)
        await expect(ada.page.get_by_role("heading", name="Welcome")).to_be_visible()
        await expect(ada.page.get_by_text("was deleted.")).to_have_count(0)
        await ada.page.close()
        other = await ada.window.another()
        await other.goto("/")
        await expect(other.get_by_role("heading", name="Welcome")).to_be_visible()
        assert await other.evaluate("Object.keys(localStorage).filter((name) => /token|user/.test(name))") == []


async def test_signing_out_says_so_to_the_hub(room: Room) -> None:
    async with room.hub() as hub, room.learner(hub) as ada:
        token = await ada.page.evaluate("localStorage.getItem('tutorhub.token.ada')")
        headers = {"Authorization": f"Bearer {token}"}
        assert (await http(hub, "GET", "/api/devices", headers)).status == 200
        async with ada.page.expect_response("**/auth/sign-out"):
            await sign_out(ada.page)
        assert (await http(hub, "GET", "/api/devices", headers)).status == 401


async def test_who_signs_out_in_one_tab_is_gone_from_all(room: Room) -> None:
    async with provider(["A secret."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Tell me a secret")
        await expect(ada.answers.last).to_contain_text("A secret.")
        other = await ada.another_tab()
        await other.page.goto(ada.page.url)
        await expect(other.answers.last).to_contain_text("A secret.")
        await sign_out(ada.page)
        await expect(other.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        assert "secret" not in await other.page.content()


async def test_who_signs_out_is_told_of_drafts_that_would_be_lost(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Still there?")
        await expect(ada.answers.last).to_contain_text("Yes.")
        await ada.field.fill("Half a thought")
        await sign_out(ada.page)
        await expect(ada.page.get_by_text("1 draft has not been sent and would be lost.")).to_be_visible()
        await ada.page.get_by_role("button", name="Cancel").click()
        await expect(ada.field).to_have_value("Half a thought")
        await sign_out(ada.page)
        await ada.page.get_by_role("button", name="Sign out anyway").click()
        await expect(ada.page.get_by_role("heading", name="Welcome")).to_be_visible()


async def test_who_signs_out_without_a_line_is_told_of_all_that_would_be_lost(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=CUT) as ada:
        await ada.begin("Still there?")
        await expect(ada.answers.last).to_contain_text("Yes.")
        await ada.window.shell_is_kept()
        await ada.window.context.set_offline(True)
        await expect(ada.banner("You are offline.")).to_be_visible()
        await ada.rename("Still there?", "Gone")
        await ada.do(ada.said.last, "Edit")
        await ada.page.get_by_role("textbox", name="Edit your message").fill("Still")
        await ada.do(ada.answers.last, "Delete")
        await sign_out(ada.page)
        dialog = ada.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("2 changes, such as new names or deletions, are not with the hub yet")
        await expect(dialog).to_contain_text("1 message is being edited; what is not saved would be lost.")
        await expect(dialog).not_to_contain_text("draft")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(ada.session("Gone")).to_be_visible()


async def test_storage_that_fills_up_in_mid_visit_is_told(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Is there room?")
        await expect(ada.answers.last).to_contain_text("Yes.")
        await ada.page.evaluate(FULL)
        await ada.field.fill("Half a thought")
        await expect(ada.page.get_by_text("This browser has no room left")).to_be_visible()


@asynccontextmanager
async def strict(room: Room) -> AsyncGenerator[tuple[Hub, Window]]:
    """A hub that takes nobody by name."""
    async with room.hub(dev_sign_in=False) as hub, room.window(hub, forgives=REFUSED) as window:
        yield hub, window


async def test_who_is_remembered_by_a_hub_that_takes_names_no_more_signs_in_with_a_token(room: Room) -> None:
    """And the page does not ask in vain for ever."""
    async with strict(room) as (hub, window):
        page = window.page
        await page.goto("/robots.txt")
        stale = hub.token("ada").rpartition(".")[0] + ".c2lnbmF0dXJl"
        await page.evaluate(
            "(token) => { localStorage['tutorhub.user'] = 'ada'; localStorage['tutorhub.token.ada'] = token; }", stale
        )
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto("/")
        await expect(page.get_by_text("Please sign in again")).to_be_visible()
        await page.get_by_role("button", name="I have a token").click()
        await page.get_by_role("textbox", name="Token").fill(hub.token("ada"))
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()
        assert len([each for each in asked if each.endswith("/auth/dev")]) <= 2


async def test_a_hub_that_takes_no_names_says_so_when_it_knows_and_takes_a_token(room: Room) -> None:
    async with strict(room) as (hub, window):
        page = window.page
        await page.goto("/")
        await page.get_by_label("Your name").fill("ada")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_text("This hub takes a token, not a name.")).to_be_visible()
        field = page.get_by_role("textbox", name="Token")
        await field.fill("nonsense")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_text("This is not a token, or it has expired.")).to_be_visible()
        await window.shot("token-refused")
        await field.fill(hub.token("ada"))
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="ada")).to_be_visible()
        await http(hub, "POST", "/auth/sign-out", hub.headers("ada"), b'{"everywhere": true}')
        await expect(page.get_by_role("textbox", name="Token")).to_be_visible()
        await window.shot("token-again")


async def test_a_machine_whose_clock_is_hours_ahead_takes_every_token_that_the_hub_takes(room: Room) -> None:
    async with strict(room) as (hub, window):
        page = window.page
        await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=30))
        await page.goto("/")
        await page.get_by_role("button", name="I have a token").click()
        field = page.get_by_role("textbox", name="Token")
        await field.fill(hub.token("ada").rpartition(".")[0] + ".c2lnbmF0dXJl")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_text("This is not a token, or it has expired.")).to_be_visible()
        await field.fill(hub.token("ada"))
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()


async def test_the_page_that_embeds_this_one_says_who_is_here(room: Room) -> None:
    async with strict(room) as (hub, window):
        await window.context.add_init_script(IS_ADA.format(token=hub.token("ada")))
        await window.page.goto("/")
        await expect(window.page.get_by_role("button", name="ada")).to_be_visible()
        await expect(window.page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()


async def test_a_link_to_be_somebody_is_heeded_where_the_page_is_open(room: Room) -> None:
    async with room.hub() as hub, room.learner(hub, forgives=CUT) as ada:
        await ada.page.evaluate("location.hash = 'as=bob'")
        await expect(ada.page.get_by_role("button", name="bob")).to_be_visible()
        assert ada.page.url == f"{hub.url}/"


async def test_too_many_devices_are_told_and_let_in_when_there_is_room(room: Room) -> None:
    async with room.hub(limits={"connections": 1}) as hub:
        async with room.window(hub) as window:
            ada = Learner(window, "ada")
            async with device(hub):
                await ada.sign_in()
                await expect(ada.page.get_by_role("heading", name="Too many devices at once")).to_be_visible()
                await ada.shot("too-many-devices")
            await ada.page.get_by_role("button", name="Connect again").click()
            await expect(ada.page.get_by_role("dialog")).to_have_count(0)
            await expect(ada.beginning).to_be_visible()


async def test_who_is_erased_is_told_and_leaves_nothing_on_the_screen(room: Room) -> None:
    async with provider(["A secret."]) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=REFUSED) as ada:
        await ada.begin("Tell me a secret")
        await expect(ada.answers.last).to_contain_text("A secret.")
        await http(hub, "DELETE", "/api/me", hub.headers("ada"))
        await expect(ada.page.get_by_text("The account was erased")).to_be_visible()
        await ada.shot("erased")
        assert "secret" not in await ada.page.content()
        await ada.page.get_by_role("button", name="Sign in").click()
        await expect(ada.page.get_by_role("heading", name="Welcome")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "ar-EG"])
async def test_the_warning_of_the_local_model_takes_two_lines_at_most_on_a_small_screen(
    room: Room, locale: str
) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub:
        assert hub.instance is not None
        hub.instance.tutor.name = TutorName(name="SmolLM2-135M", local=True, note="A small model.")
        size = {"width": 320, "height": 640}
        async with room.window(hub, viewport=size, locale=locale) as window:
            ada = Learner(window, "ada")
            await ada.sign_in()
            await (
                ada.page.get_by_role("main").get_by_role("textbox").fill("Why is the sky blue, and red in the evening?")
            )
            await ada.page.keyboard.press("Enter")
            await expect(ada.page.locator("h1")).to_contain_text("Why is the sky blue")
            warning = ada.page.locator("header .warning")
            await expect(warning).to_be_visible()
            await ada.shot(f"local-model-{locale}")
            lines = await warning.evaluate("(it) => it.clientHeight / parseFloat(getComputedStyle(it).lineHeight)")
            assert lines < 2.5
            assert await ada.page.evaluate("document.documentElement.scrollWidth") == 320
