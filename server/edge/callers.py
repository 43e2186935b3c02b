"""Who calls: the one door for tokens, of requests and of sockets alike. A good token may have been revoked."""

from starlette.requests import Request

from protocol import bodies
from protocol.ids import UserId
from server.edge.identity import Verifier, bearer
from server.edge.requests import read_query
from server.errors import Unauthenticated
from server.identity import Identity
from server.standing import Standing


class Callers:
    """Those whom a verifier knows, and who are in good standing."""

    def __init__(self, verifier: Verifier, standing: Standing) -> None:
        self._verifier = verifier
        self._standing = standing

    async def known(self, token: str | None) -> Identity:
        """Raises Unauthenticated, or Unavailable where it cannot be decided."""
        if token is None:
            raise Unauthenticated
        identity = await self._verifier.verify(token)
        await self._standing.check(identity)
        return identity

    async def user(self, request: Request, *, queried: bool = False) -> UserId:
        """As `caller`."""
        return (await self.caller(request, queried=queried)).user

    async def caller(self, request: Request, *, queried: bool = False) -> Identity:
        """Who asks. An endpoint that knows no parameters refuses them: a token may be among them."""
        if not queried:
            read_query(request, bodies.NoQuery)
        return await self.known(bearer(request.headers.get("authorization")))
