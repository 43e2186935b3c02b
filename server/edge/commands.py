"""Which use case does what a command asks. The twin of http.py: both call the same functions."""

from functools import partial
from typing import assert_never

from protocol import commands as say
from protocol.answers import Answer, MessagePage, Nothing
from protocol.ids import UserId
from server import messages, search, sessions, sync
from server.edge.carrying import STOP_WITHIN, carried_out
from server.fanout.member import Member
from server.instance import Instance
from server.messages import Draft
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
AboutMessages = say.MessageSend | say.MessageEdit | say.MessageDelete | say.ReplyStop | say.ReplyRetry
Said = AboutSessions | AboutMessages | say.SessionOpen | say.SessionClose
"""What is said once the connection stands; the rest is the connection's own affair."""


async def obey(instance: Instance, user: UserId, member: Member, said: Said) -> Answer:
    """Do it, in a limited time. What it raises is a Refusal."""
    match said:
        case say.SessionClose():
            member.opened.discard(said.session)
            return Nothing()
        case say.SessionOpen():
            with instance.hub.opening(user, said.session):
                page = await carried_out(instance, user, partial(_page, instance, user, said))
                return sync.join_session(instance, user, member, said.session, page)
        case _:
            within = STOP_WITHIN if isinstance(said, say.ReplyStop) else ANSWERED_WITHIN
            work = partial(_done, instance, user, said)
            return await carried_out(instance, user, work, repeatable=_is_repeatable(said), within=within)


def _is_repeatable(said: AboutSessions | AboutMessages) -> bool:
    """What adds under the device's own id is added once."""
    return isinstance(said, say.MessageSend) or (isinstance(said, say.SessionCreate) and said.session is not None)


async def _page(instance: Instance, user: UserId, said: say.SessionOpen) -> MessagePage:
    page = await messages.page(instance, user, said.session, before=said.before, after=None, limit=said.limit)
    await instance.hub.catch_up(user, said.session, page.replies)
    return page


async def _done(instance: Instance, user: UserId, said: AboutSessions | AboutMessages) -> Answer:
    match said:
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
            return await _done_about_sessions(instance, user, said)


async def _done_about_sessions(instance: Instance, user: UserId, said: AboutSessions) -> Answer:
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
            return await sessions.page(instance, user, said.before, said.limit)
        case say.SessionSearch():
            return await search.search(instance, user, said.query, said.before, said.limit)
        case say.ReadMark():
            return await sessions.mark_read(instance, user, said.session, said.seq)
        case _:
            assert_never(said)
