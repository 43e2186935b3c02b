"""What is hostile is shown as text: no script runs, nobody else is asked, however it is cut into tokens.

Rows 23 and 24 of docs/security.md. A window fails by itself on a dialog, a request elsewhere and a broken policy.
"""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.browser.payloads import PAYLOADS, pieces
from tests.device import device
from tests.provider import Step, provider, said

pytestmark = pytest.mark.asyncio(loop_scope="session")

DANGEROUS = (
    "script, iframe, object, embed, form form, base, meta, link, style, svg a, video[src], audio[src], noscript,"
    " img:not([src^='blob:']):not([src^='/']), [src*='evil'], [srcset], [style*='url'], [background], [ping],"
    " [onerror], [onload], [onclick], [onfocus], [onmouseover], [ontoggle], [id=document], [name=cookie], [name=body],"
    " [href^='javascript' i], [href^='data:' i], [href^='vbscript' i], [href^='blob:' i], [href^='file:' i]"
)
"""What no message may have become."""
CROWD = 49
SHOWN = 10
"""So many messages at least are in the page at once."""


def in_pieces(request: dict[str, object]) -> list[str | Step]:
    text = said(request)
    return list(pieces(text, len(text)))


def hostile_batches() -> list[tuple[str, ...]]:
    return [PAYLOADS[start : start + CROWD] for start in range(0, len(PAYLOADS), CROWD)]


async def harmless(ada: Learner) -> None:
    """Nothing dangerous is in a message, links lead out alone, and no script has left its mark."""
    assert await ada.messages.locator(DANGEROUS).count() == 0
    links: list[list[str]] = await ada.messages.locator("a[href]").evaluate_all(
        "(all) => all.map((each) => [each.getAttribute('href'), each.rel])"
    )
    for href, rel in links:
        assert href.startswith(("https://", "http://", "mailto:")), href
        assert {"noopener", "noreferrer", "nofollow"} <= set(rel.split())


@pytest.mark.parametrize("batch", hostile_batches(), ids=lambda batch: f"{len(batch)} from {batch[0][:20]}")
async def test_what_a_hostile_tutor_says_in_any_pieces_runs_nowhere_and_asks_nobody(
    room: Room, batch: tuple[str, ...]
) -> None:
    async with provider(in_pieces, delay=0.002) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada, device(hub) as mallory:
            session = await mallory.create(title=batch[0].replace("\n", " ")[:200])
            await mallory.open(session)
            await ada.page.goto(f"/s/{session}")
            await expect(ada.field).to_be_visible()
            for number, payload in enumerate(batch):
                sent = await mallory.send(session, payload)
                assert sent.reply is not None
                await mallory.settled(sent.reply)
                if number % SHOWN == 0:
                    await harmless(ada)
            await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
            await harmless(ada)
            await ada.page.reload()  # the same, whole
            await expect(ada.answers.last).to_be_visible()
            await harmless(ada)


async def test_titles_and_previews_and_what_is_found_are_text(room: Room) -> None:
    evil = "<img src=x onerror=alert(1)> zebra"
    async with provider([evil]) as tutor, room.hub(tutor) as hub:
        async with room.learner(hub) as ada, device(hub) as mallory:
            session = await mallory.create(title=f"zebra {evil}")
            await mallory.open(session)
            sent = await mallory.send(session, evil)
            assert sent.reply is not None
            await mallory.settled(sent.reply)
            await expect(ada.sessions.get_by_text("<img src=x").first).to_be_visible()
            await ada.search("zebra")
            await expect(ada.page.locator("mark").first).to_be_visible()
            assert await ada.page.locator("img[onerror]").count() == 0


BOMBS = {
    "ten thousand quotes in each other": ">" * 10_000 + " x",
    "ten thousand lists in each other": "".join("  " * depth + "- x\n" for depth in range(170)),
    "a line of fifty thousand letters": "x" * 50_000,
    "ten thousand opened brackets": "[" * 10_000,
    "ten thousand stars": "**a " * 10_000,
    "ten thousand ticks": "`" * 10_001,
    "a table of a thousand columns": "|" + "a|" * 1_000 + "\n|" + "-|" * 1_000 + "\n|" + "b|" * 1_000,
    "a formula without an end": "$$\\frac{" * 2_000,
    "a formula of itself": "$$\\def\\a{\\a\\a}\\a$$",
    "an underline of ten thousand": "_a_" * 10_000,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_markdown_bomb_leaves_the_page_alive(room: Room, name: str) -> None:
    bomb = BOMBS[name]
    parts = [bomb[start : start + 4_000] for start in range(0, len(bomb), 4_000)]
    async with provider(parts) as tutor, room.hub(tutor) as hub, room.learner(hub) as ada:
        await ada.begin("Explode")
        await expect(ada.answers.last).to_have_attribute("aria-busy", "false", timeout=20_000)
        tutor.next(["Still well."])
        await ada.ask("Are you well?")
        await expect(ada.answers.last).to_contain_text("Still well.")
