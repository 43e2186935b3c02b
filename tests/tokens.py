"""Tokens for tests, good ones and all kinds of others, made by hand: a library refuses to write what is wrong."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

from tests.hub import SECRET

GOOD = {"alg": "HS256", "typ": "JWT"}
A_DAY = 86_400
"""Seconds: some tokens are made when the tests are collected, and used when many others have run."""


def signed(
    claims: dict[str, Any] | str, header: dict[str, Any] = GOOD, *, key: str = SECRET, digest: str = "sha256"
) -> str:
    """A token whose signature is right. Claims that are a dict are added to those of a good token, but for None."""
    if isinstance(claims, dict):
        whole = {"sub": "mallory", "exp": time.time() + A_DAY} | claims
        claims = json.dumps({name: value for name, value in whole.items() if value is not None})
    content = f"{_part(json.dumps(header).encode())}.{_part(claims.encode())}"
    return f"{content}.{_part(hmac.digest(key.encode(), content.encode(), digest))}"


def bad_tokens() -> dict[str, str]:
    """Names and tokens, none of which may be believed."""
    right = signed({})
    head, body, signature = right.split(".")
    bystander = signed({"sub": "bystander"}).split(".")[1]

    def with_header(header: dict[str, Any], signature: str) -> str:
        return f"{_part(json.dumps(header).encode())}.{bystander}.{signature}"

    return {
        "no token at all": "x",
        "four parts": right + ".x",
        "two parts": f"{head}.{body}",
        "no signature": f"{head}.{body}.",
        "another's signature": signed({}, key="another secret, also long enough to be one"),
        "half a signature": f"{head}.{body}.{signature[:20]}",
        "other claims": f"{head}.{bystander}.{signature}",
        "no algorithm": with_header({"alg": "none"}, ""),
        "no algorithm, in capitals": with_header({"alg": "NONE"}, ""),
        "no algorithm, but a signature": with_header({"alg": "none"}, signature),
        "no header": with_header({}, signature),
        "a list of algorithms": with_header({"alg": ["none", "HS256"]}, signature),
        "HS512, signed well": signed({}, {"alg": "HS512"}, digest="sha512"),
        "RS256, signed with our secret": signed({}, {"alg": "RS256"}),
        "an extension it does not know": signed({}, GOOD | {"crit": ["x"], "x": 1}),
        "a key from a file": signed({}, GOOD | {"kid": "../../dev/null"}, key="\x00"),
        "claims that are a list": signed("[]"),
        "deep claims": signed('{"sub":' + "[" * 4_000 + "]" * 4_000 + "}"),
        "a long one": f"{head}.{'A' * 16_000}.{signature}",
        **_with_bad_claims(),
    }


def _with_bad_claims() -> dict[str, str]:
    """Well signed, and not to be believed all the same."""
    return {
        "expired": signed({"exp": time.time() - 1}),
        "expired long ago": signed({"exp": 1}),
        "an expiry that is a text": signed({"exp": "9999999999"}),
        "an expiry beyond numbers": signed('{"sub":"mallory","exp":1e400}'),
        "an expiry of many digits": signed('{"sub":"mallory","exp":' + "9" * 5_000 + "}"),
        "an expiry that is no number": signed('{"sub":"mallory","exp":NaN}'),
        "no expiry": signed({"exp": None}),
        "made in the future": signed({"iat": time.time() + 86_400}),
        "not yet": signed({"nbf": time.time() + 86_400}),
        "no user": signed({"sub": None}),
        "nobody": signed({"sub": ""}),
        "a number for a user": signed({"sub": 7}),
        "a user with NUL": signed({"sub": "mal\x00lory"}),
        "a user with a line break": signed({"sub": "mal\r\nlory"}),
        "half a pair for a user": signed('{"sub":"\\ud800","exp":9999999999}'),
        "a long user": signed({"sub": "m" * 256}),
    }


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
