"""Where the focus goes when what had it goes: never nowhere, and always to where one goes on."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from protocol.commands import SessionDelete
from protocol.model import Session
from tests.browser.conftest import Room
from tests.browser.conversation import conversation
from tests.browser.window import FORGIVES_REFUSALS
from tests.device import device
from tests.provider import HOLD, Refuse, provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NARROW: dict[str, Any] = {"viewport": {"width": 600, "height": 800}}


async def press(button: Locator, key: str = "Enter") -> None:
    """By keyboard."""
    await button.focus()
    await button.press(key)


async def test_the_link_at_the_beginning_skips_to_the_conversation(room: Room) -> None:
    async with conversation(room) as ada:
        address = ada.page.url
        await ada.page.reload()
        await expect(ada.said).to_have_count(1)
        skip = ada.page.get_by_role("link", name="Skip to the conversation")
        await ada.page.get_by_role("link", name="tutorhub").focus()
        await ada.page.keyboard.press("Shift+Tab")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await ada.page.keyboard.press("Enter")
        await expect(ada.page.locator("#main")).to_be_focused()
        assert ada.page.url.removesuffix("#main") == address
        await expect(ada.said).to_have_count(1)


@pytest.mark.parametrize("way", ["Save", "Cancel"])
async def test_from_an_edit_to_its_message(room: Room, way: str) -> None:
    async with conversation(room) as ada:
        await press(ada.said.get_by_role("button", name="Edit"))
        await expect(ada.page.get_by_role("textbox", name="Edit your message")).to_be_focused()
        await ada.page.keyboard.type(" Really?")
        await press(ada.said.get_by_role("button", name=way, exact=True))
        await expect(ada.page.get_by_role("textbox", name="Edit your message")).to_have_count(0)
        await expect(ada.said).to_be_focused()


async def test_from_an_undone_deletion_to_its_message(room: Room) -> None:
    async with conversation(room) as ada:
        await press(ada.said.get_by_role("button", name="Delete"))
        await expect(ada.page.get_by_role("button", name="Undo")).to_be_focused()
        await ada.page.keyboard.press("Enter")
        await expect(ada.said).to_be_focused()


async def test_from_a_deleted_message_to_the_one_after_it_and_not_while_one_is_at_its_way_back(room: Room) -> None:
    async with conversation(room) as ada:
        await ada.page.clock.install()
        await press(ada.said.get_by_role("button", name="Delete"))
        undo = ada.page.get_by_role("button", name="Undo")
        await ada.page.clock.run_for(20_000)
        await expect(undo).to_be_focused()
        await ada.page.keyboard.press("Shift+Tab")
        await ada.page.keyboard.press("Tab")
        await expect(undo).to_be_focused()
        await ada.page.mouse.move(1, 1)
        await ada.answers.focus()
        await ada.page.clock.run_for(7_000)
        await expect(undo).to_have_count(0)
        await expect(ada.said).to_have_count(0)


async def test_from_a_message_that_is_deleted_elsewhere_to_the_one_after_it(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada, room.learner(hub) as phone:
            await ada.begin("Is it so?")
            await expect(ada.answers).to_have_attribute("aria-busy", "false")
            await phone.session("Is it so?").click()
            await phone.said.get_by_role("button", name="Copy").focus()
            await press(ada.said.get_by_role("button", name="Delete"))
            await ada.field.focus()
            await expect(phone.said).to_have_count(0, timeout=15_000)
            await expect(phone.answers).to_be_focused()


async def test_from_the_way_to_the_latest_to_the_latest(room: Room) -> None:
    async with conversation(room, answer="line\n\n" * 80) as ada:
        await ada.messages.focus()
        await ada.page.keyboard.press("Home")
        while await ada.messages.evaluate("(view) => view.scrollTop") > 0:  # it glides there
            await asyncio.sleep(0.05)
        await press(ada.page.get_by_role("button", name="To the latest"))
        await expect(ada.page.get_by_role("button", name="To the latest")).to_have_count(0)
        await expect(ada.answers.last).to_be_focused()


async def test_from_a_notice_to_the_field(room: Room) -> None:
    few = {"pending": 1}
    async with provider(["Begun", HOLD]) as tutor, room.hub(tutor, turns=few) as hub, room.learner(hub) as ada:
        await ada.begin("One")
        await expect(ada.answers).to_contain_text("Begun")
        await ada.ask("One too many")
        await press(ada.page.get_by_role("button", name="Dismiss"))
        await expect(ada.page.get_by_role("button", name="Dismiss")).to_have_count(0)
        await expect(ada.field).to_be_focused()
        tutor.release()


async def test_from_a_failed_answer_that_is_asked_for_again_to_the_answer(room: Room) -> None:
    async with provider(["Better."]) as tutor, room.hub(tutor, turns={"provider_tries": 1}) as hub:
        async with room.learner(hub) as ada:
            tutor.next([Refuse(503)])
            await ada.begin("Fail")
            await press(ada.answers.get_by_role("button", name="Try again"))
            await expect(ada.answers).to_contain_text("Better.")
            await expect(ada.answers).to_be_focused()


async def test_from_the_microphone_to_the_recording_and_back_to_the_microphone(room: Room) -> None:
    """Of a recording that is hardly one the hub may say that it is none."""
    async with conversation(room, permissions=["microphone"], forgives=FORGIVES_REFUSALS) as ada:
        microphone = ada.page.get_by_role("button", name="Record your voice")
        for way in ("Keep the recording", "Discard the recording"):
            await press(microphone)
            await expect(ada.page.get_by_role("button", name="Keep the recording")).to_be_focused()
            await press(ada.page.get_by_role("button", name=way))
            await expect(microphone).to_be_focused()


async def test_from_a_toast_to_the_next_and_from_the_last_back_to_where_one_was(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        for number in range(5):
            await laptop.create(title=f"Session {number}")
        async with room.learner(hub) as ada:
            links = ada.sessions.get_by_role("link")
            await expect(links).to_have_count(5)
            for left in (4, 3, 2, 1):
                await press(links.first, "Delete")
                await expect(links).to_have_count(left)
            undo = ada.page.get_by_role("button", name="Undo")
            await expect(undo).to_have_count(3)
            await ada.shot("toasts")
            await press(ada.page.get_by_role("button", name="1 more"))
            await expect(undo).to_have_count(4)
            await expect(undo.first).to_be_focused()
            await ada.field.focus()
            await press(undo.first)
            for left in (3, 2, 1):
                await expect(undo).to_have_count(left)
                await expect(undo.first).to_be_focused()
                await ada.page.keyboard.press("Enter")
            await expect(undo).to_have_count(0)
            await expect(links).to_have_count(5)
            await expect(ada.field).to_be_focused()


async def test_toasts_wait_for_nobody_who_has_undone_one_by_hand(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        for number in range(2):
            await laptop.create(title=f"Session {number}")
        async with room.learner(hub, has_touch=True) as ada:
            for number in range(2):
                await press(ada.session(f"Session {number}"), "Delete")
            undo = ada.page.get_by_role("button", name="Undo")
            await expect(undo).to_have_count(2)
            await ada.page.clock.install()
            await undo.first.tap()
            await expect(undo).to_have_count(1)
            await ada.page.clock.run_for(31_000)
            await expect(undo).to_have_count(0)


async def test_from_a_session_that_is_deleted_elsewhere_to_the_notice_of_it(room: Room) -> None:
    async with provider(["Yes."]) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub) as ada:
            await ada.begin("Is it so?")
            await expect(ada.field).to_be_focused()
            await laptop.ask(SessionDelete, Session, session=await laptop.hears_of())
            await expect(ada.page.get_by_role("region", name="This session was deleted")).to_be_focused()
            await press(ada.page.get_by_role("button", name="Bring it back"))
            await expect(ada.field).to_be_focused()


async def test_from_the_drawer_back_to_what_opened_it(room: Room) -> None:
    async with conversation(room, **NARROW) as ada:
        opener = ada.page.get_by_role("button", name="Show your sessions")
        await press(opener)
        await expect(ada.session("Is it so?")).to_be_visible()
        await ada.page.keyboard.press("Escape")
        await expect(ada.session("Is it so?")).not_to_be_visible()
        await expect(opener).to_be_focused()


async def test_escape_closes_the_drawer_and_leaves_the_answer_alone(room: Room) -> None:
    async with provider(["Half ", HOLD, "and half"]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub, **NARROW) as ada:
            await ada.begin("Count")
            await expect(ada.answers).to_contain_text("Half")
            await press(ada.page.get_by_role("button", name="Show your sessions"))
            await expect(ada.session("Count")).to_be_visible()
            await ada.page.keyboard.press("Escape")
            await expect(ada.session("Count")).not_to_be_visible()
            tutor.release()
            await expect(ada.answers).to_contain_text("Half and half")


async def test_sending_by_hand_leaves_the_focus_where_one_writes(room: Room) -> None:
    async with conversation(room) as ada:
        await ada.field.fill("And now?")
        await ada.page.get_by_role("button", name="Send", exact=True).click()
        await expect(ada.said).to_have_count(2)
        await expect(ada.field).to_be_focused()
        await ada.field.fill("And then?")
        await press(ada.page.get_by_role("button", name="Send", exact=True))
        await expect(ada.said).to_have_count(3)
        await expect(ada.field).to_be_focused()


async def test_sending_by_thumb_keeps_the_keys_of_a_phone(room: Room) -> None:
    async with conversation(room, **PHONE) as ada:
        await ada.field.tap()
        await ada.field.press_sequentially("And now?")
        await ada.page.get_by_role("button", name="Send", exact=True).tap()
        await expect(ada.said).to_have_count(2)
        await expect(ada.field).to_be_focused()
