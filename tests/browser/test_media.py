"""Pictures, and files of any kind: by button, paste and drop, seen at once, sent along; and what is refused.

Long because what a hostile try found is shown beside what it would break.
"""

from pathlib import Path

import pytest
from playwright.async_api import Locator, Route, expect

from tests.browser.attaching import add, file
from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.browser.window import FORGIVES_REFUSALS
from tests.files import photo, picture
from tests.hostile import http
from tests.provider import provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASTED = """(field, bytes) => {
    const given = new DataTransfer();
    given.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
}"""
DROPPED = """(field, bytes) => {
    const given = new DataTransfer();
    given.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
    field.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
}"""
IS_DRAWN = "(image) => image.complete && image.naturalWidth > 0"


@pytest.mark.shows("SessionChat: multimedia support, images")
async def test_a_picture_is_added_seen_and_sent(room: Room, data_dir: Path) -> None:
    async with provider(["A cat."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("A cat.")
        await add(ada, file("cat.jpg", "image/jpeg", photo()))
        added = ada.page.get_by_role("list", name="What goes with the message")
        await expect(added.get_by_role("img", name="cat.jpg")).to_be_visible()
        await ada.shot("picture-added")
        await ada.field.fill("What is it?")
        await ada.page.get_by_role("button", name="Send", exact=True).click()
        sent = ada.said.last
        await expect(sent).to_contain_text("What is it?")
        await expect(added).to_have_count(0)
        image = sent.get_by_role("img", name="Picture")
        await expect(image).to_be_visible()
        await ada.page.wait_for_function(IS_DRAWN, arg=await image.element_handle())
        await sent.get_by_role("button", name="show large").click()
        large = ada.page.get_by_role("dialog", name="Picture")
        await expect(large.get_by_role("img")).to_be_visible()
        await ada.shot("picture-large")
        await ada.page.keyboard.press("Escape")
        await expect(large).to_have_count(0)
        async with room.learner(hub) as phone:
            await phone.session("Look at this").click()
            await expect(phone.said.last.get_by_role("img", name="Picture")).to_be_visible()


@pytest.mark.parametrize("given", [PASTED, DROPPED], ids=["pasted", "dropped"])
async def test_a_picture_that_is_pasted_or_dropped_is_added_and_can_be_taken_off(
    room: Room, data_dir: Path, given: str
) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("Well.")
        await ada.field.evaluate(given, list(photo((64, 64))))
        added = ada.page.get_by_role("list", name="What goes with the message")
        await expect(added.get_by_role("img")).to_be_visible()
        await added.get_by_role("button", name="Remove").click()
        await expect(added).to_have_count(0)
        await ada.ask("Without it")
        await expect(ada.said.last).to_contain_text("Without it")
        await expect(ada.said.last.get_by_role("img", name="Picture")).to_have_count(0)


async def test_a_picture_that_does_not_come_says_so_and_can_be_asked_for_again(room: Room, data_dir: Path) -> None:
    async with (
        provider(["A cat."]) as tutor,
        room.hub(tutor, data_dir=data_dir) as hub,
        room.learner(hub, forgives=(*FORGIVES_REFUSALS, "ERR_FAILED")) as ada,
    ):
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("A cat.")
        await ada.page.route("**/media/*", lambda route: route.abort())
        await add(ada, file("cat.jpg", "image/jpeg", photo()))
        await expect(ada.page.get_by_role("list", name="What goes with the message")).to_be_visible()
        await ada.page.get_by_role("button", name="Send", exact=True).click()
        await expect(ada.said.last).to_contain_text("The picture cannot be shown just now.")
        await ada.page.unroute("**/media/*")
        await ada.said.last.get_by_role("button", name="Try again").click()
        await expect(ada.said.last.get_by_role("img", name="Picture")).to_be_visible()


async def test_a_file_that_did_not_arrive_is_sent_again_and_one_on_its_way_is_cancelled(
    room: Room, data_dir: Path
) -> None:
    cat = file("cat.jpg", "image/jpeg", photo())
    async with (
        provider(["A cat."]) as tutor,
        room.hub(tutor, data_dir=data_dir) as hub,
        room.learner(hub, forgives=("ERR_FAILED",)) as ada,
    ):
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("A cat.")
        added = ada.page.get_by_role("list", name="What goes with the message")
        await ada.page.route("**/api/media", lambda route: route.abort())
        await add(ada, cat)
        await expect(added.get_by_role("alert")).to_have_text("The connection broke. Try again.")
        await ada.field.fill("What is it?")
        await ada.field.press("Enter")
        await expect(ada.page.get_by_role("status").filter(has_text="A file did not arrive.")).to_be_visible()
        await expect(ada.field).to_have_value("What is it?")
        await ada.page.unroute("**/api/media")
        await added.get_by_role("button", name="Try again").click()
        await expect(added.get_by_role("button", name="Remove cat.jpg")).to_be_visible()
        await expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        await added.get_by_role("button", name="Remove cat.jpg").click()
        await ada.page.route("**/api/media", lambda _: None)  # it never arrives
        await add(ada, cat)
        await expect(added.get_by_role("progressbar", name="Sending cat.jpg")).to_be_visible()
        await expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        await added.get_by_role("button", name="Cancel cat.jpg").click()
        await expect(added).to_have_count(0)
        await ada.ask("Never mind")
        await expect(ada.said.last).to_contain_text("Never mind")


async def test_text_that_carries_a_picture_of_itself_is_pasted_as_text(room: Room, data_dir: Path) -> None:
    """As cells and paragraphs of an office do."""
    copied = """async (bytes) => {
        const image = new Blob([new Uint8Array(bytes)], { type: "image/png" });
        const text = new Blob(["seven apples"], { type: "text/plain" });
        await navigator.clipboard.write([new ClipboardItem({ "image/png": image, "text/plain": text })]);
    }"""
    granted = ["clipboard-read", "clipboard-write"]
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub:
        async with room.learner(hub, permissions=granted) as ada:
            await ada.begin("Look at this")
            await expect(ada.answers.last).to_contain_text("Well.")
            await ada.page.evaluate(copied, list(picture(size=(8, 8))))
            await ada.field.press("Control+V")
            await expect(ada.field).to_have_value("seven apples")
            await expect(ada.page.get_by_role("list", name="What goes with the message")).to_have_count(0)


async def dropped(ada: Learner, at: Locator, *paths: Path) -> None:
    """From outside of the browser."""
    box = await at.bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 40}
    held = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = await ada.window.context.new_cdp_session(ada.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": held})


async def test_files_may_be_dropped_anywhere_and_of_each_kind_one_is_taken(
    room: Room, data_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "one.png").write_bytes(picture(size=(64, 64)))
    (tmp_path / "two.png").write_bytes(picture(size=(32, 32)))
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("Well.")
        await dropped(ada, ada.page.get_by_role("navigation"), tmp_path / "one.png")
        await dropped(ada, ada.messages, tmp_path / "one.png", tmp_path / "two.png")
        added = ada.page.get_by_role("list", name="What goes with the message")
        await expect(added.get_by_role("img", name="one.png")).to_be_visible()
        await expect(added.get_by_text("One picture and one sound go with a message.")).to_be_visible()
        await expect(added.get_by_role("listitem")).to_have_count(2)
        await added.get_by_role("button", name="Remove two.png").click()
        await expect(ada.field).to_be_focused()


REFUSED = {
    "an unsupported one": (file("notes.exe", "application/octet-stream", b"MZ" * 100), "This kind of file"),
    "a broken picture": (file("broken.png", "image/png", b"\x89PNG\r\n\x1a\n broken"), "This kind of file"),
    "a page in disguise": (file("page.png", "image/png", b"<!doctype html><script>alert(1)</script>"), "This kind"),
    "a huge one": (file("huge.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"x" * 11_000_000), "10 MB at most"),
    "an empty one": (file("nothing.png", "image/png", b""), "There is nothing in this file."),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_file_that_is_no_good_is_refused_with_a_reason_and_nothing_is_lost(
    room: Room, data_dir: Path, kind: str
) -> None:
    known = ("status of 4",)
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub:
        async with room.learner(hub, forgives=known) as ada:
            await ada.begin("Look at this")
            await expect(ada.answers).to_have_count(1)
            await ada.field.fill("What is on it?")
            chosen, why = REFUSED[kind]
            await add(ada, chosen)
            await expect(ada.page.get_by_role("alert").filter(has_text=why)).to_be_visible()
            await expect(ada.field).to_have_value("What is on it?")
            await ada.page.get_by_role("button", name=f"Remove {chosen['name']}").click()
            await ada.field.press("Enter")
            await expect(ada.said.last).to_contain_text("What is on it?")


class Slow:
    """The hub hears of no file before it is let through, whichever was sent first."""

    def __init__(self, ada: Learner) -> None:
        self._ada = ada
        self._held: list[Route] = []

    async def begin(self) -> None:
        await self._ada.page.route("**/api/media", self._hold)

    def _hold(self, route: Route) -> None:
        self._held.append(route)

    async def let_through(self) -> None:
        held, self._held = self._held, []
        for route in reversed(held):
            await route.continue_()


async def test_a_file_lands_where_it_was_begun_wherever_one_goes_meanwhile(room: Room, data_dir: Path) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        slow = Slow(ada)
        added = ada.page.get_by_role("list", name="What goes with the message")
        await ada.begin("one")
        await ada.new_session()
        await ada.begin("two")
        await slow.begin()
        await add(ada, file("two.jpg", "image/jpeg", photo((64, 64))))
        await expect(added.get_by_role("progressbar", name="Sending two.jpg")).to_be_visible()
        await ada.new_session()
        await add(ada, file("three.jpg", "image/jpeg", photo((48, 48))))
        await expect(added.get_by_role("progressbar", name="Sending three.jpg")).to_be_visible()
        await ada.session("one").click()
        await expect(ada.said.last).to_contain_text("one")
        await expect(added).to_have_count(0)
        await ada.field.fill("about one")
        await ada.session("two").click()
        await expect(added.get_by_role("progressbar", name="Sending two.jpg")).to_be_visible()
        await ada.field.fill("about two")
        await slow.let_through()
        await expect(added.get_by_role("button", name="Remove two.jpg")).to_be_visible()
        await expect(ada.field).to_have_value("about two")
        await ada.new_session()
        await expect(added.get_by_role("button", name="Remove three.jpg")).to_be_visible()
        await ada.session("one").click()
        await expect(added).to_have_count(0)
        await expect(ada.field).to_have_value("about one")
        await ada.field.press("Enter")
        await expect(ada.said.last).to_contain_text("about one")
        await expect(ada.said.last.get_by_role("img", name="Picture")).to_have_count(0)
        await ada.session("two").click()
        await ada.page.reload()
        await expect(added.get_by_role("img", name="Picture")).to_be_visible()
        await expect(ada.field).to_have_value("about two")


async def test_of_two_quick_pictures_the_last_chosen_goes_along_and_what_waits_for_it_says_so(
    room: Room, data_dir: Path
) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        slow = Slow(ada)
        added = ada.page.get_by_role("list", name="What goes with the message")
        send = ada.page.get_by_role("button", name="Send", exact=True)
        why = ada.page.get_by_role("status").filter(has_text="The file is still on its way.")
        await ada.begin("Look at this")
        await expect(ada.answers.last).to_contain_text("Well.")
        await slow.begin()
        await add(ada, file("first.jpg", "image/jpeg", photo((64, 64))))
        await expect(added.get_by_role("progressbar", name="Sending first.jpg")).to_be_visible()
        await add(ada, file("last.jpg", "image/jpeg", photo((48, 48))))
        await expect(added.get_by_role("alert")).to_contain_text("One picture and one sound go with a message.")
        await expect(added.get_by_role("button", name="Remove first.jpg")).to_be_visible()
        await expect(added.get_by_role("progressbar")).to_have_count(1)
        await ada.field.fill("What is it?")
        await expect(why).to_have_count(0)
        await ada.field.press("Enter")
        await expect(why).to_be_visible()
        await expect(ada.field).to_have_value("What is it?")
        await slow.let_through()
        await expect(why).to_have_count(0)
        await expect(send).to_be_enabled()
        await ada.field.press("Enter")
        await expect(ada.said.last.locator("img")).to_have_js_property("naturalWidth", 48)


async def test_who_would_take_a_file_away_with_the_page_is_asked_first(room: Room, data_dir: Path) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub:
        async with room.learner(hub, forgives=("dialog: ",)) as ada:
            slow = Slow(ada)
            added = ada.page.get_by_role("list", name="What goes with the message")
            await ada.begin("Look at this")
            await slow.begin()
            await add(ada, file("cat.jpg", "image/jpeg", photo((64, 64))))
            await expect(added.get_by_role("progressbar")).to_be_visible()
            async with ada.page.expect_event("dialog") as asked:
                await ada.page.close(run_before_unload=True)
            assert (await asked.value).type == "beforeunload"
            await slow.let_through()
            await expect(added.get_by_role("button", name="Remove cat.jpg")).to_be_visible()
            await ada.page.reload()
            await expect(added.get_by_role("img", name="Picture")).to_be_visible()


async def test_a_file_that_the_end_of_the_sign_in_cut_off_is_sent_after_the_next(room: Room, data_dir: Path) -> None:
    async with (
        provider(["Well."]) as tutor,
        room.hub(tutor, data_dir=data_dir) as hub,
        room.learner(hub, forgives=FORGIVES_REFUSALS) as ada,
    ):
        slow = Slow(ada)
        send = ada.page.get_by_role("button", name="Send", exact=True)
        added = ada.page.get_by_role("list", name="What goes with the message")
        await ada.begin("one")
        await slow.begin()
        await add(ada, file("one.jpg", "image/jpeg", photo((64, 64))))
        await expect(added.get_by_role("progressbar", name="Sending one.jpg")).to_be_visible()
        await ada.new_session()
        await add(ada, file("cat.jpg", "image/jpeg", photo((48, 48))))
        await expect(added.get_by_role("progressbar", name="Sending cat.jpg")).to_be_visible()
        await ada.field.fill("Look at this")
        await http(hub, "POST", "/auth/sign-out", hub.headers("ada"), b'{"everywhere": true}')
        again = ada.page.get_by_role("dialog", name="Please sign in again")
        await expect(again).to_be_visible()
        await slow.let_through()
        await ada.page.unroute("**/api/media")
        await again.get_by_role("button", name="Sign in", exact=True).click()
        await expect(send).to_be_enabled()
        await ada.field.press("Enter")
        await expect(ada.said.last).to_contain_text("Look at this")
        await expect(ada.said.last.locator("img")).to_have_js_property("naturalWidth", 48)
        await ada.session("one").click()
        await expect(send).to_be_enabled()
        await ada.field.press("Enter")
        await expect(ada.said.last.locator("img")).to_have_js_property("naturalWidth", 64)


async def test_who_signs_out_is_told_of_a_file_that_would_be_lost(room: Room, data_dir: Path) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("Look at this")
        await ada.page.route("**/api/media", lambda _: None)  # it never arrives
        await add(ada, file("cat.jpg", "image/jpeg", photo((64, 64))))
        await expect(ada.page.get_by_role("progressbar", name="Sending cat.jpg")).to_be_visible()
        await ada.page.get_by_role("button", name="Settings").click()
        await ada.page.get_by_role("button", name="Sign out").click()
        dialog = ada.page.get_by_role("dialog", name="Sign out now?")
        await expect(dialog).to_contain_text("1 picture or sound is not with the hub yet and would be lost.")
        await dialog.get_by_role("button", name="Sign out anyway").click()
        await expect(ada.page.get_by_role("heading", name="Welcome")).to_be_visible()
