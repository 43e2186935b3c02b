"""Every feature that original-design.md lists for the page is shown by a test that has passed in this run.

A test says which by its marker: `@pytest.mark.shows("SessionChat: mode switching")`. So one that is skipped, deselected
or fails shows nothing, and neither does one that was renamed or lost. Of a part of the tests nothing can be said.
"""

from pathlib import Path

import pytest

from tests.browser.conftest import SHOWN, shows
from tests.browser.payloads import PAYLOADS

pytestmark = pytest.mark.asyncio(loop_scope="session")

FEATURES = (
    "SessionsList: real-time session filtering and search",
    "SessionsList: session selection",
    "SessionsList: session preview",
    "SessionsList: new session creation",
    "SessionsList: session management actions",
    "SessionChat: message history display",
    "SessionChat: real-time message input and output",
    "SessionChat: mode switching",
    "SessionChat: multimedia support, images",
    "SessionChat: multimedia support, voice",
    "SessionChat: audio playback controls",
    "SessionPreview: session metadata display",
    "SessionPreview: continue and view history",
    "SessionPreview: session management options",
    "sessionStore: sessions, loading",
    "sessionStore: currentSession, selectedSessionId",
    "sessionStore: error",
    "sessionStore: searchQuery, filteredSessions",
    "chatStore: messages, currentSessionMessages",
    "chatStore: currentMessage",
    "chatStore: isTyping",
    "chatStore: mode",
    "chatStore: language",
    "Errors: loading states",
    "Errors: empty states",
    "Errors: recovery",
    "Errors: auto-saved drafts",
    "Errors: a way back from destructive actions",
    "Optimization: lazy loading",
    "Optimization: virtual scrolling for large message lists",
    "Optimization: debounced search",
    "Optimization: optimistic updates",
)


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest) -> set[str]:
    """What the whole run has shown: all others have ended."""
    others = [item for item in request.session.items if item.path != Path(__file__)]
    missing = set(Path(__file__).parent.glob("test_*.py")) - {item.path for item in others} - {Path(__file__)}
    if missing or request.config.option.keyword or hasattr(request.config, "workerinput"):
        pytest.skip("Only a part of the browser's tests is run.")
    return request.config.stash.get(SHOWN, set[str]())


@pytest.mark.usefixtures("browser", "built")
@pytest.mark.parametrize("feature", FEATURES)
async def test_a_feature_of_the_design_is_shown(shown: set[str], feature: str) -> None:
    assert feature in shown


async def test_nothing_is_shown_that_is_no_feature(request: pytest.FixtureRequest) -> None:
    assert {feature for item in request.session.items for feature in shows(item)} <= set(FEATURES)


async def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 150
