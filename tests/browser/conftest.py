"""One Chromium for all tests of the page: Debian's, or another that is installed. Nothing is downloaded.

Each module says `pytestmark = in_one_loop`, as the browser lives in the loop of the session.
"""

import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.window import PATIENCE

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BUILT = Path("web/dist")
ARGUMENTS = (
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--disable-background-networking",
    "--disable-component-update",
)


@pytest.fixture(scope="session")
def built() -> Path:
    """The page, as `make test` builds it."""
    if not (BUILT / "index.html").is_file():
        pytest.skip("The web client is not built: that needs Node 20.19 or newer with npm.")
    return BUILT


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncGenerator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("No Chromium is installed: on Debian and Ubuntu, apt install chromium.")
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        sandbox = os.geteuid() != 0  # Chromium has none for root
        browser = await playwright.chromium.launch(
            executable_path=program, chromium_sandbox=sandbox, args=list(ARGUMENTS)
        )
        yield browser
        await browser.close()
