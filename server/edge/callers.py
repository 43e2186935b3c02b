"""Who calls: the one door for tokens, of requests and of sockets alike.

A good token may have been revoked, and who has it may have asked too much already.
"""

from starlette.requests import Request

from protocol import bodies
from protocol.ids import UserId
from server.edge.address import address_of
from server.edge.identity import Verifier, bearer
from server.edge.requests import read_query
from server.errors import Expired, Unauthenticated
from server.identity import Identity
from server.limits import Limits
from server.standing import Standing


class Callers:
    """Those whom a verifier knows, and who are in good standing."""

    def __init__(self, verifier: Verifier, standing: Standing, limits: Limits) -> None:
        self._verifier = verifier
        self._standing = standing
        self._limits = limits

    async def known(self, token: str | None, address: str, device: str | None = None) -> Identity:
        """Whoever has this token, if they may ask any more.

        Raises Unauthenticated, or RateLimited instead, for an address that has tried many that were never good: a good
        token is good for all that, and one that has only expired is said to be. Unavailable where it cannot be decided.
        """
        if token is None:
            raise Unauthenticated
        try:
            identity = await self._verifier.verify(token)
        except Expired:
            raise
        except Unauthenticated:
            await self._limits.sign_in(address)
            raise
        await self._standing.check(identity, device)
        await self._limits.ask(identity.user)
        return identity

    async def user(self, request: Request, *, queried: bool = False) -> UserId:
        """As `caller`."""
        return (await self.caller(request, queried=queried)).user

    async def caller(self, request: Request, *, queried: bool = False) -> Identity:
        """Who asks, if they may. An endpoint without parameters refuses them: a token may be among them."""
        if not queried:
            read_query(request, bodies.NoQuery)
        return await self.known(bearer(request.headers.get("authorization")), address_of(request))
