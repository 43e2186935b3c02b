import base64
import hashlib
import hmac
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from server.edge.identity import Identity, Verifier, bearer, mint, verifier
from server.errors import StartupError, Unauthenticated
from server.settings import Settings

SECRET = "a secret that is long enough for HS256, and then some"
NOW = 1_700_000_000.0
CLAIMS: dict[str, Any] = {"sub": "mira", "exp": NOW + 60, "iat": NOW, "jti": "t1"}


def checks(**options: Any) -> Verifier:
    return Verifier(secret=SECRET, now=lambda: NOW, **options)


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: Any = CLAIMS, header: Any = None, secret: bytes = SECRET.encode(), digest: str = "sha256") -> str:
    """A token with a right signature whatever it says; text is taken as the JSON itself."""
    head = {"alg": "HS256", "typ": "JWT"} if header is None else header
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (head, claims)]
    said = ".".join(segment(part.encode()) for part in parts)
    return f"{said}.{segment(hmac.digest(secret, said.encode(), digest))}"


def but(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}


async def refused(token: str, checker: Verifier | None = None) -> None:
    with pytest.raises(Unauthenticated) as answer:
        await (checker or checks()).verify(token)
    assert answer.value.problem() == Unauthenticated().problem()


async def test_a_good_token_says_who_is_calling_and_until_when() -> None:
    assert await checks().verify(signed()) == Identity("mira", NOW + 60, "t1", NOW)  # type: ignore[arg-type]


async def test_a_token_needs_no_more_than_a_user_and_an_end() -> None:
    identity = await checks().verify(signed({"sub": "Zoë 🦊", "exp": NOW + 1}))
    assert identity == Identity("Zoë 🦊", NOW + 1, None)  # type: ignore[arg-type]


async def test_a_minted_token_is_good_for_as_long_as_was_said() -> None:
    token = mint(SECRET, "mira", lifetime=60, now=lambda: NOW)
    identity = await checks().verify(token)
    assert (identity.user, identity.expires_at) == ("mira", NOW + 60)
    assert identity.token_id
    await refused(token, Verifier(secret=SECRET, now=lambda: NOW + 60))
    assert (await Verifier(secret=SECRET).verify(mint(SECRET, "mira"))).expires_at > time.time() + 43_000


async def test_each_minted_token_has_its_own_id() -> None:
    assert len({(await checks().verify(mint(SECRET, "mira", now=lambda: NOW))).token_id for _ in range(9)}) == 9


HOSTILE = {
    "alg none": jwt.encode(CLAIMS, "", algorithm="none"),
    "alg None with a signature": signed(header={"alg": "None"}),
    "HS512": signed(header={"alg": "HS512"}, digest="sha512"),
    "HS384 said, HS256 signed": signed(header={"alg": "HS384"}),
    "RS256 without a key set": signed(header={"alg": "RS256"}),
    "no alg": signed(header={"typ": "JWT"}),
    "alg is a list": signed(header={"alg": ["HS256"]}),
    "header is a list": signed(header=["alg", "HS256"]),
    "header is deep": signed(header="[" * 9_000),
    "header is no UTF-8": f"{segment(bytes([0xFF, 0xFE]))}.e30.c2ln",
    "wrongly signed": signed(secret=b"another secret that is long enough for HS256"),
    "unsigned": signed().rpartition(".")[0] + ".",
    "signature of another": signed().rpartition(".")[0] + "." + signed(but(sub="ada")).rpartition(".")[2],
    "expired": signed(but(exp=NOW)),
    "no exp": signed(but(exp=...)),
    "exp is null": signed(but(exp=None)),
    "exp is text": signed(but(exp=str(NOW + 60))),
    "exp is true": signed(but(exp=True)),
    "exp 1e400": signed('{"sub": "mira", "exp": 1e400}'),
    "exp of 400 digits": signed('{"sub": "mira", "exp": 1' + "0" * 400 + "}"),
    "exp NaN": signed('{"sub": "mira", "exp": NaN}'),
    "exp Infinity": signed('{"sub": "mira", "exp": Infinity}'),
    "exp after all calendars": signed(but(exp=1e300)),
    "made in 300 s": signed(but(iat=NOW + 300)),
    "iat is text": signed(but(iat=str(NOW))),
    "iat is true": signed(but(iat=True)),
    "nbf in 300 s": signed(but(nbf=NOW + 300)),
    "nbf is a list": signed(but(nbf=[NOW])),
    "no sub": signed(but(sub=...)),
    "sub is empty": signed(but(sub="")),
    "sub of 256 letters": signed(but(sub="x" * 256)),
    "sub is a number": signed(but(sub=7)),
    "sub with NUL": signed(but(sub="mi\0ra")),
    "sub with a line break": signed(but(sub="mira\nada")),
    "sub with half a pair": signed('{"sub": "\\ud800", "exp": 1700000060}'),
    "jti is a number": signed(but(jti=7)),
    "jti is null": signed(but(jti=None)),
    "unknown crit": signed(header={"alg": "HS256", "crit": ["x"], "x": 1}),
    "empty crit": signed(header={"alg": "HS256", "crit": []}),
    "b64 false": signed(header={"alg": "HS256", "b64": False, "crit": ["b64"]}),
    "b64 true, and critical": signed(header={"alg": "HS256", "b64": True, "crit": ["b64"]}),
    "kid is a number": signed(header={"alg": "HS256", "kid": 7}),
    "kid is a path, wrongly signed": signed(header={"alg": "HS256", "kid": "../../dev/null"}, secret=b""),
    "claims are a list": signed([1]),
    "claims are deep": signed("[" * 9_000),
    "claims are nothing": signed(""),
    "1 MB": signed(but(x="x" * 2**20)),
    "1 MB of nothing": "x" * 2**20,
    "four segments": signed() + ".x",
    "two segments": "a.b",
    "five segments (encrypted)": "a.b.c.d.e",
    "empty": "",
    "dots": "..",
    "not ASCII": signed().replace(".", "\uff0e"),
    "ASCII with NUL": signed() + "\0",
    "half a pair": "\ud800..",
    "a space": " " + signed(),
    "line break": signed() + "\n",
    "junk in base64": signed().replace(".", "!.", 1),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused_like_any_other(name: str) -> None:
    await refused(HOSTILE[name])


@given(st.text(max_size=60) | st.text("abcXYZ019-_.=", max_size=60))
async def test_any_text_is_a_refusal_and_nothing_else(token: str) -> None:
    await refused(token)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CLAIMS, "aud"]), inner, max_size=4)
        ),
        max_leaves=6,
    ),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "typ", "b64"]), st.none() | st.text(max_size=5) | st.integers()
    ),
)
async def test_any_claims_and_header_are_an_identity_or_a_refusal(claims: Any, header: dict[str, Any]) -> None:
    with suppress(Unauthenticated):
        await checks(audience="x").verify(signed(claims, {"alg": "HS256", **header}))


async def test_clocks_may_differ_by_half_a_minute_for_the_beginning_but_not_for_the_end() -> None:
    await checks().verify(signed(but(iat=NOW + 29, nbf=NOW + 29)))
    await refused(signed(but(exp=NOW - 1)))


async def test_a_path_as_kid_is_never_looked_up() -> None:
    assert (await checks().verify(signed(header={"alg": "HS256", "kid": "../../dev/null"}))).user == "mira"


@pytest.mark.parametrize("said", ["hub", ["api", "hub"]])
async def test_issuer_and_audience_are_checked_when_they_are_configured(said: Any) -> None:
    checker = checks(issuer="https://id", audience="hub")
    assert (await checker.verify(signed(but(iss="https://id", aud=said)))).user == "mira"
    for wrong in (
        but(iss="https://id"),
        but(aud=said),
        but(iss="https://id", aud="api"),
        but(iss="https://id", aud=[]),
        but(iss="https://id", aud=["api"]),
        but(iss="https://id", aud=7),
        but(iss="https://id/", aud=said),
        but(iss=["https://id"], aud=said),
        but(iss=None, aud=said),
    ):
        await refused(signed(wrong), checker)
    assert (await checks().verify(signed(but(aud=said)))).user == "mira"


async def test_a_public_key_is_no_secret() -> None:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    await refused(signed(secret=public))
    with pytest.raises(StartupError):
        Verifier(secret=public.decode())


def test_a_weak_secret_or_none_does_not_start() -> None:
    for secret in ("", "x" * 31, None):
        with pytest.raises(StartupError):
            Verifier(secret=secret)
    with pytest.raises(StartupError):
        mint("x" * 31, "mira")
    Verifier(secret="x" * 32)


def test_the_settings_make_a_verifier() -> None:
    verifier(Settings(data_dir=Path(), jwt_secret=SECRET, jwks_url="https://id.example/jwks.json"))
    with pytest.raises(StartupError):
        verifier(Settings(data_dir=Path()))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER   a.b.c ", "a.b.c"),
        ("Basic a.b.c", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearera.b.c", None),
        ("", None),
        (None, None),
    ],
)
def test_a_bearer_header_is_read_as_the_standard_says(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def test_the_signature_of_the_tests_is_the_real_one() -> None:
    assert jwt.decode(signed(but(exp=time.time() + 60, iat=0)), SECRET, algorithms=["HS256"])["sub"] == "mira"
    assert hashlib.sha256().digest_size == 32
