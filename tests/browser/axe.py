"""What axe finds on a screen. Its source is run in a world of its own, which the page's policy does not rule."""

from functools import cache
from pathlib import Path
from typing import Any, cast

from playwright.async_api import Page

SOURCE = Path("web/node_modules/axe-core/axe.min.js")
"""As `make test` installs it."""
GRAVE = {"serious", "critical"}
AT_REST = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime < Infinity).map((each) => each.finished))
    .then(() => undefined)"""
"""What fades in has not its own colours yet; what moves for ever is not waited for."""
RUN = "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations)"


async def findings(page: Page) -> list[str]:
    """Each grave one with the elements that it is about."""
    session = await page.context.new_cdp_session(page)
    tree = cast("dict[str, Any]", await session.send("Page.getFrameTree"))
    frame = {"frameId": tree["frameTree"]["frame"]["id"]}
    world = cast("dict[str, Any]", await session.send("Page.createIsolatedWorld", frame))
    asked = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
    await session.send("Runtime.evaluate", asked | {"expression": _source()})
    await session.send("Runtime.evaluate", asked | {"expression": AT_REST})
    answer = cast("dict[str, Any]", await session.send("Runtime.evaluate", asked | {"expression": RUN}))
    await session.detach()
    assert "exceptionDetails" not in answer, answer
    return [_told(each) for each in answer["result"]["value"] if each["impact"] in GRAVE]


@cache
def _source() -> str:
    return f"{SOURCE.read_text()}; 0"


def _told(found: dict[str, Any]) -> str:
    where = "\n    ".join(f"{node['html'][:200]} — {node['failureSummary']}" for node in found["nodes"][:5])
    return f"{found['impact']} {found['id']}: {found['help']}\n    {where}"
