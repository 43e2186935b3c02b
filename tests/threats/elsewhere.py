"""The rows of the table that have more tests than its own, or none yet, and why."""

ELSEWHERE: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("tests/edge/test_origins.py", "test_a_name_that_was_made_to_lead_here_is_no_name_of_ours"),),
    4: (
        (
            "tests/acceptance/test_bad_requests.py",
            "test_a_request_with_a_token_that_is_not_good_is_refused_as_one_without",
        ),
        (
            "tests/acceptance/test_bad_frames.py",
            "test_a_hello_with_a_token_that_is_not_good_is_refused_and_ends_the_connection",
        ),
        ("tests/acceptance/test_access.py", "test_an_endpoint_answers_nobody_whose_token_is_not_good"),
    ),
    5: (
        (
            "tests/acceptance/test_sign_out.py",
            "test_signing_out_closes_what_the_token_let_in_everywhere_and_nothing_else",
        ),
        ("tests/acceptance/test_sign_out.py", "test_the_end_of_a_token_is_said_and_then_it_closes"),
    ),
    7: (
        ("tests/acceptance/test_limits.py", "test_a_rate_holds_at_n_and_n_plus_1_and_fills_again"),
        (
            "tests/acceptance/test_isolation.py",
            "test_a_request_for_what_is_anothers_or_deleted_answers_as_one_for_nothing",
        ),
    ),
    9: (
        ("tests/acceptance/test_bad_frames.py", "test_a_frame_that_is_no_command_is_refused_and_the_connection_stays"),
    ),
    10: (("tests/edge/test_wire.py", "test_a_broken_frame_is_answered_with_its_code"),),
    13: (("tests/edge/test_wire.py", "test_a_flood_of_frames_is_cut_and_the_others_notice_nothing"),),
    14: (("tests/edge/test_timely.py", "test_who_takes_too_long_to_ask_is_cut_off"),),
    15: (
        ("tests/acceptance/test_limits.py", "test_so_many_devices_may_be_connected"),
        ("tests/acceptance/test_limits.py", "test_so_many_of_an_address_may_be_silent"),
    ),
    16: (
        (
            "tests/acceptance/test_limits.py",
            "test_an_address_that_is_only_said_is_not_believed_but_of_a_trusted_proxy",
        ),
    ),
    21: (("tests/acceptance/test_bad_input.py", "test_a_command_with_a_bad_field_is_refused_and_the_field_is_named"),),
    22: (
        (
            "tests/acceptance/test_ids.py",
            "test_a_message_sent_again_is_answered_the_same_and_another_with_its_id_is_refused",
        ),
    ),
    23: (
        (
            "tests/browser/test_hostile.py",
            "test_what_a_hostile_tutor_says_in_any_pieces_runs_nowhere_and_asks_nobody",
        ),
        (
            "tests/browser/test_page.py",
            "test_the_policy_stops_scripts_markup_and_addresses_that_are_not_ours",
        ),
    ),
    24: (
        (
            "tests/browser/test_hostile.py",
            "test_what_a_hostile_tutor_says_in_any_pieces_runs_nowhere_and_asks_nobody",
        ),
    ),
    25: (("tests/acceptance/test_bad_input.py", "test_only_our_own_media_are_taken_as_media"),),
    26: (
        ("tests/acceptance/test_bad_media.py", "test_a_bad_file_is_refused_and_the_memory_is_unmoved"),
        ("tests/acceptance/test_media.py", "test_what_a_browser_is_told_about_a_file"),
    ),
    27: (
        ("tests/acceptance/test_bad_media.py", "test_twenty_bombs_at_once_leave_the_memory_unmoved_and_the_hub_awake"),
    ),
    28: (("tests/acceptance/test_bad_media.py", "test_a_bad_file_is_refused_and_the_memory_is_unmoved"),),
    29: (
        ("tests/acceptance/test_media.py", "test_two_at_once_do_not_take_the_same_room"),
        ("tests/acceptance/test_media.py", "test_what_is_anothers_answers_as_what_never_was"),
        ("tests/acceptance/test_media.py", "test_one_range_is_answered_and_no_other"),
    ),
    30: (("tests/threats/test_prompts.py", "test_a_tutor_is_told_nothing_but_its_session"),),
    31: (("tests/threats/test_prompts.py", "test_what_learners_write_is_never_an_instruction_of_the_hub"),),
    33: (
        ("tests/acceptance/test_limits.py", "test_what_the_tutor_has_used_is_counted_and_when_it_is_spent_it_is_said"),
        ("tests/acceptance/test_limits.py", "test_so_many_replies_of_a_user_are_written_at_once"),
    ),
    34: (
        (
            "tests/acceptance/test_limits.py",
            "test_typing_that_is_said_too_often_is_dropped_without_a_word",
        ),
    ),
    36: (("tests/test_canaries.py", "test_a_leak_fails_its_test_and_is_not_repeated"),),
    37: (("tests/threats/test_faults.py", "test_a_fault_is_told_by_its_number_and_by_nothing_else"),),
    39: (("tests/fanout/test_broker_redis_junk.py", "test_junk_in_a_users_channel_is_counted_and_nobody_receives_it"),),
    40: (
        ("tests/acceptance/test_sealed.py", "test_neither_the_database_nor_redis_holds_a_word_and_all_works"),
        ("tests/acceptance/test_encrypted_lines.py", "test_a_database_that_cannot_show_who_it_is_is_not_used"),
        ("tests/edge/test_origins.py", "test_over_tls_a_browser_is_told_to_stay_there"),
    ),
}
"""Tests, a file and a name each, by the number of the row."""

NOT_HERE: dict[int, str] = {
    32: "a decision of whoever runs the hub: the tutor's own model refuses, the hub does not judge texts",
    35: "no one-use tickets: a token is good until it ends, on any socket; it is said in hello or in a header only",
}
"""Rows without a test of their own, and why."""
