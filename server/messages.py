"""What can be done with a message. Every change is one numbered transaction, committed, then told."""

from functools import partial

from msgspec import Struct

from protocol.answers import MessagePage, Sent
from protocol.events import MessageAdded, MessageChanged, MessageRemoved
from protocol.ids import MessageId, SessionId, UserId, fresh_message_id
from protocol.model import Cursor, Message
from server import cursors, media, titles
from server.errors import Forbidden, IdempotencyConflict, Invalid, NotFound, NotSettled, ReplyRunning, TooManyPending
from server.instance import Instance
from server.store import messages, pages, sessions, turns
from server.store.messages import Receipt
from server.store.pages import Span
from server.store.sends import Draft
from server.store.turns import Turn
from server.store.users import Change


class Part(Struct, frozen=True):
    """Which of a session's messages: the last ones before a cursor, the first after one, or those around a message."""

    before: str | None = None
    after: str | None = None
    around: MessageId | None = None


async def send(instance: Instance, user: UserId, draft: Draft) -> Sent:
    """Add a message and its pending reply. The same send again is answered the same and adds nothing.

    Raises NotFound, IdempotencyConflict, TooManyPending, Invalid, RateLimited.
    """
    _check_text(draft.content)
    await instance.limits.ask_tutor(user)
    sent = await instance.sender.send(user, draft, partial(_send_alone, instance, user, draft))
    instance.turns.wake(user, draft.session)
    return sent


async def _send_alone(instance: Instance, user: UserId, draft: Draft) -> Sent:
    async with instance.change(user, MessageAdded) as change:
        earlier = await messages.receipt(change.conn, user, draft.message)
        return await _add(instance, change, draft) if earlier is None else _repeated(change, earlier, draft)


async def page(
    instance: Instance, user: UserId, session: SessionId, part: Part, limit: int, *, seen: Cursor | None = None
) -> MessagePage:
    """Messages in order of position, and what is written of the pending ones; no older than what was seen.

    Raises NotFound, Invalid.
    """
    span = _span(part, limit)
    found = await instance.reads.read(user, seen, lambda conn: pages.page(conn, user, session, span))
    kept = found.messages
    shown = {message.id for message in kept if message.status == "pending"}
    begun = [instance.turns.so_far(turn) for turn in found.turns if turn.message_id in shown]
    return MessagePage(
        session=found.session,
        messages=kept,
        replies=[reply for reply in begun if reply is not None],
        before=cursors.at_position(kept[0].position) if kept and found.has_older else None,
        after=cursors.at_position(kept[-1].position) if kept and found.has_newer else None,
    )


def _span(part: Part, limit: int) -> Span:
    if part.before is not None and part.after is not None:
        raise Invalid.field("after", "conflict", "cannot be given together with before")
    if part.around is not None and (part.before is not None or part.after is not None):
        raise Invalid.field("around", "conflict", "cannot be given together with before or after")
    if part.around is not None:
        return Span(older=limit // 2, newer=limit - limit // 2, around=part.around)
    if part.after is not None:
        return Span(older=0, newer=limit, at=cursors.position(part.after, "after", 0) + 1)
    return Span(older=limit, newer=0, at=cursors.position(part.before, "before", cursors.END))


async def edit(
    instance: Instance, user: UserId, message: MessageId, content: str, expected: int | None = None
) -> Message:
    """Change the text of a message of the user's. Raises ReplyRunning while the tutor answers it."""
    _check_text(content)
    async with instance.change(user, MessageChanged) as change:
        row = await messages.existing(change.conn, user, message, expected)
        if row.type != "user":
            raise Forbidden("Only messages of the user's own can be edited.")
        open_turns = await turns.answering(change.conn, user, message)
        if content != row.content:
            if any(turn.owner is not None for turn in open_turns):
                raise ReplyRunning
            row = await messages.edit(change, message, content)
            await sessions.touch(change, row.session_id, said=row)
    return row


async def delete(instance: Instance, user: UserId, message: MessageId, expected: int | None = None) -> Message:
    """Leave a tombstone. An open reply, to it or itself, is settled as stopped in the same change."""
    async with instance.change(user, MessageRemoved) as change:
        row = await messages.existing(change.conn, user, message, expected)
        ended = await _end_open_replies(instance, change, row)
        row = await messages.delete(change, message)
        await sessions.touch(change, row.session_id, more=-1)
    instance.turns.lost(user, ended)
    instance.turns.wake(user, row.session_id)
    return row


async def retry(instance: Instance, user: UserId, message: MessageId) -> Message:
    """Delete a settled reply and add a new one to the same message. Raises NotSettled, TooManyPending, RateLimited."""
    await instance.limits.ask_tutor(user)
    async with instance.change(user, MessageAdded) as change:
        former = await messages.existing(change.conn, user, message)
        if former.reply_to is None:
            raise NotFound
        if former.status == "pending":
            raise NotSettled
        await messages.existing(change.conn, user, former.reply_to)
        await _check_pending(instance, change, former.session_id)
        await messages.delete(change, message)
        position = await sessions.last_position(change.conn, user, former.session_id) + 1
        reply = await _add_reply(change, former.session_id, former.reply_to, position)
        await sessions.touch(change, former.session_id, positions=1)
    instance.turns.wake(user, former.session_id)
    return reply


def _check_text(content: str) -> None:
    if titles.is_blank(content):
        raise Invalid.field("content", "blank", "has no text")


def _repeated(change: Change, earlier: Receipt, draft: Draft) -> Sent:
    if not change.key.is_hash_of(earlier.body_hash, draft.body_hash()) or earlier.reply_id is None:
        raise IdempotencyConflict
    return Sent(
        session=earlier.session_id,
        message=earlier.message_id,
        reply=earlier.reply_id,
        position=earlier.position,
        seq=earlier.created_seq,
    )


async def _add(instance: Instance, change: Change, draft: Draft) -> Sent:
    session = await sessions.existing(change.conn, change.user, draft.session)
    await media.check(change.conn, change.user, draft.metadata)
    await _check_pending(instance, change, session.id)
    position = await sessions.last_position(change.conn, change.user, session.id) + 1
    said = await messages.insert(
        change,
        draft.message,
        session.id,
        position=position,
        content=draft.content,
        metadata=draft.metadata,
        body_hash=draft.body_hash(),
    )
    reply = await _add_reply(change, session.id, draft.message, position + 1)
    if not session.title:
        await sessions.update(change, session.id, title=titles.of_message(draft.content))
    await sessions.touch(change, session.id, said=said, more=2, positions=2)
    return Sent(session=session.id, message=draft.message, reply=reply.id, position=position, seq=change.seq)


async def _add_reply(change: Change, session: SessionId, reply_to: MessageId, position: int) -> Message:
    reply = await messages.insert_reply(change, fresh_message_id(), session, position=position, reply_to=reply_to)
    await turns.insert(change, reply.id, session, position)
    return reply


async def _check_pending(instance: Instance, change: Change, session: SessionId) -> None:
    if await turns.pending(change.conn, change.user, session) >= instance.settings.turns.pending:
        raise TooManyPending(retry_after_ms=5_000)


async def _end_open_replies(instance: Instance, change: Change, row: Message) -> list[Turn]:
    """Of a message that is about to be deleted: its own turn, or those that answer it."""
    if row.type == "user":
        open_turns = await turns.answering(change.conn, change.user, row.id)
    else:
        held = await turns.held(change.conn, change.user, row.id)
        open_turns = [held] if held else []
    for turn in open_turns:
        await turns.end(change, turn)
        await instance.turns.settle_ended(change, turn)
    return open_turns
