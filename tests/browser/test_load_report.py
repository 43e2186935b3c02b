"""The report of a load in a real browser: whole by itself, in the light and in the dark, on a screen and on a phone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtest.run.page import page
from loadtest.run.timings import Timing
from tests.browser import axe
from tests.browser.window import SHOTS, window
from tests.loadtest.run.outcomes import outcome

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def report(tmp_path: Path) -> str:
    """Its address."""
    file = tmp_path / "report.html"
    file.write_text(page(outcome(warnings=["The generator was late."], broken={"lost": 2})), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_report_is_seen_whole_without_a_network(browser: Browser, report: str, scheme: str) -> None:
    size = {"width": 1280, "height": 900}
    async with window(browser, "file://", color_scheme=scheme, viewport=size, offline=True) as it:
        await it.page.goto(report)
        drawn = await it.page.locator("figure svg").evaluate_all("all => all.map(each => each.getBBox().width)")
        assert len(drawn) == len(Timing) + 7 + 1
        assert min(drawn) > 300
        dark = await it.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark == {"light": "rgb(251, 250, 248)", "dark": "rgb(19, 20, 23)"}[scheme]
        await it.page.screenshot(path=SHOTS / f"load-{scheme}.png", full_page=True)


async def test_a_report_fits_a_phone(browser: Browser, report: str) -> None:
    async with window(browser, "file://", viewport={"width": 390, "height": 844}) as it:
        await it.page.goto(report)
        assert await it.page.evaluate("document.documentElement.scrollWidth") == 390
        await it.page.screenshot(path=SHOTS / "load-phone.png", full_page=True)


@pytest.mark.usefixtures("built")  # which brings axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_report_can_be_read_by_everyone(browser: Browser, report: str, scheme: str) -> None:
    async with window(browser, "file://", color_scheme=scheme) as it:
        await it.page.goto(report)
        assert await axe.findings(it.page) == []
