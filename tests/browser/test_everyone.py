"""For everyone: axe finds nothing grave in either theme; by keyboard, narrow, right to left, without motion."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from tests.browser.axe import findings
from tests.browser.conftest import Room
from tests.browser.conversation import conversation
from tests.browser.learner import Learner
from tests.device import device
from tests.provider import HOLD, provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

Theme = Literal["light", "dark"]
ANSWER = "A **prime** has $2$ divisors:\n\n```python\nprint(7)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
WHOLE = 0.95
"""Of what is in view: a browser scrolls to whole pixels, so half of one may stay outside."""
KEYS = {
    "New session": "N",
    "Search": "/Ctrl K",
    "Stop the answer, or close what is open": "Esc",
    "Send": "↵",
    "New line": "⇧ ↵",
    "Move in the list of sessions": "↑↓",
    "Open the session": "Enter",
    "Rename the session": "F2",
    "Delete the session": "Del",
    "More about the session": "⇧ F10",
    "Show this list": "Ctrl /",
}
"""What they do, and by which they do it."""


async def nothing_grave(ada: Learner) -> None:
    found = await findings(ada.page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_grave_on_any_screen(room: Room, theme: Theme) -> None:
    async with provider([ANSWER]) as tutor, room.hub(tutor) as hub:
        async with room.window(hub, color_scheme=theme) as window:
            ada = Learner(window, "ada")
            await ada.page.goto("/")
            await expect(ada.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
            await nothing_grave(ada)
            await ada.page.get_by_label("Your name").fill("ada")
            await ada.page.get_by_role("button", name="Sign in", exact=True).click()
            await expect(ada.beginning).to_be_visible()
            await nothing_grave(ada)
            await ada.begin("What is a prime?")
            await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
            await nothing_grave(ada)
            await ada.shot(f"chat-{theme}")
            await ada.search("prime")
            await expect(ada.page.locator("mark").first).to_be_visible()
            await nothing_grave(ada)
            await ada.search("")
            await ada.menu("What is a prime?", "Details")
            await nothing_grave(ada)
            await ada.page.goto("/s/0b5e7a52-3c5f-4d53-a2a8-6e0d9b1f4c11")
            await expect(ada.page.get_by_text("be found")).to_be_visible()
            await nothing_grave(ada)
            await ada.page.keyboard.press("Control+/")
            await expect(ada.page.get_by_role("dialog")).to_be_visible()
            await nothing_grave(ada)
            await ada.shot(f"keys-{theme}")


async def test_a_screen_reader_hears_that_the_tutor_answers_and_then_the_answer_once(room: Room) -> None:
    async with provider(["Forty-", HOLD, "two."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        heard = """() => {
            window.heard = [];
            const note = () => document.querySelectorAll("[role=status], [aria-live=polite]").forEach((region) => {
                const text = region.textContent.trim();
                if (text && !window.heard.includes(text)) window.heard.push(text);
            });
            new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
        }"""
        await ada.page.evaluate(heard)
        await ada.begin("The answer?")
        await expect(ada.answers.last).to_contain_text("Forty-")
        tutor.release()
        await expect(ada.page.get_by_role("status").filter(has_text="The tutor: Forty-two.")).to_be_attached()
        said = [each for each in await ada.page.evaluate("window.heard") if "utor" in each or "Forty" in each]
        assert said == ["The tutor is answering.", "The tutor: Forty-two."]


async def test_a_session_is_begun_asked_stopped_and_left_by_keyboard_alone(room: Room) -> None:
    async with provider(["Half ", HOLD, "and half"]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await expect(ada.field).to_be_focused()
        await ada.page.keyboard.type("By keyboard")
        await ada.page.keyboard.press("Enter")
        await expect(ada.answers.last).to_contain_text("Half")
        await ada.page.keyboard.press("Escape")
        await expect(ada.page.get_by_text("This answer was stopped.")).to_be_visible()
        await expect(ada.field).to_be_focused()


async def test_all_keys_are_on_a_sheet(room: Room) -> None:
    async with conversation(room) as ada:
        await ada.field.focus()
        await ada.page.keyboard.press("Control+/")
        sheet = ada.page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(sheet.get_by_role("term")).to_have_text(list(KEYS))
        await expect(sheet.get_by_role("definition")).to_have_text(list(KEYS.values()))
        await ada.page.keyboard.press("Escape")
        await expect(sheet).to_have_count(0)
        await expect(ada.field).to_be_focused()


async def test_a_narrow_window_needs_no_sideways_scrolling(room: Room) -> None:
    """Reflow at 320 px, the width of a window at 400 %."""
    async with conversation(room, "What is a prime?", ANSWER, viewport={"width": 320, "height": 640}) as ada:
        assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 320
        await expect(ada.field).to_be_in_viewport()
        await ada.shot("narrow")


async def test_a_low_window_scrolls_to_all_there_is(room: Room) -> None:
    """Reflow at 320 × 256 px: a window of 1280 × 1024 at 400 %."""
    low: dict[str, Any] = {"viewport": {"width": 320, "height": 256}}
    async with conversation(room, "What is a prime?", ANSWER, **low, forgives=("ERR_INTERNET_DISCONNECTED",)) as ada:
        await ada.window.context.set_offline(True)
        await expect(ada.banner("You are offline.")).to_be_visible()
        assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 320
        for part in (
            ada.page.get_by_role("button", name="Show your sessions"),
            ada.field,
            ada.page.get_by_role("button", name="Send", exact=True),
        ):
            await part.scroll_into_view_if_needed()
            await expect(part).to_be_in_viewport(ratio=WHOLE)
        box = await ada.messages.bounding_box()
        assert box is not None
        assert box["height"] >= 120
        await ada.page.evaluate("scrollTo(0, 0)")
        await ada.page.mouse.move(160, 200)
        await ada.messages.evaluate("(view) => view.scrollTo(0, view.scrollHeight)")
        await ada.shot("low-top")
        await ada.page.mouse.wheel(0, 600)
        await expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=WHOLE)
        await ada.shot("low")
        await ada.field.press_sequentially("Still here")
        await expect(ada.field).to_be_in_viewport(ratio=WHOLE)


async def test_a_phone_shows_one_thing_at_a_time_with_targets_for_thumbs(room: Room) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    async with conversation(room, "What is a prime?", ANSWER, **phone) as ada:
        await ada.shot("mobile-chat")
        small = """() => [...document.querySelectorAll("button, a[href], select, textarea, input:not(.unseen)")]
            .filter((each) => each.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
            .filter((each) => !each.closest(".answer p, .answer li"))
            .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1 && (box.height < 43.5 || box.width < 23.5))
            .map(([html, box]) => `${html} ${box.width}×${box.height}`)"""
        assert await ada.page.evaluate(small) == []
        await ada.page.get_by_role("button", name="Show your sessions", exact=True).click()
        await expect(ada.session("What is a prime?")).to_be_visible()
        await ada.shot("mobile-list")


@asynccontextmanager
async def in_language(room: Room, locale: str) -> AsyncGenerator[Learner]:
    """A conversation that was had elsewhere, seen in a browser of this language."""
    async with provider([ANSWER]) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        session, sent = await laptop.begin("What is a prime?")
        assert sent.reply is not None
        await laptop.settled(sent.reply)
        async with room.learner(hub, locale=locale) as ada:
            await ada.page.goto(f"/s/{session}")
            await expect(ada.page.locator("article").last).to_contain_text("prime has")
            yield ada


async def test_arabic_turns_the_page_round(room: Room) -> None:
    async with in_language(room, "ar-EG") as ada:
        await expect(ada.page.locator("html")).to_have_attribute("dir", "rtl")
        await expect(ada.page.locator("html")).to_have_attribute("lang", "ar")
        list_box = await ada.page.get_by_role("navigation").first.bounding_box()
        assert list_box is not None
        assert list_box["x"] > 300, "the list is at the beginning of a line, on the right"
        await nothing_grave(ada)
        await ada.shot("right-to-left")


async def test_german_is_spoken_to_whose_browser_does(room: Room) -> None:
    async with in_language(room, "de-DE") as ada:
        await expect(ada.page.locator("html")).to_have_attribute("lang", "de")
        await expect(ada.page.get_by_role("link", name="Neue Sitzung", exact=True)).to_be_visible()
        await ada.shot("german")


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
async def test_who_wants_no_motion_sees_none(room: Room, motion: str, moves: bool) -> None:
    async with provider([HOLD, "Yes."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub, reduced_motion=motion) as ada:
            await ada.begin("Is it so?")
            await expect(ada.answers.last).to_contain_text("is thinking")
            moving = "document.getAnimations().some((each) => each.effect.getTiming().duration > 10)"
            assert await ada.page.evaluate(moving) is moves
