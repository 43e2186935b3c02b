"""A device with a browser: one context of Chromium with one page, on one hub, and everything that goes wrong in it.

    async with window(browser, hub.url) as phone:
        await phone.page.goto(f"{hub.url}/#as=ada")

The block fails in the end if the page has thrown, logged an error, broken its policy, opened a dialog or asked anybody
but the hub; `forgives` are patterns of what a test does on purpose, such as a line that is cut.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

SHOTS = Path("build/screenshots")
PATIENCE = 10_000
"""Milliseconds for which an expectation may take to come true."""
CUT = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "WebSocket connection to")
"""What Chromium itself logs when a line is cut."""
FORGIVES_REFUSALS = ("status of 4", "status of 5")
"""And when the hub says no."""
OURS = ("http", "https", "ws", "wss")
TELLS_OF_VIOLATIONS = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`violates ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""


class Window:
    """`page` is its first tab."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context = context
        self.page = page
        self.url = url
        self.troubles: list[str] = []
        self.outside: list[str] = []
        context.on("page", self._watch)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)
        self._watch(page)

    async def another(self) -> Page:
        """A second tab of the same browser."""
        return await self.context.new_page()

    async def shell_is_kept(self) -> None:
        """Returns once the page opens without a line."""
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => null)")

    async def shot(self, name: str, page: Page | None = None) -> None:
        """What is seen now, kept as `build/screenshots/<name>.png`."""
        await (page or self.page).screenshot(path=SHOTS / f"{name}.png")

    def _watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.troubles.append(f"thrown: {error}"))
        page.on("console", self._logged)
        page.on("dialog", self._dialog)
        page.on("websocket", lambda socket: self._goes_to(socket.url))

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.troubles.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    async def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _asked(self, request: Request) -> None:
        self._goes_to(request.url)

    def _failed(self, request: Request) -> None:
        """What the policy stops has left nobody; that it was tried is logged."""
        if request.failure == "csp":
            self.outside.remove(request.url)

    def _goes_to(self, url: str) -> None:
        to, ours = urlsplit(url), urlsplit(self.url)
        if to.scheme in OURS and to.netloc != ours.netloc:
            self.outside.append(url)


@asynccontextmanager
async def window(
    browser: Browser, url: str, *, forgives: tuple[str, ...] = (), **options: Any
) -> AsyncGenerator[Window]:
    """Options are those of a context: `color_scheme`, `locale`, `viewport`, `has_touch` …"""
    usual: dict[str, Any] = {"base_url": url, "locale": "en-GB"}
    context = await browser.new_context(**usual | options)
    await context.add_init_script(TELLS_OF_VIOLATIONS)
    try:
        it = Window(context, await context.new_page(), url)
        yield it
        wrong = [each for each in it.troubles if not any(re.search(known, each) for known in forgives)]
        assert not wrong, "\n".join(wrong)
        assert not it.outside, f"asked elsewhere: {it.outside}"
    finally:
        await context.close()
