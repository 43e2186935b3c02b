"""Which use case does what a command asks. The twin of http.py: both call the same functions."""

from functools import partial
from typing import assert_never

from protocol import commands as say
from protocol.answers import Answer, MessagePage, Nothing
from protocol.ids import UserId
from protocol.model import Cursor
from server import messages, search, sessions, sync
from server.edge.carrying import STOP_WITHIN, carried_out
from server.fanout.member import Member
from server.instance import Instance
from server.messages import Part
from server.store.sends import Draft
from server.tasks import ANSWERED_WITHIN

AboutSessions = (
    say.SessionCreate
    | say.SessionUpdate
    | say.SessionDelete
    | say.SessionRestore
    | say.SessionList
    | say.SessionSearch
    | say.ReadMark
)
AboutMessages = say.MessageList | say.MessageSend | say.MessageEdit | say.MessageDelete | say.ReplyStop | say.ReplyRetry
Said = AboutSessions | AboutMessages | say.SessionOpen | say.SessionClose
"""What is said once the connection stands; the rest is the connection's own affair."""


async def obey(instance: Instance, user: UserId, member: Member, said: Said) -> Answer:
    """Do it, in a limited time. What it raises is a Refusal."""
    match said:
        case say.SessionClose():
            instance.hub.close_session(user, said.session, member)
            return Nothing()
        case say.SessionOpen():
            with instance.hub.opening(user, said.session):
                page = await carried_out(instance, user, partial(_page, instance, user, said))
                member.answered = max(member.answered, sync.newest(page))
                return sync.join_session(instance, user, member, said.session, page)
        case _:
            within = STOP_WITHIN if isinstance(said, say.ReplyStop) else ANSWERED_WITHIN
            work = partial(_done, instance, user, said, _seen(instance, user, member))
            answer = await carried_out(instance, user, work, repeatable=_is_repeatable(said), within=within)
            member.answered = max(member.answered, sync.newest(answer))
            return answer


def _is_repeatable(said: AboutSessions | AboutMessages) -> bool:
    """What adds under the device's own id is added once."""
    return isinstance(said, say.MessageSend) or (isinstance(said, say.SessionCreate) and said.session is not None)


def _seen(instance: Instance, user: UserId, member: Member) -> Cursor | None:
    """At most so much has the device seen: what was told of here, and what it was answered."""
    heard_of = instance.hub.heard_of(user)
    return heard_of and Cursor(epoch=heard_of.epoch, seq=max(heard_of.seq, member.answered))


async def _page(instance: Instance, user: UserId, said: say.SessionOpen) -> MessagePage:
    page = await messages.page(instance, user, said.session, Part(before=said.before), said.limit)
    await instance.hub.catch_up(user, said.session, page.replies)
    return page


async def _done(instance: Instance, user: UserId, said: AboutSessions | AboutMessages, seen: Cursor | None) -> Answer:
    match said:
        case say.MessageList():
            part = Part(before=said.before, after=said.after, around=said.around)
            return await messages.page(instance, user, said.session, part, said.limit, seen=seen)
        case say.MessageSend():
            return await messages.send(instance, user, Draft(said.session, said.message, said.content, said.metadata))
        case say.MessageEdit():
            return await messages.edit(instance, user, said.message, said.content)
        case say.MessageDelete():
            return await messages.delete(instance, user, said.message)
        case say.ReplyStop():
            return await instance.turns.stop(user, said.message)
        case say.ReplyRetry():
            return await messages.retry(instance, user, said.message)
        case _:
            return await _done_about_sessions(instance, user, said, seen)


async def _done_about_sessions(instance: Instance, user: UserId, said: AboutSessions, seen: Cursor | None) -> Answer:
    match said:
        case say.SessionCreate():
            return await sessions.create(
                instance, user, said.session, title=said.title, mode=said.mode, language=said.language
            )
        case say.SessionUpdate():
            return await sessions.update(
                instance, user, said.session, title=said.title, mode=said.mode, language=said.language
            )
        case say.SessionDelete():
            return await sessions.delete(instance, user, said.session)
        case say.SessionRestore():
            return await sessions.restore(instance, user, said.session)
        case say.SessionList():
            return await sessions.page(instance, user, said.before, said.limit, seen=seen)
        case say.SessionSearch():
            return await search.search(instance, user, said.query, said.before, said.limit, seen=seen)
        case say.ReadMark():
            return await sessions.mark_read(instance, user, said.session, said.seq)
        case _:
            assert_never(said)
