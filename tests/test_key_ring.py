"""The operator's keys: how they are written, and what they open."""

import re
from base64 import b64encode

import pytest

from protocol.ids import UserId
from server import key_ring
from server.errors import SealedWithMissingKey
from server.key_ring import KeyRing, UserKeys, Wrapped, new_entry, parsed
from server.sealing import UserKey, about
from tests.fanout.instances import REPLY

ADA, BOB = UserId("ada"), UserId("bob")
OLD, NEW = b"1" * 32, b"2" * 32
HERE = about("text", REPLY)


def written(key: bytes) -> str:
    return b64encode(key).decode()


def test_a_ring_is_written_in_a_line_or_in_lines() -> None:
    one, two = new_entry("one"), new_entry("two.2026-11")
    assert parsed(f"{one},{two}").names == parsed(f"{one}\n{two}\n").names
    assert [name.partition("#")[0] for name in parsed(f"{one},{two}").names] == ["one", "two.2026-11"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "entry 1: expected NAME:KEY, as `tutorhub keys new` prints it"),
        (written(OLD), "entry 1: expected NAME:KEY, as `tutorhub keys new` prints it"),
        (f"a:{written(OLD)},näme:{written(NEW)}", "entry 2: expected NAME:KEY, as `tutorhub keys new` prints it"),
        ("a:geheim!", "entry 1, a: its key is not base64"),
        (f"a:{written(b'short')}", "entry 1, a: its key has 5 bytes, expected 32"),
        (f"a:{written(OLD)},a:{written(NEW)}", "two keys are named a"),
    ],
)
def test_what_is_no_ring_is_told_without_a_key(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parsed(text)


def test_the_first_key_wraps_and_all_unwrap() -> None:
    wrapped = KeyRing({"old": OLD}).wrap(b"secret", b"ada")
    both = KeyRing({"new": NEW, "old": OLD})
    assert both.unwrap(wrapped, b"ada") == b"secret"
    assert both.wrap(b"secret", b"ada").key_name == both.names[0]
    assert both.unwrap(both.wrap(b"secret", b"ada"), b"ada") == b"secret"


@pytest.mark.parametrize("ring", [KeyRing({}), KeyRing({"new": NEW}), KeyRing({"old": NEW})])
def test_a_key_that_is_missing_or_another_of_its_name_opens_nothing(ring: KeyRing) -> None:
    with pytest.raises(SealedWithMissingKey):
        ring.unwrap(KeyRing({"old": OLD}).wrap(b"secret", b"ada"), b"ada")


def test_a_users_key_does_not_open_as_anothers() -> None:
    keys = UserKeys(KeyRing({"old": OLD}))
    wrapped = keys.fresh(ADA)
    with pytest.raises(SealedWithMissingKey):
        keys.of(BOB, wrapped, complete=True)
    assert isinstance(keys.of(ADA, wrapped, complete=True), UserKey)


def test_who_was_erased_and_has_come_back_is_sealed_under_the_key_of_now() -> None:
    keys = UserKeys(KeyRing({"old": OLD}))
    before = keys.of(ADA, keys.fresh(ADA), complete=True).seal("a", HERE)
    key = keys.of(ADA, keys.fresh(ADA), complete=True)
    assert keys.held(ADA) is key
    with pytest.raises(SealedWithMissingKey):
        key.open(before, HERE)
    keys.of(ADA, None, complete=False)
    assert not isinstance(keys.held(ADA), UserKey)


def test_a_key_that_was_wrapped_anew_is_the_same() -> None:
    old = UserKeys(KeyRing({"old": OLD}))
    wrapped = old.fresh(ADA)
    assert wrapped is not None
    sealed = old.of(ADA, wrapped, complete=True).seal("a", HERE)
    both = UserKeys(KeyRing({"new": NEW, "old": OLD}))
    again = both.ring.wrap(both.ring.unwrap(wrapped, key_ring.of_user(ADA)), key_ring.of_user(ADA))
    assert both.of(ADA, again, complete=True).open(sealed, HERE) == "a"


def test_no_more_keys_are_held_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "HELD", 2)
    keys = UserKeys(KeyRing({"old": OLD}))
    wrapped: dict[UserId, Wrapped | None] = {UserId(name): keys.fresh(UserId(name)) for name in "abc"}
    for user in ("a", "b", "a", "c"):
        keys.of(UserId(user), wrapped[UserId(user)], complete=True)
    assert [isinstance(keys.held(UserId(user)), UserKey) for user in "abc"] == [True, False, True]
