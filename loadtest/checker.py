"""Decides the promises, from what the devices wrote down and what the database holds, and from nothing else.

It knows nothing of the hub, and nothing of how the client reads what it is told.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from loadtest.dump import Dump
from loadtest.evidence import DURABLE, Evidence, Leniency, gathered
from loadtest.figures import times, within_limits
from loadtest.history import Opened
from loadtest.promises.ends import (
    ended_once,
    every_reply_has_ended,
    nothing_of_another_user,
    owners_of,
    speaks_the_protocol,
)
from loadtest.promises.numbers import (
    a_number_means_the_same_to_all,
    every_number_was_told,
    numbered_as_committed,
    numbered_without_gap,
    replays_are_whole,
    shown_as_committed,
)
from loadtest.promises.sends import acknowledged_means_committed, one_send_one_message, sends
from loadtest.promises.text import (
    ended_text_is_whole,
    everybody_reads_the_same,
    stopped_stays_stopped,
    text_is_joined_without_seam,
)
from loadtest.verdict import Verdict, Violation, spread
from protocol.answers import MessagePage
from protocol.events import TokenAdded

PROMISES: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    acknowledged_means_committed,
    one_send_one_message,
    numbered_without_gap,
    replays_are_whole,
    every_number_was_told,
    a_number_means_the_same_to_all,
    numbered_as_committed,
    shown_as_committed,
    text_is_joined_without_seam,
    everybody_reads_the_same,
    ended_text_is_whole,
    stopped_stays_stopped,
    every_reply_has_ended,
    ended_once,
    speaks_the_protocol,
)


def check(folder: Path, dump: Dump, answer: Callable[[str], str], leniency: Leniency | None = None) -> Verdict:
    """The verdict over a folder of histories. `answer`: the whole reply to what was asked."""
    owners = owners_of(dump)
    violations: list[Violation] = []
    seconds: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for paths, evidence in gathered(folder, dump, answer, leniency or Leniency()):
        measured = list(times(evidence))
        for promise in PROMISES:
            violations.extend(promise(evidence))
        violations.extend(nothing_of_another_user(evidence.user, paths, owners))
        violations.extend(within_limits(evidence, measured))
        for time in measured:
            seconds.setdefault(time.figure, []).append(time.seconds)
        counts.update(_counted(evidence))
    figures = {name: spread(values) for name, values in sorted(seconds.items())}
    return Verdict(violations=violations, figures=figures, counts=dict(counts))


def _counted(evidence: Evidence) -> Counter[str]:
    found = sends(evidence).values()
    counts = Counter(
        users=1,
        devices=len(evidence.devices),
        sends=len(found),
        acknowledged=sum(bool(send.receipts) for send in found),
        repeated=sum(len(send.said) > 1 for send in found),
    )
    for entry in evidence.entries():
        counts["records"] += 1
        counts["connections"] += isinstance(entry.what, Opened)
        counts["durable events"] += isinstance(entry.what, DURABLE)
        counts["pieces of text"] += isinstance(entry.what, TokenAdded)
        if isinstance(entry.answer, MessagePage):
            counts["joined in mid-reply"] += any(reply.text for reply in entry.answer.replies)
    return counts
