"""Who calls: the user of a request, by the token that it carries."""

from starlette.requests import Request

from protocol import bodies
from protocol.ids import UserId
from server.edge.identity import Verifier, bearer
from server.edge.requests import read_query
from server.errors import Unauthenticated


class Callers:
    """Those whom a verifier knows."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def user(self, request: Request, *, queried: bool = False) -> UserId:
        """Who asks. An endpoint that knows no parameters refuses them: a token may be among them."""
        if not queried:
            read_query(request, bodies.NoQuery)
        token = bearer(request.headers.get("authorization"))
        if token is None:
            raise Unauthenticated
        return (await self._verifier.verify(token)).user
