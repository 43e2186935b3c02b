"""Bad weather: no line, a slow one, a hub that dies in mid-answer. Nothing is lost or doubled, and it is said."""

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.browser.window import CUT
from tests.device import device
from tests.hostile import http
from tests.provider import HOLD, provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = {"TUTORHUB_TURN_LEASE": "1.0", "TUTORHUB_TURN_KEEP_EVERY": "0.2", "TUTORHUB_TURN_DUE_EVERY": "0.2"}
KEEPS_NOTHING = """
    const blocked = () => { throw new DOMException("blocked", "SecurityError"); };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: blocked });
    IDBFactory.prototype.open = blocked;
    LockManager.prototype.request = () => Promise.reject(new DOMException("blocked", "SecurityError"));
"""
"""As Chromium does it where all cookies are blocked."""


async def test_offline_one_reads_and_writes_and_what_was_written_is_sent_once(room: Room) -> None:
    async with provider(["An answer."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub, forgives=CUT) as ada, device(hub) as laptop:
            await ada.begin("Before the tunnel")
            await expect(ada.answers.last).to_contain_text("An answer.")
            await ada.window.shell_is_kept()
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.ask("In the tunnel")
            await expect(ada.page.get_by_text("Sent once the connection is back")).to_be_visible()
            await ada.shot("offline")
            await ada.page.reload()
            await expect(ada.said.first).to_contain_text("Before the tunnel")
            await expect(ada.said.last).to_contain_text("In the tunnel")
            await ada.window.context.set_offline(False)
            await expect(ada.answers).to_have_count(2)
            await expect(ada.banner("You are offline.")).to_have_count(0)
            session = await laptop.hears_of()
            page = await laptop.open(session)
            assert [each.content for each in page.messages if each.type == "user"] == [
                "Before the tunnel",
                "In the tunnel",
            ]


async def test_a_hub_killed_in_mid_answer_comes_back_and_the_answer_goes_on(room: Room) -> None:
    async with provider(["One, ", "two, ", HOLD, "three."]) as tutor:
        async with room.child(tutor, **QUICK) as first:
            port = str(first.hub.port)
            async with room.learner(first.hub, forgives=CUT) as ada:
                await ada.begin("Count to three")
                await expect(ada.answers.last).to_contain_text("One, two,")
                await first.kill()
                await expect(ada.banner("The connection is lost.")).to_be_visible()
                await expect(ada.answers.last).to_contain_text("One, two,")
                await ada.shot("reconnecting")
                await ada.ask("And what comes next?")
                async with room.child(tutor, TUTORHUB_PORT=port, **QUICK):
                    await ada.page.get_by_role("button", name="Retry now").click()
                    await tutor.held()
                    tutor.release()
                    await expect(ada.answers.first).to_contain_text("One, two, three.", timeout=20_000)
                    await expect(ada.said).to_have_count(2)
                    await expect(ada.banner("The connection is lost.")).to_have_count(0)


class SlowLine:
    """While `holds`, the hub hears nothing of what the page says, and then all of it, in order."""

    def __init__(self) -> None:
        self.holds = False
        self._held: list[tuple[WebSocketRoute, str | bytes]] = []

    async def lead_from(self, page: Page) -> None:
        await page.route_web_socket("**", self._lead)

    def let_through(self) -> None:
        self.holds = False
        for hub, frame in self._held:
            hub.send(frame)
        self._held.clear()

    def _lead(self, ours: WebSocketRoute) -> None:
        hub = ours.connect_to_server()
        ours.on_message(lambda frame: self._held.append((hub, frame)) if self.holds else hub.send(frame))


@pytest.mark.shows("Errors: loading states", "sessionStore: sessions, loading")
async def test_what_is_loading_is_sketched_until_it_is_there(room: Room) -> None:
    async with room.hub() as hub, device(hub) as laptop, room.window(hub) as window:
        await laptop.begin("Why is the sea salty?")
        ada, line = Learner(window, "ada"), SlowLine()
        await line.lead_from(ada.page)
        line.holds = True
        await ada.sign_in()
        sketch = ada.page.get_by_role("status").filter(has_text="One moment …")
        await expect(sketch).to_be_visible()
        await expect(sketch).to_have_css("opacity", "1")
        await ada.shot("loading")
        line.let_through()
        await expect(ada.session("Why is the sea salty?")).to_be_visible()
        await expect(sketch).to_have_count(0)
        line.holds = True
        await ada.session("Why is the sea salty?").click()
        await expect(ada.messages.locator(sketch)).to_be_visible()
        line.let_through()
        await expect(ada.said).to_contain_text(["Why is the sea salty?"])
        await expect(sketch).to_have_count(0)


@pytest.mark.shows("Optimization: optimistic updates")
async def test_what_is_written_is_shown_before_the_hub_has_it(room: Room) -> None:
    async with provider(["An answer."]) as tutor, room.hub(tutor) as hub, room.window(hub) as window:
        ada, line = Learner(window, "ada"), SlowLine()
        await line.lead_from(ada.page)
        await ada.sign_in()
        await ada.begin("One")
        await expect(ada.answers).to_have_count(1)
        line.holds = True
        await ada.ask("Two")
        await expect(ada.said.last).to_contain_text("Two")
        await expect(ada.said.last.get_by_text("Sending …")).to_be_visible()
        assert len(tutor.requests) == 1
        line.let_through()
        await expect(ada.answers).to_have_count(2)
        await expect(ada.said.last.get_by_text("Sending …")).to_have_count(0)


async def test_a_text_that_is_too_long_is_kept_and_what_is_wrong_is_said(room: Room) -> None:
    """A paste of 1 MB."""
    async with provider(["Short."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Something long")
        await expect(ada.answers.last).to_contain_text("Short.")
        await ada.field.evaluate(
            "(field) => { field.focus(); document.execCommand('insertText', false, 'long words '.repeat(95000)); }"
        )
        await expect(ada.page.get_by_text("characters too long")).to_be_visible()
        await expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        await ada.shot("too-long")
        assert len(await ada.field.input_value()) == 11 * 95_000
        await ada.ask("Something short")
        await expect(ada.said).to_have_count(2)


async def test_a_first_question_that_is_too_long_waits_as_it_was_written(room: Room) -> None:
    async with provider(["Short."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.ask("long words " * 900)
        await expect(ada.page.get_by_text("characters too long")).to_be_visible()
        assert await ada.field.input_value() == "long words " * 900
        await expect(ada.sessions.get_by_role("link")).to_have_count(0)


async def test_an_address_of_a_session_that_is_not_ours_says_so_and_leads_on(room: Room) -> None:
    async with provider(["Private."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada, room.learner(hub, "bob") as bob:
            await ada.begin("A secret of ada's")
            await expect(ada.answers.last).to_contain_text("Private.")
            for session in (ada.session_id, "0b5e7a52-3c5f-4d53-a2a8-6e0d9b1f4c11", "no-id-at-all"):
                await bob.page.goto(f"/s/{session}")
                await expect(bob.page.get_by_text("be found")).to_be_visible()
                await expect(bob.page.get_by_text("UUID")).to_have_count(0)
                await expect(bob.page.get_by_text("secret")).to_have_count(0)
            await bob.shot("not-found")


async def test_a_deleted_session_is_brought_back_at_its_address_when_the_page_knows_nothing_of_it(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada, room.learner(hub, "bob") as bob:
            await ada.begin("Is it so?")
            await expect(ada.answers).to_have_attribute("aria-busy", "false")
            address = ada.page.url
            await ada.menu("Is it so?", "Delete")
            await expect(ada.beginning).to_be_visible()
            for each in (ada, bob):
                await each.page.goto(address)
                await each.page.get_by_role("button", name="Bring it back").click()
            await expect(ada.answers).to_contain_text("Yes.")
            await expect(ada.session("Is it so?")).to_be_visible()
            await expect(bob.page.get_by_text("There is nothing to bring back.")).to_be_visible()


async def test_who_is_signed_out_elsewhere_signs_in_again_and_has_the_draft(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=("401",)) as ada:
        await ada.begin("Still there?")
        await expect(ada.answers.last).to_contain_text("Yes.")
        await ada.field.fill("Half a thought")
        await ada.page.get_by_role("button", name="Settings").click()
        await expect(ada.page.get_by_role("dialog", name="Settings")).to_be_visible()
        await http(hub, "POST", "/auth/sign-out", hub.headers("ada"), b'{"everywhere": true}')
        await expect(ada.page.get_by_text("Please sign in again")).to_be_visible()
        await ada.shot("signed-out-elsewhere")
        for _ in range(6):  # Chromium lets a page hold back Escape only so often
            await ada.page.keyboard.press("Escape")
        again = ada.page.get_by_role("dialog", name="Please sign in again")
        await expect(again).to_be_visible()
        assert await again.evaluate("(dialog) => dialog.matches(':modal')")
        await ada.page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(ada.field).to_have_value("Half a thought")


async def test_where_nothing_can_be_kept_the_page_says_so_and_works(room: Room) -> None:
    """As in some private windows."""
    async with provider(["Works."]) as tutor, room.hub(tutor) as hub:
        async with room.window(hub, service_workers="block", forgives=("blocked by Playwright",)) as window:
            await window.context.add_init_script(KEEPS_NOTHING)
            ada = Learner(window, "ada")
            await ada.sign_in()
            await ada.begin("Anything")
            await expect(ada.answers.last).to_contain_text("Works.")
            await expect(ada.page.get_by_text("This browser keeps nothing between visits")).to_be_visible()


async def test_where_nothing_can_be_kept_one_is_asked_before_the_page_takes_away_what_was_not_sent(room: Room) -> None:
    forgives = ("blocked by Playwright", "dialog: ")
    async with provider(["Works."]) as tutor, room.hub(tutor) as hub:
        async with room.window(hub, service_workers="block", forgives=forgives) as window:
            await window.context.add_init_script(KEEPS_NOTHING)
            ada = Learner(window, "ada")
            await ada.sign_in()
            await ada.begin("Anything")
            await expect(ada.answers.last).to_contain_text("Works.")
            await ada.field.fill("Half a thought")
            async with ada.page.expect_event("dialog") as asked:
                await ada.page.close(run_before_unload=True)
            assert (await asked.value).type == "beforeunload"
            await ada.field.fill("")
            assert await ada.page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")


async def test_what_a_busy_hub_takes_later_says_so_and_not_that_there_is_no_connection(room: Room) -> None:
    limits = {"sends": "1/3"}
    async with provider(["An answer."]) as tutor, room.hub(tutor, limits=limits) as hub, room.learner(hub) as ada:
        await ada.begin("One")
        await expect(ada.answers.last).to_contain_text("An answer.")
        await ada.ask("Two")
        await expect(ada.said.last).to_contain_text("The hub is busy. It is sent again by itself.")
        await expect(ada.answers).to_have_count(2)
        await expect(ada.said.last).not_to_contain_text("The hub is busy.")
