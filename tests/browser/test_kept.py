"""What was begun is not lost and does not come back undone: first questions, changes, deletions, new sessions.

Long because what a hostile try found is shown beside what it would break.
"""

from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest
from playwright.async_api import expect

from protocol.commands import MessageDelete, SessionDelete, SessionRestore
from protocol.model import Message, Session
from tests.browser.attaching import add, file
from tests.browser.conftest import Room
from tests.browser.conversation import conversation, echo
from tests.browser.window import CUT
from tests.device import device
from tests.files import photo
from tests.provider import provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNSEEN = "Object.defineProperty(document, 'hidden', { get: () => true })"
"""As a page behind another one says: without a screen, Chromium has each one seen."""


async def test_a_first_question_is_a_draft_with_its_picture_and_begins_a_session_once_it_is_sent(
    room: Room, data_dir: Path
) -> None:
    async with provider(echo) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("one")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.new_session()
        await add(ada, file("cat.jpg", "image/jpeg", photo()))
        added = ada.page.get_by_role("list", name="What goes with the message")
        await expect(added.get_by_role("img", name="cat.jpg")).to_be_visible()
        await ada.field.fill("What is it?")
        await expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        await ada.session("one").click()
        await expect(ada.field).to_have_value("")
        await ada.new_session()
        await expect(ada.field).to_have_value("What is it?")
        await ada.page.reload()
        await expect(ada.field).to_have_value("What is it?")
        await expect(added.get_by_role("img")).to_be_visible()
        await expect(ada.sessions.get_by_role("link")).to_have_count(1)
        await ada.page.get_by_role("radio", name="Learn").check(force=True)
        await ada.page.get_by_role("combobox", name="The tutor's language").select_option("de")
        await ada.page.get_by_role("button", name="Send", exact=True).click()
        await expect(ada.said.last.get_by_role("img", name="Picture")).to_be_visible()
        await expect(ada.page.get_by_role("radio", name="Learn")).to_be_checked()
        await expect(ada.answers.last).to_contain_text("About What is it?")
        await expect(ada.page.get_by_role("combobox", name="The tutor's language")).to_have_value("de")
        await ada.new_session()
        await expect(ada.field).to_have_value("")
        await expect(added).to_have_count(0)


async def test_a_message_that_is_edited_stays_so_wherever_one_goes_and_is_shown_at_once_when_it_is_saved(
    room: Room,
) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=CUT) as ada:
        await ada.begin("first")
        await expect(ada.answers).to_have_count(1)
        await ada.ask("second")
        await expect(ada.answers).to_have_count(2)
        await ada.do(ada.said.first, "Edit")
        fields = ada.page.get_by_role("textbox", name="Edit your message")
        await fields.fill("first, in better words")
        await ada.do(ada.said.last, "Edit")
        await expect(fields).to_have_count(2)
        await ada.new_session()
        await ada.session("first").click()
        await expect(fields.first).to_have_value("first, in better words")
        await expect(ada.field).to_be_focused()
        await ada.window.context.set_offline(True)
        await expect(ada.banner("You are offline.")).to_be_visible()
        await ada.said.first.get_by_role("button", name="Save", exact=True).click()
        await expect(fields).to_have_count(1)
        await expect(ada.said.first).to_contain_text("first, in better words")
        await expect(ada.said.first).to_contain_text("Sent once the connection is back")
        await ada.window.context.set_offline(False)
        await expect(ada.said.first).not_to_contain_text("Sent once")
        await expect(ada.said.first).to_contain_text("first, in better words")


async def test_what_is_deleted_does_not_come_back_without_a_line_nor_by_signing_out(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub, forgives=CUT) as ada:
            await ada.begin("first")
            await expect(ada.answers.last).to_contain_text("it depends.")
            await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
            await laptop.open(await laptop.hears_of())
            assert len(laptop.timeline.messages) == 2
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.do(ada.answers.last, "Delete")
            await expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()
            await expect(ada.page.get_by_role("button", name="Undo")).to_have_count(0)
            await expect(ada.answers).to_have_count(0)
            await ada.window.context.set_offline(False)
            await expect(ada.banner("You are offline.")).to_have_count(0)
            await expect(ada.answers).to_have_count(0)
            await ada.do(ada.said.last, "Delete")
            await ada.page.get_by_role("button", name="Settings").click()
            await ada.page.get_by_role("button", name="Sign out").click()
            await expect(ada.page.get_by_role("heading", name="Welcome")).to_be_visible()
            await laptop.until(lambda: all(message.deleted_at for message in laptop.timeline.messages.values()))


async def test_a_message_that_was_refused_while_one_was_elsewhere_is_told_of_with_the_way_to_it(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub, forgives=CUT) as ada:
            await ada.begin("first")
            await expect(ada.answers.last).to_contain_text("it depends.")
            session = await laptop.hears_of()
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.ask("second")
            await ada.new_session()
            await laptop.ask(SessionDelete, Session, session=session)
            await ada.window.context.set_offline(False)
            await expect(ada.page.get_by_text("A message of yours was not sent.")).to_be_visible()
            await laptop.ask(SessionRestore, Session, session=session)
            await expect(ada.session("first")).to_be_visible()
            await ada.page.get_by_role("button", name="Show it").click()
            failed = ada.said.filter(has_text="second")
            await expect(failed).to_contain_text("Not sent.")
            await expect(failed).to_be_in_viewport()
            await expect(ada.page.get_by_text("A message of yours was not sent.")).to_have_count(0)


async def test_without_a_line_a_new_session_is_there_at_once_and_one_that_is_not_kept_says_so(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub, forgives=CUT) as ada:
            await laptop.send(await laptop.create(title="Never read here"), "elsewhere")
            await expect(ada.session("Never read here")).to_be_visible()
            await ada.window.shell_is_kept()
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.session("Never read here").click()
            await expect(ada.page.get_by_text("This session is not kept on this device.")).to_be_visible()
            await ada.new_session()
            await ada.begin("Begun in the tunnel")
            await expect(ada.page.get_by_text("Sent once the connection is back")).to_be_visible()
            await ada.window.context.set_offline(False)
            await expect(ada.answers.last).to_contain_text("About Begun in the tunnel")


async def test_what_is_done_in_the_last_moment_before_a_reload_is_done(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=CUT) as ada:
        await ada.begin("first")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.field.press_sequentially("half a thought")
        await ada.page.reload()
        await expect(ada.field).to_have_value("half a thought")
        await ada.window.shell_is_kept()
        await ada.window.context.set_offline(True)
        await expect(ada.banner("You are offline.")).to_be_visible()
        await ada.field.press("Enter")
        await ada.page.reload()
        await expect(ada.said.last).to_contain_text("half a thought")
        await expect(ada.field).to_have_value("")
        await ada.do(ada.said.first, "Delete")
        await ada.page.reload()
        await expect(ada.said).to_have_count(1)
        await ada.window.context.set_offline(False)
        await expect(ada.answers.last).to_contain_text("About half a thought")
        await expect(ada.said).to_have_count(1)


async def test_what_was_changed_without_a_line_stays_changed_when_the_page_is_loaded_again_and_in_other_tabs(
    room: Room,
) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub, forgives=CUT) as ada:
        await ada.begin("first")
        await expect(ada.answers).to_have_count(1)
        await ada.ask("second")
        await expect(ada.answers.last).to_contain_text("About second")
        await ada.window.shell_is_kept()
        other = await ada.another_tab()
        await other.page.goto(ada.page.url)
        await expect(other.answers).to_have_count(2)
        await ada.window.context.set_offline(True)
        await expect(ada.banner("You are offline.")).to_be_visible()
        await ada.rename("first", "The tunnel")
        await ada.page.get_by_role("radio", name="Learn").check(force=True)
        await ada.do(ada.said.first, "Edit")
        await ada.page.get_by_role("textbox", name="Edit your message").fill("first, in better words")
        await ada.said.first.get_by_role("button", name="Save", exact=True).click()
        await ada.do(ada.said.last, "Edit")
        await ada.page.get_by_role("textbox", name="Edit your message").fill("second, in half a")
        await expect(other.page.get_by_role("textbox", name="Edit your message")).to_have_value("second, in half a")
        await ada.page.reload()
        for tab in (ada, other):
            await expect(tab.session("The tunnel")).to_be_visible()
            await expect(tab.page.get_by_role("radio", name="Learn")).to_be_checked()
            await expect(tab.said.first).to_contain_text("first, in better words")
            await expect(tab.said.first).to_contain_text("Sent once the connection is back")
        await expect(ada.page.get_by_role("textbox", name="Edit your message")).to_have_value("second, in half a")
        await ada.window.context.set_offline(False)
        async with device(hub) as laptop:
            for tab in (ada, other):
                await expect(tab.said.first).not_to_contain_text("Sent once")
                await expect(tab.said.first).to_contain_text("first, in better words")
            await laptop.until(
                lambda: (
                    [(each.title, each.mode) for each in laptop.timeline.sessions.values()] == [("The tunnel", "learn")]
                )
            )


async def test_a_change_that_is_refused_after_the_page_was_loaded_again_is_said(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub, forgives=CUT) as ada:
            await ada.begin("first")
            await expect(ada.answers.last).to_contain_text("it depends.")
            await ada.window.shell_is_kept()
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.do(ada.said.last, "Edit")
            await ada.page.get_by_role("textbox", name="Edit your message").fill("too late")
            await ada.said.last.get_by_role("button", name="Save", exact=True).click()
            await ada.page.reload()
            await expect(ada.said.last).to_contain_text("too late")
            session = await laptop.open(await laptop.hears_of())
            await laptop.ask(MessageDelete, Message, message=session.messages[0].id)
            await ada.window.context.set_offline(False)
            await expect(ada.page.get_by_text("A change could not be kept. It is not there any more.")).to_be_visible()
            await expect(ada.said).to_have_count(0)


async def test_in_a_tab_that_nobody_sees_no_refusal_is_said(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        async with room.learner(hub, forgives=CUT) as ada:
            await ada.begin("first")
            await expect(ada.answers.last).to_contain_text("it depends.")
            await ada.window.shell_is_kept()
            other = await ada.another_tab()
            await other.page.add_init_script(UNSEEN)
            await other.page.goto(ada.page.url)
            await expect(other.answers).to_have_count(1)
            await ada.window.context.set_offline(True)
            await expect(ada.banner("You are offline.")).to_be_visible()
            await ada.rename("first", "too late")
            await ada.page.reload()
            await expect(ada.session("too late")).to_be_visible()
            [session] = laptop.timeline.sessions
            await laptop.ask(SessionDelete, Session, session=session)
            await ada.window.context.set_offline(False)
            await expect(ada.page.get_by_text("A change could not be kept.")).to_be_visible()
            await expect(other.sessions.get_by_role("link")).to_have_count(0)
            await expect(other.page.get_by_text("A change could not be kept.")).to_have_count(0)


async def test_the_words_of_an_edit_whose_message_is_deleted_elsewhere_go_back_to_the_composer(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop, room.learner(hub) as ada:
        await ada.begin("first")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.do(ada.said.last, "Edit")
        edit = ada.page.get_by_role("textbox", name="Edit your message")
        await edit.fill("first, in better words")
        session = await laptop.open(await laptop.hears_of())
        await laptop.ask(MessageDelete, Message, message=session.messages[0].id)
        await expect(ada.page.get_by_text("The message that you were editing was deleted.")).to_be_visible()
        await expect(edit).to_have_count(0)
        await ada.page.get_by_role("button", name="Back to the composer").click()
        await expect(ada.field).to_have_value("first, in better words")


async def test_an_edit_goes_on_where_its_field_is_though_it_is_given_up_in_another_tab(room: Room) -> None:
    async with conversation(room) as ada:
        other = await ada.another_tab()
        await other.page.goto(ada.page.url)
        here, there = (tab.page.get_by_role("textbox", name="Edit your message") for tab in (ada, other))
        await ada.do(ada.said.last, "Edit")
        await here.press_sequentially(" Really")
        await expect(there).to_have_value("Is it so? Really")
        await there.press("Escape")
        await expect(there).to_have_count(0)
        await here.press_sequentially("?")
        await expect(there).to_have_value("Is it so? Really?")
        await expect(here).to_have_value("Is it so? Really?")
        await ada.field.focus()
        await there.press("Escape")
        await expect(here).to_have_count(0)


async def test_without_a_line_an_edit_is_saved_and_no_answer_asked_for(room: Room) -> None:
    async with conversation(room, forgives=CUT) as ada:
        await ada.do(ada.said.last, "Edit")
        anew = ada.page.get_by_role("button", name="Save and answer anew")
        later = ada.page.get_by_text("An answer can be asked for anew once the connection is back.")
        await expect(anew).to_be_enabled()
        await ada.window.context.set_offline(True)
        await expect(later).to_be_visible()
        await expect(anew).to_be_disabled()
        await expect(ada.page.get_by_role("button", name="Save", exact=True)).to_be_enabled()
        await ada.window.context.set_offline(False)
        await expect(anew).to_be_enabled()
        await expect(later).to_have_count(0)


async def test_what_has_no_answer_any_more_is_not_to_be_answered_anew(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("first")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.do(ada.said.last, "Edit")
        anew = ada.page.get_by_role("button", name="Save and answer anew")
        await expect(anew).to_be_enabled()
        await ada.do(ada.answers.last, "Delete")
        await expect(anew).to_have_count(0)
        await ada.page.get_by_role("button", name="Undo").click()
        await expect(anew).to_be_enabled()


async def test_what_is_asked_for_anew_already_is_not_asked_for_with_an_edit(room: Room) -> None:
    async with provider(echo) as tutor, room.child(tutor) as child, room.learner(child.hub) as ada:
        await ada.begin("first")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.do(ada.said.last, "Edit")
        anew = ada.page.get_by_role("button", name="Save and answer anew")
        await expect(anew).to_be_enabled()
        child.process.send_signal(SIGSTOP)
        await ada.do(ada.answers.last, "Answer anew")
        await expect(anew).to_be_disabled()
        child.process.send_signal(SIGCONT)
        await expect(anew).to_be_enabled()
