"""How a device gets in step and stays there: joining and resuming are one thing.

The device is put into its room first, which holds back what is told meanwhile; then it reads what came since
its cursor; then what was held above that goes out.
"""

import time
from typing import assert_never

from msgspec import structs

from protocol.answers import Answer, MessagePage, Nothing, SearchPage, Sent, SessionPage
from protocol.events import TypingChanged
from protocol.ids import SessionId, UserId
from protocol.model import Cursor, Message, Session
from server.buckets import Rate
from server.errors import NotFound
from server.fanout.member import Member
from server.instance import Instance
from server.store.timeline import Page

TYPING = Rate(4, 8.0)
"""Of a device in a session: it is said every 3 s, and when it begins and ends."""


async def since(instance: Instance, user: UserId, cursor: Cursor | None) -> Page:
    """The head, and a page of what came after the cursor, or a snapshot where the cursor is of no use."""
    return await instance.timelines.since(user, cursor)


def newest(answer: Answer) -> int:
    """The highest number of a row in an answer."""
    match answer:
        case Session() | Message() | Sent():
            return answer.seq
        case SessionPage():
            return max((row.seq for row in answer.sessions), default=0)
        case MessagePage():
            return max((row.seq for row in answer.messages), default=answer.session.seq)
        case SearchPage():
            return max((hit.session.seq for hit in answer.hits), default=0)
        case Nothing():
            return 0
        case _:
            assert_never(answer)


def join_session(
    instance: Instance, user: UserId, member: Member, session: SessionId, page: MessagePage
) -> MessagePage:
    """From this moment on the device is given the session's live text; the page, with all that was told by now.

    Nothing is waited for in here, so the page and the live text join without a seam if the caller offers the page
    at once.
    """
    instance.hub.open_session(user, session, member)
    begun = instance.hub.replies(user, session)  # since the page was read, of messages that may not be in it
    replies = list(({reply.message: reply for reply in page.replies} | begun).values())
    for reply in replies:
        member.outbox.forget(reply.message)
    return structs.replace(page, replies=replies)


def type_in(instance: Instance, member: Member, session: SessionId, *, active: bool) -> None:
    """Tell the user's other devices. Never stored; dropped without a word if it is said too often.

    Raises NotFound for a session that the device has not opened.
    """
    if session not in member.opened:
        raise NotFound
    if not member.typing.take_one(session, TYPING, time.monotonic()):
        return
    event = TypingChanged(session=session, who=member.device.id, name=member.device.name, active=active)
    instance.hub.tell_live(member.identity.user, session, event)
