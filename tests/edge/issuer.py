"""An issuer of tokens: a real HTTP server on this machine that tells its public keys."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa


class Issuer:
    """Signs with the keys it has; `document` replaces what it tells, `status` and `silent` make it fail."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {}
        self.told: list[dict[str, Any]] = []
        self.document: bytes | None = None
        self.status = "200 OK"
        self.silent = False
        self.asked = 0
        self.url = ""

    def add(self, kid: str, algorithm: str, **fields: Any) -> None:
        private = (
            rsa.generate_private_key(public_exponent=65_537, key_size=fields.pop("bits", 2_048))
            if algorithm == "RS256"
            else ec.generate_private_key(ec.SECP256R1())
        )
        self.private[kid] = private
        told = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
        self.told.append({**told, "kid": kid, "use": "sig", "alg": algorithm, **fields})

    def token(self, key: str, algorithm: str, claims: dict[str, Any], *, kid: str | None = None) -> str:
        """Signed with the key of that name; another name may be claimed."""
        return jwt.encode(claims, self.private[key], algorithm=algorithm, headers={"kid": kid or key})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.silent:
                await reader.read()
            body = json.dumps({"keys": self.told}).encode() if self.document is None else self.document
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    issuer = Issuer()
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield issuer
