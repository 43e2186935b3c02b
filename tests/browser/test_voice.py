"""Voice: recorded, played, written down and read aloud; and a microphone that is refused or fails."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.attaching import add, file
from tests.browser.conftest import Room
from tests.browser.conversation import conversation
from tests.browser.learner import Learner
from tests.browser.window import FORGIVES_REFUSALS
from tests.files import wav
from tests.provider import provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGIVES_PAUSES = ("interrupted by a call to pause",)
"""Svelte throws what a player rejects that is paused before it has begun."""
SPEECH = """
    window.voices = [];
    window.queue = [];
    SpeechSynthesis.prototype.getVoices = () => voices;
    SpeechSynthesis.prototype.speak = (sentence) => queue.push(sentence);
    SpeechSynthesis.prototype.cancel = () => queue.splice(0);
"""
"""A headless Chromium has no voice: what it would be given to say is written down, and ends when it is told to."""
SAID = "queue.map((sentence) => sentence.text)"


@pytest.mark.shows("SessionChat: multimedia support, voice", "SessionChat: audio playback controls")
async def test_a_recording_is_made_sent_and_played(room: Room, data_dir: Path) -> None:
    async with conversation(room, hub={"data_dir": data_dir}, permissions=["microphone"]) as ada:
        await ada.page.get_by_role("button", name="Record your voice").click()
        recording = ada.page.get_by_role("group", name="Recording", exact=True)
        await expect(recording).to_contain_text("0:02")
        await ada.shot("recording")
        await recording.get_by_role("button", name="Keep the recording").click()
        added = ada.page.get_by_role("list", name="What goes with the message")
        await expect(added.get_by_role("button", name="Play")).to_be_visible()
        await ada.page.get_by_role("button", name="Send", exact=True).click()
        player = ada.said.last.get_by_role("group", name="Recording")
        await player.get_by_role("button", name="Play").click()
        await expect(player.get_by_role("button", name="Pause")).to_be_visible()
        await expect(player).to_contain_text("/ 0:0")
        await expect(player.get_by_role("button", name="Play")).to_be_visible()  # it has come to its end
        await ada.shot("recording-sent")


async def test_a_recording_stays_where_it_was_begun_and_goes_without_a_question_neither_with_the_message_nor_the_page(
    room: Room, data_dir: Path
) -> None:
    heard: dict[str, Any] = {"permissions": ["microphone"], "forgives": ("dialog: ",)}
    async with (
        provider(["A beep."]) as tutor,
        room.hub(tutor, data_dir=data_dir) as hub,
        room.learner(hub, **heard) as ada,
    ):
        record = ada.page.get_by_role("button", name="Record your voice")
        keep = ada.page.get_by_role("button", name="Keep the recording")
        recording = ada.page.get_by_role("group", name="Recording", exact=True).filter(has=keep)
        added = ada.page.get_by_role("list", name="What goes with the message")
        send = ada.page.get_by_role("button", name="Send", exact=True)
        await record.click()
        await expect(recording).to_contain_text("0:01")
        await ada.field.fill("Listen")
        await ada.field.press("Enter")
        await expect(ada.page.get_by_role("status").filter(has_text="Your voice is being recorded.")).to_be_visible()
        await keep.click()
        await expect(send).to_be_enabled()
        await ada.field.press("Enter")
        await expect(ada.said.last.get_by_role("group", name="Recording")).to_be_visible()
        await record.click()
        await expect(recording).to_contain_text("0:01")
        async with ada.page.expect_event("dialog") as asked:
            await ada.page.close(run_before_unload=True)
        assert (await asked.value).type == "beforeunload"
        await ada.new_session()
        await expect(record).to_be_visible()
        await expect(added).to_have_count(0)
        await ada.session("Listen").click()
        await expect(added.get_by_role("button", name="Play")).to_be_visible()


async def test_a_sound_is_paused_sought_by_key_and_played_faster(room: Room, data_dir: Path) -> None:
    async with conversation(room, hub={"data_dir": data_dir}, forgives=FORGIVES_PAUSES) as ada:
        await add(ada, file("quiet.wav", "audio/wav", wav(30.0)))
        added = ada.page.get_by_role("list", name="What goes with the message")
        await added.get_by_role("button", name="Play").click()
        await expect(added).to_contain_text("/ 0:30")
        await added.get_by_role("button", name="Pause").click()
        await added.get_by_role("slider", name="Position").press("End")
        await expect(added).to_contain_text("0:30 / 0:30")
        await added.get_by_role("button", name="Speed: 1 times").click()
        await expect(added.get_by_role("button", name="Speed: 1.25 times")).to_be_visible()


@pytest.mark.parametrize(
    ("model", "said"), [(None, "This tutor cannot write recordings down."), ("whisper", "What is pi?")]
)
async def test_what_is_said_in_a_recording_is_written_down_where_the_hub_can(
    room: Room, data_dir: Path, model: str | None, said: str
) -> None:
    hub = {"data_dir": data_dir, "openai_transcription_model": model}
    async with conversation(room, hub=hub, forgives=FORGIVES_REFUSALS) as ada:
        await add(ada, file("quiet.wav", "audio/wav", wav(1.0)))
        added = ada.page.get_by_role("list", name="What goes with the message")
        await added.get_by_role("button", name="Write down").click()
        if model is None:
            await expect(added.get_by_role("status")).to_have_text(said)
        else:
            await expect(ada.field).to_have_value(said)


async def test_a_microphone_is_let_go_of_when_recording_fails(room: Room) -> None:
    fails = """
        window.tracks = [];
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            const sound = await ask(wanted);
            window.tracks.push(...sound.getTracks());
            return sound;
        };
        MediaRecorder = class { static isTypeSupported() { return true; } constructor() { throw new Error("no"); } };
    """
    async with provider(["Well."]) as tutor, room.hub(tutor) as hub:
        async with room.window(hub, permissions=["microphone"]) as window:
            await window.context.add_init_script(fails)
            ada = Learner(window, "ada")
            await ada.sign_in()
            await ada.begin("Listen")
            await ada.page.get_by_role("button", name="Record your voice").click()
            await expect(ada.page.get_by_text("The microphone cannot be used just now.")).to_be_visible()
            assert await ada.page.evaluate("window.tracks.map((track) => track.readyState)") == ["ended"]


async def test_a_microphone_that_is_refused_is_no_end(room: Room) -> None:
    async with provider(["Well."]) as tutor, room.hub(tutor) as hub, room.learner(hub, permissions=[]) as ada:
        await ada.begin("Listen")
        await expect(ada.answers).to_have_count(1)
        await ada.page.get_by_role("button", name="Record your voice").click()
        await expect(ada.page.get_by_role("alert").filter(has_text="The microphone is blocked.")).to_be_visible()
        await ada.shot("microphone-refused")
        await ada.ask("Then I write.")
        await expect(ada.said.last).to_contain_text("Then I write.")


async def test_an_answer_is_read_aloud_once_there_is_a_voice(room: Room) -> None:
    async with provider(["It is **so**. Is it?"]) as tutor, room.hub(tutor) as hub, room.window(hub) as window:
        await window.context.add_init_script(SPEECH)
        ada = Learner(window, "ada")
        await ada.sign_in()
        await ada.begin("Say it")
        await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
        read, stop = (ada.answers.get_by_role("button", name=name) for name in ("Read aloud", "Stop reading"))
        await expect(read).to_have_count(0)
        await ada.page.evaluate("voices.push({}); speechSynthesis.dispatchEvent(new Event('voiceschanged'))")
        await read.click()
        await expect(stop).to_be_visible()
        assert await ada.page.evaluate(SAID) == ["It is so.", "Is it?", ""]
        await stop.click()
        await expect(read).to_be_visible()
        assert await ada.page.evaluate(SAID) == []
        await read.click()
        await expect(stop).to_be_visible()
        await ada.page.evaluate("queue.at(-1).dispatchEvent(new Event('end'))")
        await expect(read).to_be_visible()
