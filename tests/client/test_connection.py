import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.connection import BURST, PER_SECOND, Pace, socket_url


@given(st.lists(st.floats(0, 0.5), max_size=400))
def test_no_second_has_more_frames_than_the_hub_takes(pauses: list[float]) -> None:
    pace, now, sent = Pace(), 1_000.0, list[float]()
    for pause in pauses:
        now += pause
        now += pace.wait(now)
        sent.append(now)
    for begin in sent:
        assert sum(begin <= each <= begin + 1 for each in sent) <= BURST + PER_SECOND + 1


def test_a_few_frames_go_out_at_once() -> None:
    pace = Pace()
    assert [pace.wait(1_000.0) for _ in range(int(BURST))] == [0.0] * int(BURST)
    assert pace.wait(1_000.0) > 0


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("https://hub.example/", "wss://hub.example/ws"),
        ("https://example.org/tutor/", "wss://example.org/tutor/ws"),
        ("ws://hub.example/ws", "ws://hub.example/ws"),
    ],
)
def test_the_socket_is_beside_the_rest(url: str, socket: str) -> None:
    assert socket_url(url) == socket
