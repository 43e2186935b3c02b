import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import HMACAlgorithm

from server.edge import key_set
from server.edge.identity import Verifier
from server.edge.key_set import KeySet
from server.errors import StartupError, Unauthenticated, Unavailable
from tests.edge.issuer import Issuer, issuing

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

CLAIMS = {"sub": "mira", "exp": 2_000.0}


class Clock:
    """Stands still unless told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as issuer:
        issuer.add("r1", "RS256")
        issuer.add("e1", "ES256")
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checker(issuer: Issuer, clock: Clock) -> Verifier:
    return Verifier(keys=KeySet(issuer.url, clock), now=lambda: 1_000.0)


@pytest.mark.parametrize(("kid", "algorithm"), [("r1", "RS256"), ("e1", "ES256")])
async def test_a_token_of_the_issuer_is_good(issuer: Issuer, checker: Verifier, kid: str, algorithm: str) -> None:
    assert (await checker.verify(issuer.token(kid, algorithm, CLAIMS))).user == "mira"
    assert (await checker.verify(jwt.encode(CLAIMS, issuer.private[kid], algorithm))).user == "mira"
    assert issuer.asked == 1


async def test_tokens_of_others_are_refused(issuer: Issuer, checker: Verifier) -> None:
    async with issuing() as other:
        other.add("r1", "RS256")
        other.add("e1", "ES256")
        tokens = [other.token("r1", "RS256", CLAIMS), other.token("e1", "ES256", CLAIMS)]
    tokens.append(issuer.token("r1", "RS256", CLAIMS, kid="e1"))
    tokens.append(issuer.token("e1", "ES256", CLAIMS, kid="r1"))
    tokens.append(issuer.token("r1", "RS512", CLAIMS))
    tokens.append(issuer.token("r1", "PS256", CLAIMS))
    for token in tokens:
        with pytest.raises(Unauthenticated):
            await checker.verify(token)


async def test_a_public_key_does_not_sign_as_a_secret(issuer: Issuer, clock: Clock) -> None:
    public = issuer.private["r1"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = jwt.api_jws.PyJWS()
    signed.unregister_algorithm("HS256")
    signed.register_algorithm("HS256", Careless(HMACAlgorithm.SHA256))
    token = signed.encode(json.dumps(CLAIMS).encode(), pem, "HS256", {"kid": "r1"})
    both = Verifier(keys=KeySet(issuer.url, clock), secret="x" * 32, now=lambda: 1_000.0)
    for checker in (Verifier(keys=KeySet(issuer.url, clock), now=lambda: 1_000.0), both):
        with pytest.raises(Unauthenticated):
            await checker.verify(token)
    assert issuer.asked == 0


class Careless(HMACAlgorithm):
    """Signs with anything."""

    @override
    def prepare_key(self, key: Any) -> bytes:
        return bytes(key)


async def test_keys_are_kept_for_five_minutes(issuer: Issuer, checker: Verifier, clock: Clock) -> None:
    token = issuer.token("r1", "RS256", CLAIMS)
    await checker.verify(token)
    clock.now += 299
    await checker.verify(token)
    assert issuer.asked == 1
    clock.now += 1
    await checker.verify(token)
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_soon_good_no_more(issuer: Issuer, checker: Verifier, clock: Clock) -> None:
    token = issuer.token("r1", "RS256", CLAIMS)
    await checker.verify(token)
    issuer.told.clear()
    clock.now += 300
    with pytest.raises(Unauthenticated):
        await checker.verify(token)


async def test_a_new_key_is_asked_for_but_not_more_than_twice_a_minute(
    issuer: Issuer, checker: Verifier, clock: Clock
) -> None:
    await checker.verify(issuer.token("r1", "RS256", CLAIMS))
    issuer.add("r2", "RS256")
    new = issuer.token("r2", "RS256", CLAIMS)
    clock.now += 29
    with pytest.raises(Unauthenticated):
        await checker.verify(new)
    assert issuer.asked == 1
    clock.now += 1
    assert (await checker.verify(new)).user == "mira"
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await checker.verify(issuer.token("r1", "RS256", CLAIMS, kid="../../dev/null"))
    assert issuer.asked == 2


async def test_many_callers_share_one_fetch_and_its_outcome(issuer: Issuer, checker: Verifier) -> None:
    token = issuer.token("e1", "ES256", CLAIMS)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(checker.verify(token))
    assert issuer.asked == 1


async def test_callers_who_wait_for_a_failing_fetch_do_not_each_try_again(issuer: Issuer, checker: Verifier) -> None:
    issuer.status = "500 Oops"
    token = issuer.token("e1", "ES256", CLAIMS)

    async def ask() -> None:
        with pytest.raises(Unavailable):
            await checker.verify(token)

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(ask())
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "document",
    [b"", b"no", b"[]", b"{}", b'{"keys": 7}', b"[" * 200_000, b'{"keys": []}' + b" " * 300_000, b'{"keys": "\xff"}'],
)
async def test_an_issuer_that_talks_nonsense_is_unavailable(issuer: Issuer, checker: Verifier, document: bytes) -> None:
    issuer.document = document
    with pytest.raises(Unavailable):
        await checker.verify(issuer.token("r1", "RS256", CLAIMS))


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found", "302 Found"])
async def test_an_issuer_that_refuses_is_unavailable_and_then_is_back(
    issuer: Issuer, checker: Verifier, status: str
) -> None:
    token = issuer.token("r1", "RS256", CLAIMS)
    issuer.status = status
    with pytest.raises(Unavailable):
        await checker.verify(token)
    issuer.status = "200 OK"
    assert (await checker.verify(token)).user == "mira"


async def test_a_silent_issuer_is_unavailable_in_time(
    issuer: Issuer, checker: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_set, "FETCH", 0.2)
    issuer.silent = True
    with pytest.raises(Unavailable):
        async with asyncio.timeout(2):
            await checker.verify(issuer.token("r1", "RS256", CLAIMS))


async def test_an_issuer_that_is_not_there_is_unavailable(issuer: Issuer, clock: Clock) -> None:
    async with issuing() as gone:
        pass
    with pytest.raises(Unavailable):
        await Verifier(keys=KeySet(gone.url, clock)).verify(issuer.token("r1", "RS256", CLAIMS))


async def test_keys_that_do_not_fit_are_not_used_and_do_not_hide_the_others(issuer: Issuer, checker: Verifier) -> None:
    issuer.add("weak", "RS256", bits=1_024)
    issuer.add("encrypts", "RS256", use="enc")
    issuer.add("misnamed", "ES256", alg="RS256")
    issuer.told += [{"kty": "oct", "kid": "secret", "k": "AAAA"}, {"kty": 7}, {"kty": "RSA", "kid": "no"}, {}]
    good = issuer.told.pop(0)
    issuer.told.append(good)
    assert (await checker.verify(issuer.token("r1", "RS256", CLAIMS))).user == "mira"
    for kid, algorithm in (("encrypts", "RS256"), ("misnamed", "ES256")):
        with pytest.raises(Unauthenticated):
            await checker.verify(issuer.token(kid, algorithm, CLAIMS))
    keys = key_set.read(json.dumps({"keys": issuer.told}).encode())
    assert sorted(str(name) for name, _ in keys) == ["e1", "r1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/jwks",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "jwks.json",
        "",
        "https://",
        "https://[",
        "http://127.0.0.1:99999/",
    ],
)
def test_keys_come_over_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(StartupError):
        KeySet(url)
