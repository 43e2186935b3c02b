"""The flow of original-design.md over several devices, in real browsers on two instances."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Room
from tests.provider import HOLD, provider
from tests.redis_server import redis_server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.shows("chatStore: messages, currentSessionMessages")
async def test_two_devices_on_two_instances_show_the_same(room: Room) -> None:
    with redis_server() as redis:
        async with provider(["Seen ", HOLD, "by both."]) as tutor:
            async with (
                room.hub(tutor, redis_url=redis.url) as here,
                room.hub(tutor, redis_url=redis.url) as there,
                room.learner(here) as phone,
                room.learner(there) as laptop,
            ):
                await phone.begin("Who sees this?")
                await laptop.session("Who sees this?").click()
                await expect(laptop.answers.last).to_contain_text("Seen")
                tutor.release()
                for each in (phone, laptop):
                    await expect(each.answers.last).to_contain_text("Seen by both.")
                await laptop.rename("Who sees this?", "Everybody")
                await expect(phone.session("Everybody")).to_be_visible()
                await laptop.field.press_sequentially("I am writing")
                await expect(phone.page.get_by_text("Typing on")).to_be_visible()
                await laptop.shot("two-devices")


async def test_an_answer_that_ends_elsewhere_marks_its_session_and_reading_it_unmarks_it_everywhere(
    room: Room,
) -> None:
    async with provider(["Ready ", HOLD, "now."]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as phone, room.learner(hub) as laptop:
            await phone.begin("Take your time")
            await phone.new_session()
            for each in (phone, laptop):
                await expect(each.sessions.get_by_text("Answering …")).to_be_visible()
            await phone.shot("answering-mark")
            tutor.release()
            for each in (phone, laptop):
                await expect(each.sessions.get_by_text("New answer")).to_be_visible()
            await laptop.session("Take your time").click()
            for each in (phone, laptop):
                await expect(each.sessions.get_by_text("New answer")).to_have_count(0)
