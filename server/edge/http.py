"""The REST endpoints. The twin of commands.py: both call the same use cases, and answer with the same objects."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol import bodies
from protocol.answers import DevToken
from protocol.ids import MessageId, SessionId, UserId, fresh_message_id, fresh_session_id
from protocol.model import Cursor
from server import errors, messages, search, sessions, sync
from server.edge.address import address_of
from server.edge.callers import Callers
from server.edge.carrying import STOP_WITHIN, carried_out
from server.edge.identity import LIFETIME, mint
from server.edge.requests import (
    answer,
    expected_number,
    idempotency_key,
    path_id,
    read_body,
    read_query,
    route,
    row_answer,
)
from server.instance import Instance
from server.limits import Limits
from server.messages import Part
from server.settings import Settings
from server.store.sends import Draft
from server.tasks import ANSWERED_WITHIN

T = TypeVar("T")


class Rest:
    """The endpoints of one instance, for those whom `callers` knows."""

    def __init__(self, instance: Instance, callers: Callers) -> None:
        self._instance = instance
        self._callers = callers

    def routes(self) -> list[Route]:
        return [
            route("GET", "/api/sessions", self.list_sessions),
            route("POST", "/api/sessions", self.create_session),
            route("GET", "/api/sessions/search", self.search),
            route("GET", "/api/sessions/{id}", self.session),
            route("PUT", "/api/sessions/{id}", self.update_session),
            route("PATCH", "/api/sessions/{id}", self.update_session),
            route("DELETE", "/api/sessions/{id}", self.delete_session),
            route("POST", "/api/sessions/{id}/restore", self.restore_session),
            route("GET", "/api/sessions/{id}/messages", self.list_messages),
            route("POST", "/api/sessions/{id}/messages", self.send),
            route("PUT", "/api/messages/{id}", self.edit),
            route("DELETE", "/api/messages/{id}", self.delete),
            route("POST", "/api/messages/{id}/stop", self.stop),
            route("POST", "/api/messages/{id}/retry", self.retry),
            route("GET", "/api/changes", self.changes),
        ]

    # Sessions.

    async def list_sessions(self, request: Request) -> Response:
        user, query = await self._callers.user(request, queried=True), read_query(request, bodies.PageQuery)
        page = await self._done(user, lambda: sessions.page(self._instance, user, query.before, query.limit))
        return answer(page)

    async def create_session(self, request: Request) -> Response:
        user, body = await self._callers.user(request), await read_body(request, bodies.NewSession)
        session = body.id or idempotency_key(request, SessionId) or fresh_session_id()
        row = await self._done(
            user,
            lambda: sessions.create(
                self._instance, user, session, title=body.title, mode=body.mode, language=body.language
            ),
            repeatable=True,
        )
        return row_answer(request, row, status=201)

    async def search(self, request: Request) -> Response:
        user, query = await self._callers.user(request, queried=True), read_query(request, bodies.SearchQuery)
        page = await self._done(user, lambda: search.search(self._instance, user, query.q, query.before, query.limit))
        return answer(page)

    async def session(self, request: Request) -> Response:
        user, session = await self._callers.user(request), path_id(request, SessionId)
        return row_answer(request, await self._done(user, lambda: sessions.one(self._instance, user, session)))

    async def update_session(self, request: Request) -> Response:
        user, body = await self._callers.user(request), await read_body(request, bodies.SessionChange)
        session, expected = path_id(request, SessionId), expected_number(request)
        row = await self._done(
            user,
            lambda: sessions.update(
                self._instance,
                user,
                session,
                title=body.title,
                mode=body.mode,
                language=body.language,
                expected=expected,
            ),
        )
        return row_answer(request, row)

    async def delete_session(self, request: Request) -> Response:
        user, session, expected = (
            await self._callers.user(request),
            path_id(request, SessionId),
            expected_number(request),
        )
        return row_answer(
            request, await self._done(user, lambda: sessions.delete(self._instance, user, session, expected))
        )

    async def restore_session(self, request: Request) -> Response:
        user, session = await self._callers.user(request), path_id(request, SessionId)
        return row_answer(request, await self._done(user, lambda: sessions.restore(self._instance, user, session)))

    # Messages.

    async def list_messages(self, request: Request) -> Response:
        user, query = await self._callers.user(request, queried=True), read_query(request, bodies.MessageQuery)
        session = path_id(request, SessionId)
        page = await self._done(
            user,
            lambda: messages.page(
                self._instance,
                user,
                session,
                Part(before=query.before, after=query.after, around=query.around),
                query.limit,
            ),
        )
        return answer(page)

    async def send(self, request: Request) -> Response:
        user, body = await self._callers.user(request), await read_body(request, bodies.NewMessage)
        message = body.id or idempotency_key(request, MessageId) or fresh_message_id()
        draft = Draft(path_id(request, SessionId), message, body.content, body.metadata)
        sent = await self._done(user, lambda: messages.send(self._instance, user, draft), repeatable=True)
        return answer(sent, status=201)

    async def edit(self, request: Request) -> Response:
        user, body = await self._callers.user(request), await read_body(request, bodies.MessageChange)
        message, expected = path_id(request, MessageId), expected_number(request)
        row = await self._done(user, lambda: messages.edit(self._instance, user, message, body.content, expected))
        return row_answer(request, row)

    async def delete(self, request: Request) -> Response:
        user, message, expected = (
            await self._callers.user(request),
            path_id(request, MessageId),
            expected_number(request),
        )
        return row_answer(
            request, await self._done(user, lambda: messages.delete(self._instance, user, message, expected))
        )

    async def stop(self, request: Request) -> Response:
        user, message = await self._callers.user(request), path_id(request, MessageId)
        return row_answer(
            request, await self._done(user, lambda: self._instance.turns.stop(user, message), within=STOP_WITHIN)
        )

    async def retry(self, request: Request) -> Response:
        user, message = await self._callers.user(request), path_id(request, MessageId)
        return row_answer(
            request, await self._done(user, lambda: messages.retry(self._instance, user, message)), status=201
        )

    # The timeline.

    async def changes(self, request: Request) -> Response:
        user, query = await self._callers.user(request, queried=True), read_query(request, bodies.ChangesQuery)
        if (query.since is None) != (query.epoch is None):
            missing = "epoch" if query.epoch is None else "since"
            raise errors.Invalid.field(missing, "missing", "since and epoch go together")
        cursor = None if query.since is None or query.epoch is None else Cursor(epoch=query.epoch, seq=query.since)
        _, page = await self._done(user, lambda: sync.since(self._instance, user, cursor))
        return answer(page)

    async def _done(
        self,
        user: UserId,
        work: Callable[[], Coroutine[Any, Any, T]],
        *,
        repeatable: bool = False,
        within: float = ANSWERED_WITHIN,
    ) -> T:
        return await carried_out(self._instance, user, work, repeatable=repeatable, within=within)


def dev_sign_in(secret: str, settings: Settings, limits: Limits) -> Route:
    """POST /auth/dev: a token for anybody who asks. Only ever on loopback; environment.py refuses it elsewhere."""

    async def sign_in(request: Request) -> Response:
        read_query(request, bodies.NoQuery)
        body = await read_body(request, bodies.SignIn)
        await limits.sign_in(address_of(request))
        return answer(DevToken(token=mint(secret, body.user, settings=settings), expires_in=int(LIFETIME)))

    return route("POST", "/auth/dev", sign_in)
