"""Sends of many at once are held against one by one and against pgbench, on a real and durable PostgreSQL."""

from loadtest.sends import Round, figures, sends


async def test_sends_at_once_and_one_by_one_and_inserts_are_counted() -> None:
    said: list[str] = []
    measured = await sends(1, 1.0, say=said.append)
    assert len(said) == 2, "the first round is for warmth"
    assert all(each.value for each in measured.figures)
    assert [each.name for each in measured.figures if each.at_most] == [
        "one by one against at once",
        "pgbench against sends at once",
    ]


def test_what_is_too_slow_beside_the_others_is_not_borne() -> None:
    fast, slow = (figures([Round(1_000, at_once, 3_000, 90)] * 3) for at_once in (3_100, 1_900))
    assert [each.is_borne for each in fast if each.at_most] == [True, True]
    assert [each.is_borne for each in slow if each.at_most] == [False, False]
