"""An address that opens one file says nothing, cannot be made or changed, and ends."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import MediaId, UserId
from server.edge.sealed_links import LASTS, ROUNDED_TO, Links

LINKS = Links(b"a secret of the hub's")
ID = MediaId(UUID(int=7))


@given(st.text(min_size=1, max_size=255).filter(lambda text: text.isprintable()), st.integers(0, 2**33))
def test_what_was_made_is_read_until_its_end(user: str, now: int) -> None:
    token, link = LINKS.made(UserId(user), ID, "thumbnail", now)
    assert now + LASTS < link.until <= now + LASTS + ROUNDED_TO
    assert LINKS.read(token, now) == link
    assert (link.user, link.media, link.form) == (user, ID, "thumbnail")
    assert LINKS.read(token, link.until - 1) == link
    assert LINKS.read(token, link.until) is None


def test_within_a_minute_the_address_stays_the_same() -> None:
    assert LINKS.made(UserId("ada"), ID, "", 6_000)[0] == LINKS.made(UserId("ada"), ID, "", 6_059)[0]
    others = [
        LINKS.made(UserId("ada"), ID, "", 6_060),
        LINKS.made(UserId("eve"), ID, "", 6_000),
        LINKS.made(UserId("ada"), MediaId(uuid4()), "", 6_000),
        LINKS.made(UserId("ada"), ID, "thumbnail", 6_000),
    ]
    assert len({token for token, _ in others} | {LINKS.made(UserId("ada"), ID, "", 6_000)[0]}) == 5


def test_instances_with_one_secret_read_each_others_and_no_others() -> None:
    token, link = LINKS.made(UserId("ada"), ID, "", 0)
    assert Links(b"a secret of the hub's").read(token, 0) == link
    assert Links(b"another secret").read(token, 0) is None


def test_every_changed_letter_is_noticed() -> None:
    token, _ = LINKS.made(UserId("ada"), ID, "", 0)
    for at in range(len(token) - 1):  # the last letter has bits that mean nothing
        assert LINKS.read(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :], 0) is None


@given(st.text(max_size=1_200))
def test_no_text_is_read_that_was_not_made(text: str) -> None:
    assert LINKS.read(text, 0) is None


def test_a_link_has_one_address_and_the_longest_name_has_one() -> None:
    token, link = LINKS.made(UserId("学" * 255), ID, "thumbnail", 6_000)
    assert LINKS.read(token, 6_000) == link
    for other in (f"{token[:20]}!!!!{token[20:]}", f"{token}    ", f"{token}====", f"{token}\n"):
        assert LINKS.read(other, 6_000) is None
