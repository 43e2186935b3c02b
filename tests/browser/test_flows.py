"""The flows of original-design.md on one device, in a real browser: creation, chat and management."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Room
from tests.browser.conversation import echo
from tests.device import device
from tests.provider import HOLD, Refuse, provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

MATH = """\
A prime has **two** divisors. Their product up to $n$ grows like $e^{n}$:

$$\\prod_{p \\le n} p \\approx e^{n}$$

```python
def is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))
```

| n | prime? |
|---|---|
| 7 | yes |
| 9 | no |
"""


# Creation.


@pytest.mark.shows(
    "SessionsList: new session creation", "SessionChat: real-time message input and output", "chatStore: isTyping"
)
async def test_a_newcomer_asks_and_sees_the_answer_as_it_is_written(room: Room) -> None:
    async with provider(["Because ", HOLD, "it scatters."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada:
            await expect(ada.page.get_by_role("heading", name="What would you like to learn?")).to_be_visible()
            await ada.shot("empty")
            await ada.begin("Why is the sky blue?")
            await expect(ada.answers.last).to_contain_text("Because")
            await expect(ada.answers.last).to_have_attribute("aria-busy", "true")
            await expect(ada.page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
            await ada.shot("answering")
            tutor.release()
            await expect(ada.answers.last).to_contain_text("Because it scatters.")
            await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
            await expect(ada.session("Why is the sky blue?")).to_be_visible()
            assert len(ada.session_id) == 36


async def test_an_answer_that_waits_for_another_says_so_in_a_sentence(room: Room) -> None:
    """Loading states."""
    async with provider([HOLD, "Well."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("One")
        await expect(ada.answers.last).to_contain_text("The tutor is thinking …")
        await ada.ask("Two")
        await expect(ada.answers).to_have_count(2)
        await expect(ada.answers.last).to_contain_text("This answer comes after the one before.")
        tutor.release()


@pytest.mark.shows("Errors: empty states")
async def test_a_starter_begins_a_session(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await expect(ada.page.get_by_text("No sessions yet")).to_be_visible()
        await ada.page.get_by_role("button", name="Explain it simply").click()
        await expect(ada.answers.last).to_contain_text("About Why is the sky blue")


# Chat.


async def test_an_answer_is_shown_with_math_and_code_and_tables(room: Room) -> None:
    async with provider([MATH]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("What is a prime?")
        answer = ada.answers.last
        await expect(answer.get_by_role("table")).to_be_visible()
        await expect(answer.locator("strong")).to_have_text("two")
        await expect(answer.locator("math").first).to_be_attached()
        await expect(answer.locator("pre code")).to_contain_text("def is_prime")
        await expect(answer.get_by_role("button", name="Copy").first).to_be_attached()
        await ada.shot("math-and-code")
        distances = await answer.locator(".markdown").evaluate(
            """(text) => [...text.children].map((each) => each.getBoundingClientRect())
                .flatMap(({ top }, place, all) => (place > 0 ? [top - all[place - 1].bottom] : []))"""
        )
        assert distances == [pytest.approx(12)] * 3, "prose, a formula, code and a table stand as far apart"


@pytest.mark.shows("SessionChat: mode switching", "chatStore: mode")
async def test_the_mode_is_switched_and_explained_and_the_tutor_is_told(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("fractions")
        await expect(ada.page.get_by_text("Playful: stories, surprises and examples.")).to_be_visible()
        await expect(ada.answers).to_have_count(1)
        await ada.page.get_by_role("radio", name="Learn").check(force=True)
        await expect(ada.page.get_by_text("Thorough: step by step, with questions back.")).to_be_visible()
        await ada.ask("more fractions")
        await expect(ada.answers.last).to_contain_text("About more fractions: it depends.")
        fun, learn = (request["messages"][0]["content"] for request in tutor.requests[:2])
        assert fun != learn


@pytest.mark.shows("chatStore: language")
async def test_the_language_of_the_tutor_is_chosen(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("fractions")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.page.get_by_role("combobox", name="The tutor's language").select_option("de")
        await ada.ask("more fractions")
        await expect(ada.answers.last).to_contain_text("About more fractions")
        assert tutor.requests[0]["messages"][0]["content"] != tutor.requests[1]["messages"][0]["content"]


async def test_escape_stops_an_answer_and_it_is_retried(room: Room) -> None:
    async with provider(["Half ", HOLD, "and half"]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Count")
        await expect(ada.answers.last).to_contain_text("Half")
        await ada.page.keyboard.press("Escape")
        await expect(ada.page.get_by_text("This answer was stopped.")).to_be_visible()
        tutor.next(["All of it."])
        await ada.do(ada.answers.last, "Answer anew")
        await expect(ada.answers.last).to_contain_text("All of it.")


@pytest.mark.shows("Errors: recovery")
async def test_an_answer_that_fails_says_so_and_can_be_asked_for_again(room: Room) -> None:
    async with provider(["Better."]) as tutor, room.hub(tutor, turns={"provider_tries": 1}) as hub:
        async with room.learner(hub) as ada:
            tutor.next([Refuse(503)])
            await ada.begin("Fail")
            again = ada.answers.last.get_by_role("button", name="Try again")
            await expect(again).to_be_visible()
            await ada.shot("failed-answer")
            await again.click()
            await expect(ada.answers.last).to_contain_text("Better.")


@pytest.mark.shows("Errors: a way back from destructive actions")
async def test_ones_own_message_is_edited_copied_and_deleted_with_a_way_back(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub, permissions=["clipboard-read", "clipboard-write"]) as ada:
            await ada.begin("first words")
            await expect(ada.answers.last).to_contain_text("it depends.")
            await ada.do(ada.said.last, "Edit")
            field = ada.page.get_by_role("textbox", name="Edit your message")
            await field.fill("second words")
            await ada.page.get_by_role("button", name="Save", exact=True).click()
            await expect(ada.said.last).to_contain_text("second words")
            await ada.do(ada.said.last, "Copy")
            assert await ada.page.evaluate("navigator.clipboard.readText()") == "second words"
            await ada.do(ada.said.last, "Delete")
            await ada.page.get_by_role("button", name="Undo").first.click()
            await expect(ada.said.last).to_contain_text("second words")
            await ada.page.reload()
            await expect(ada.said.last).to_contain_text("second words")


@pytest.mark.shows(
    "sessionStore: currentSession, selectedSessionId", "chatStore: currentMessage", "Errors: auto-saved drafts"
)
async def test_a_draft_is_kept_per_session_over_a_reload(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("one")
        await ada.field.fill("half a thought about one")
        await ada.new_session()
        await ada.ask("two")
        await expect(ada.said.last).to_contain_text("two")
        await expect(ada.field).to_have_value("")
        await ada.session("one").click()
        await expect(ada.field).to_have_value("half a thought about one")
        await ada.page.reload()
        await expect(ada.field).to_have_value("half a thought about one")


# Management.


@pytest.mark.shows("SessionsList: session management actions")
async def test_a_session_is_renamed_deleted_and_brought_back(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Old name")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.rename("Old name", "New name of it")
        await ada.menu("New name of it", "Delete")
        await expect(ada.session("New name of it")).to_have_count(0)
        await ada.shot("undo")
        await ada.page.get_by_role("button", name="Undo").first.click()
        await expect(ada.session("New name of it")).to_be_visible()


@pytest.mark.shows(
    "SessionsList: real-time session filtering and search", "sessionStore: searchQuery, filteredSessions"
)
async def test_sessions_are_filtered_at_once_and_searched_with_a_jump_to_the_message(room: Room) -> None:
    async with provider(["The ", "zeppelin ", "flies."]) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Airships")
        await expect(ada.answers.last).to_contain_text("flies.")
        await ada.new_session()
        await ada.ask("Submarines")
        await expect(ada.answers.last).to_contain_text("flies.")
        await ada.search("Airsh")
        await expect(ada.page.get_by_role("link", name="Submarines")).to_have_count(0)
        await expect(ada.page.get_by_role("link", name="Airships").first).to_be_visible()
        await ada.search("zeppelin")
        hit = ada.page.locator("mark", has_text="zeppelin").first
        await expect(hit).to_be_visible()
        await ada.shot("search")
        await hit.click()
        await expect(ada.answers.last).to_contain_text("zeppelin")


@pytest.mark.shows(
    "SessionsList: session preview",
    "SessionPreview: session metadata display",
    "SessionPreview: continue and view history",
    "SessionPreview: session management options",
)
async def test_a_session_is_looked_at_before_it_is_continued(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Volcanoes")
        await expect(ada.answers.last).to_contain_text("it depends.")
        await ada.menu("Volcanoes", "Details")
        details = ada.page.get_by_role("dialog", name="Volcanoes")
        await expect(details.get_by_role("definition")).to_contain_text(["2", "Fun", "English"])
        await ada.shot("preview")
        await details.get_by_role("button", name="View history").click()
        await expect(ada.messages).to_be_focused()
        await ada.menu("Volcanoes", "Details")
        await details.get_by_role("button", name="Continue").click()
        await expect(ada.field).to_be_focused()
        await ada.menu("Volcanoes", "Details")
        await details.get_by_role("button", name="Rename").click()
        await expect(ada.page.get_by_role("textbox", name="New name")).to_be_focused()


@pytest.mark.shows("SessionsList: session selection", "Optimization: lazy loading")
async def test_sessions_are_loaded_as_one_scrolls(room: Room) -> None:
    async with provider(echo) as tutor, room.hub(tutor) as hub, device(hub) as laptop:
        for number in range(130):
            await laptop.create(title=f"Session number {number}")
        async with room.learner(hub) as ada:
            await expect(ada.session("Session number 129")).to_be_visible()
            links, oldest = ada.sessions.get_by_role("link"), ada.session("Session number 0")
            assert await links.count() < 130
            while await oldest.count() == 0:
                shown = await links.count()
                await links.last.scroll_into_view_if_needed()
                await expect(links).not_to_have_count(shown)
            await oldest.click()
            await expect(ada.page.get_by_role("heading", name="Session number 0")).to_be_visible()
