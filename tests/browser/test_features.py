"""Every feature that original-design.md lists for the page, and the test that shows it; one without fails here."""

import re
from pathlib import Path

import pytest

from tests.browser.payloads import PAYLOADS

FEATURES = {
    "SessionsList: real-time session filtering and search": (
        "test_flows.py",
        "test_sessions_are_filtered_at_once_and_searched_with_a_jump_to_the_message",
    ),
    "SessionsList: session selection": ("test_flows.py", "test_sessions_are_loaded_as_one_scrolls"),
    "SessionsList: session preview": ("test_flows.py", "test_a_session_is_looked_at_before_it_is_continued"),
    "SessionsList: new session creation": (
        "test_flows.py",
        "test_a_newcomer_asks_and_sees_the_answer_as_it_is_written",
    ),
    "SessionsList: session management actions": (
        "test_flows.py",
        "test_a_session_is_renamed_deleted_and_brought_back",
    ),
    "SessionChat: message history display": ("test_speed.py", "test_earlier_messages_come_without_a_jump"),
    "SessionChat: real-time message input and output": (
        "test_flows.py",
        "test_a_newcomer_asks_and_sees_the_answer_as_it_is_written",
    ),
    "SessionChat: mode switching": (
        "test_flows.py",
        "test_the_mode_is_switched_and_explained_and_the_tutor_is_told",
    ),
    "SessionChat: multimedia support, images": ("test_media.py", "test_a_picture_is_added_seen_and_sent"),
    "SessionChat: multimedia support, voice": ("test_media.py", "test_a_recording_is_made_sent_and_played"),
    "SessionChat: audio playback controls": ("test_media.py", "test_a_recording_is_made_sent_and_played"),
    "SessionPreview: session metadata display": (
        "test_flows.py",
        "test_a_session_is_looked_at_before_it_is_continued",
    ),
    "SessionPreview: continue and view history": (
        "test_flows.py",
        "test_a_session_is_looked_at_before_it_is_continued",
    ),
    "SessionPreview: session management options": (
        "test_flows.py",
        "test_a_session_is_looked_at_before_it_is_continued",
    ),
    "sessionStore: sessions, loading": ("test_flows.py", "test_sessions_are_loaded_as_one_scrolls"),
    "sessionStore: currentSession, selectedSessionId": ("test_flows.py", "test_a_draft_is_kept_per_session"),
    "sessionStore: error": ("test_weather.py", "test_an_address_of_a_session_that_is_not_ours_says_so_and_leads_on"),
    "sessionStore: searchQuery, filteredSessions": (
        "test_flows.py",
        "test_sessions_are_filtered_at_once_and_searched_with_a_jump_to_the_message",
    ),
    "chatStore: messages, currentSessionMessages": (
        "test_flows.py",
        "test_two_devices_on_two_instances_show_the_same",
    ),
    "chatStore: currentMessage": ("test_flows.py", "test_a_draft_is_kept_per_session"),
    "chatStore: isTyping": ("test_flows.py", "test_a_newcomer_asks_and_sees_the_answer_as_it_is_written"),
    "chatStore: mode": ("test_flows.py", "test_the_mode_is_switched_and_explained_and_the_tutor_is_told"),
    "chatStore: language": ("test_flows.py", "test_the_language_of_the_tutor_is_chosen"),
    "Errors: loading states": (
        "test_weather.py",
        "test_on_a_slow_line_what_is_loading_is_sketched_and_what_is_written_is_shown_at_once",
    ),
    "Errors: empty states": ("test_flows.py", "test_a_starter_begins_a_session"),
    "Errors: recovery": ("test_flows.py", "test_an_answer_that_fails_says_so_and_can_be_asked_for_again"),
    "Errors: auto-saved drafts": ("test_flows.py", "test_a_draft_is_kept_per_session"),
    "Errors: a way back from destructive actions": (
        "test_flows.py",
        "test_ones_own_message_is_edited_copied_and_deleted_with_a_way_back",
    ),
    "Optimization: lazy loading": ("test_speed.py", "test_what_the_page_needs_at_first_is_small_and_the_rest_is_lazy"),
    "Optimization: virtual scrolling for large message lists": (
        "test_speed.py",
        "test_ten_thousand_messages_scroll_from_end_to_start",
    ),
    "Optimization: debounced search": (
        "test_speed.py",
        "test_a_search_is_asked_once_for_what_is_typed_quickly",
    ),
    "Optimization: optimistic updates": (
        "test_weather.py",
        "test_on_a_slow_line_what_is_loading_is_sketched_and_what_is_written_is_shown_at_once",
    ),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_of_the_design_is_shown_by_a_test(feature: str) -> None:
    file, name = FEATURES[feature]
    assert re.search(rf"^async def {name}|^def {name}", (Path(__file__).parent / file).read_text(), re.MULTILINE)


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 150
