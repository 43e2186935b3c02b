"""Pictures and voice: by button, paste and drop, seen at once, sent with the message, played; and what is refused.

Each test's docstring names the features of the design that it shows.
"""

from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.files import picture
from tests.provider import provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

HANDED = """async ([field, way, bytes]) => {
    const file = new File([new Uint8Array(bytes)], "homework.png", { type: "image/png" });
    const data = new DataTransfer();
    data.items.add(file);
    const told = way === "paste"
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    field.dispatchEvent(told);
}"""


def file(name: str, type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": type, "buffer": content}


async def add(ada: Learner, *files: FilePayload) -> None:
    """By the button that chooses files."""
    async with ada.page.expect_file_chooser() as chooser:
        await ada.page.get_by_role("button", name="Add a picture or a sound").click()
    await (await chooser.value).set_files(list(files))


async def test_a_picture_is_added_seen_and_sent(room: Room, data_dir: Path) -> None:
    """Multimedia support (images): by button, with a preview, and shown in the history, on a reload too."""
    async with provider(["A red and a blue half."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub:
        async with room.learner(hub) as ada:
            await ada.begin("Look")
            await expect(ada.answers).to_have_count(1)
            await add(ada, file("homework.png", "image/png", picture()))
            hanging = ada.page.get_by_role("list", name="What goes with the message")
            await expect(hanging.get_by_role("img", name="homework.png")).to_be_visible()
            await expect(hanging.get_by_role("button", name="Remove homework.png")).to_be_visible()
            await ada.shot("picture-added")
            await ada.ask("What is on it?")
            await expect(hanging).to_have_count(0)
            shown = ada.said.last.get_by_role("img")
            await expect(shown).to_be_visible()
            await expect(ada.answers).to_have_count(2)
            await ada.page.reload()
            await expect(shown).to_be_visible()
            assert await shown.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
            await ada.shot("picture")


@pytest.mark.parametrize("way", ["paste", "drop"])
async def test_a_picture_is_pasted_or_dropped_and_can_be_taken_off(room: Room, data_dir: Path, way: str) -> None:
    """Multimedia support (images): by paste and by drop."""
    async with provider(["Yes."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub, room.learner(hub) as ada:
        await ada.begin("Look")
        await expect(ada.answers).to_have_count(1)
        await ada.page.evaluate(HANDED, [await ada.field.element_handle(), way, list(picture())])
        off = ada.page.get_by_role("button", name="Remove homework.png")
        await off.click()
        await expect(off).to_have_count(0)


async def test_a_recording_is_made_sent_and_played(room: Room, data_dir: Path) -> None:
    """Multimedia support (voice) · audio playback controls."""
    allowed = ["microphone"]
    async with provider(["I heard you."]) as tutor, room.hub(tutor, data_dir=data_dir) as hub:
        async with room.learner(hub, permissions=allowed) as ada:
            await ada.begin("Listen")
            await expect(ada.answers).to_have_count(1)
            await ada.page.get_by_role("button", name="Record your voice").click()
            await expect(ada.page.get_by_text("0:01")).to_be_visible()
            await ada.shot("recording")
            await ada.page.get_by_role("button", name="Keep the recording").click()
            await expect(ada.page.get_by_role("group", name="Recording")).to_be_visible()
            await ada.page.get_by_role("button", name="Send", exact=True).click()
            player = ada.said.last.get_by_role("group", name="Recording")
            await player.get_by_role("button", name="Play").click()
            await expect(player.get_by_role("button", name="Pause").or_(player.get_by_text("0:00 /"))).to_be_visible()
            await player.get_by_role("button", name="Speed").click()
            await expect(player.get_by_role("slider", name="Position")).to_be_enabled()
            await ada.shot("voice")


async def test_a_microphone_that_is_refused_is_no_end(room: Room) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor) as hub, room.learner(hub, permissions=[]) as ada:
        await ada.begin("Listen")
        await expect(ada.answers).to_have_count(1)
        await ada.page.evaluate(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
        )
        await ada.page.get_by_role("button", name="Record your voice").click()
        await expect(ada.page.get_by_role("alert").filter(has_text="The microphone is blocked.")).to_be_visible()
        await ada.shot("microphone-refused")
        await ada.ask("Then I write.")
        await expect(ada.said.last).to_contain_text("Then I write.")


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
    """Validation on both sides · error recovery."""
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
