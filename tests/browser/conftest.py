"""One Chromium for all tests of a process: Debian's, or another that is installed. Nothing is downloaded.

Each module runs in the session's loop, where the browser lives: `pytest.mark.asyncio(loop_scope="session")`.
"""

import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.learner import Learner
from tests.browser.window import PATIENCE, Window, window
from tests.hub import Child, Hub, child, running
from tests.provider import Provider

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BUILT = Path("web/dist")
ARGUMENTS = (
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--disable-background-networking",
    "--disable-component-update",
)
LASTS = 110.0
"""Seconds for which a hub may be needed: a little less than a test may take."""


LAST = "test_features.py"
SHOWN = pytest.StashKey[set[str]]()
"""By the tests of this run that have passed."""


def shows(item: pytest.Item) -> set[str]:
    """The features of the design that a test shows, if it passes."""
    return {feature for mark in item.iter_markers("shows") for feature in mark.args}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks whether all was shown comes last."""
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.passed:
        item.config.stash.setdefault(SHOWN, set[str]()).update(shows(item))
    return report


class Room(Struct):
    """A browser, and a database for hubs that serve the page."""

    browser: Browser
    database_url: str
    built: Path

    def hub(self, tutor: Provider | None = None, **changes: Any) -> AbstractAsyncContextManager[Hub]:
        usual: dict[str, Any] = {"web_dir": self.built, "dev_sign_in": True, "lasts": LASTS}
        return running(self.database_url, tutor and tutor.base_url, **usual | changes)

    def child(self, tutor: Provider, **environ: str) -> AbstractAsyncContextManager[Child]:
        """A hub as a process, that can be killed."""
        usual = {"TUTORHUB_WEB_DIR": str(self.built), "TUTORHUB_DEV_SIGN_IN": "1"}
        return child(self.database_url, tutor.base_url, **usual | environ)

    def window(self, hub: Hub, **options: Any) -> AbstractAsyncContextManager[Window]:
        return window(self.browser, hub.url, **options)

    @asynccontextmanager
    async def learner(self, hub: Hub, user: str = "ada", **options: Any) -> AsyncGenerator[Learner]:
        """Somebody who has signed in."""
        async with self.window(hub, **options) as made:
            learner = Learner(made, user)
            await learner.sign_in()
            yield learner


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


@pytest.fixture
def room(browser: Browser, built: Path, database_url: str) -> Room:
    return Room(browser, database_url, built)
