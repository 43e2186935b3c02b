"""P1: acknowledged means committed. P2: one send, one message, one reply."""

from collections.abc import Iterator

from msgspec import Struct

from loadtest.dump import MessageRow
from loadtest.evidence import Entry, Evidence
from loadtest.history import Told
from loadtest.verdict import Violation, broken
from protocol.answers import Sent
from protocol.commands import MessageDelete, MessageEdit, MessageSend, ReplyRetry
from protocol.errors import Reason
from protocol.events import Accepted, Refused
from protocol.ids import MessageId

UNSURE = frozenset({Reason.UNAVAILABLE, Reason.INTERNAL})
"""Refusals that do not say whether it was done."""


class Send(Struct):
    """All that was said and answered about one message id, on any device."""

    said: list[Entry] = []
    receipts: list[tuple[Entry, Sent]] = []
    refused: list[Entry] = []
    told: list[Entry] = []

    @property
    def contents(self) -> set[str]:
        return {entry.what.content for entry in self.said if isinstance(entry.what, MessageSend)}

    @property
    def surely_refused(self) -> bool:
        """Each time it was said, the hub said that it was not done."""
        sure = [entry for entry in self.refused if isinstance(entry.what, Refused) and _is_sure(entry.what)]
        return bool(self.said) and len(sure) == len(self.said)


def sends(evidence: Evidence) -> dict[MessageId, Send]:
    """What was sent, by message id."""
    found: dict[MessageId, Send] = {}
    for entry in evidence.entries():
        match entry.what, entry.asked:
            case MessageSend(message=message), _:
                found.setdefault(message, Send()).said.append(entry)
            case Accepted(), MessageSend(message=message) if isinstance(entry.answer, Sent):
                found.setdefault(message, Send()).receipts.append((entry, entry.answer))
            case Refused(), MessageSend(message=message):
                found.setdefault(message, Send()).refused.append(entry)
            case Told(message=message), _:
                found.setdefault(message, Send()).told.append(entry)
            case _:
                pass
    return found


def acknowledged_means_committed(evidence: Evidence) -> Iterator[Violation]:
    """P1."""
    found = sends(evidence)
    touched = _touched(evidence)
    for message, send in found.items():
        row = evidence.messages.get(message)
        if send.receipts and row is None and not _is_forgotten(evidence, send):
            yield broken("P1", evidence.user, f"{message} was acknowledged and is not there", send.receipts[-1][0])
        elif send.surely_refused and row is not None:
            yield broken("P1", evidence.user, f"{message} was refused for good and is there", send.refused[-1])
        elif row is not None:
            yield from _committed_as_acknowledged(evidence, send, row)
            yield from _as_it_was_sent(evidence, send, row, touched)
        yield from _told_what_was_heard(evidence, message, send)
    for message, row in evidence.messages.items():
        if row.message.type == "user" and message not in found:
            yield broken("P1", evidence.user, f"{message} is there, and nobody sent it")


def _is_forgotten(evidence: Evidence, send: Send) -> bool:
    """The database that acknowledged it lost its tail, and before it was said again its session was deleted."""
    session = evidence.sessions.get(send.receipts[-1][1].session)
    is_deleted = session is not None and session.deleted_at is not None
    return is_deleted and all(entry.epoch != evidence.epoch for entry, _ in send.receipts)


def one_send_one_message(evidence: Evidence) -> Iterator[Violation]:
    """P2. Numbers of another epoch are of no concern: a database that lost its tail may have given others."""
    retries = [entry.what.message for entry in evidence.entries() if isinstance(entry.what, ReplyRetry)]
    replies: dict[MessageId, list[MessageRow]] = {}
    for row in evidence.messages.values():
        if row.message.reply_to is not None:
            replies.setdefault(row.message.reply_to, []).append(row)
    for message, send in sends(evidence).items():
        first: dict[str | None, tuple[Entry, Sent]] = {}
        for entry, receipt in send.receipts:
            earlier, known = first.setdefault(entry.epoch, (entry, receipt))
            if receipt != known:
                yield broken("P2", evidence.user, f"{message} was given two receipts", earlier, entry)
        answers = replies.get(message, [])
        asked_again = sum(retries.count(row.message.id) for row in answers)
        standing = [row for row in answers if row.message.deleted_at is None]
        if len(answers) > 1 + asked_again or len(standing) > 1:
            yield broken("P2", evidence.user, f"{message} has {len(answers)} replies", *send.said[-1:])


def _committed_as_acknowledged(evidence: Evidence, send: Send, row: MessageRow) -> Iterator[Violation]:
    for entry, receipt in send.receipts:
        if entry.epoch != evidence.epoch:
            continue
        reply = evidence.messages.get(receipt.reply)
        kept = Sent(
            session=row.message.session_id,
            message=row.message.id,
            reply=receipt.reply if reply is not None and reply.message.reply_to == row.message.id else row.message.id,
            position=row.message.position,
            seq=row.created_seq,
        )
        if kept != receipt:
            what = f"the receipt says {receipt}, the database {kept}"
            yield broken("P1", evidence.user, what, entry)
            return


def _as_it_was_sent(evidence: Evidence, send: Send, row: MessageRow, touched: set[MessageId]) -> Iterator[Violation]:
    if row.message.id not in touched and row.message.content not in send.contents and send.said:
        what = f"{row.message.id} holds {row.message.content[:80]!r}, which was not sent"
        yield broken("P1", evidence.user, what, send.said[0])


def _told_what_was_heard(evidence: Evidence, message: MessageId, send: Send) -> Iterator[Violation]:
    heard = {receipt for _, receipt in send.receipts}
    for entry in send.told:
        if isinstance(entry.what, Told) and entry.what.receipt is not None and entry.what.receipt not in heard:
            yield broken("P1", evidence.user, f"the client told of a receipt of {message} that never came", entry)


def _touched(evidence: Evidence) -> set[MessageId]:
    """Messages that somebody edited or deleted, or tried to."""
    return {entry.what.message for entry in evidence.entries() if isinstance(entry.what, MessageEdit | MessageDelete)}


def _is_sure(refused: Refused) -> bool:
    return refused.code not in UNSURE and refused.code is not Reason.IDEMPOTENCY_CONFLICT
