"""The one place where the environment is read. Every bad value is reported at once, by name."""

import ipaddress
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from server import key_ring
from server.errors import StartupError
from server.settings import (
    IN_WORDS,
    PAGE,
    POSTGRES_SCHEMES,
    REDIS_SCHEMES,
    Addresses,
    LimitSettings,
    MediaSettings,
    Origins,
    Roles,
    Settings,
    TurnSettings,
    is_loopback,
)

_SECRETS = {
    "database_url",
    "replica_urls",
    "redis_url",
    "encryption_keys",
    "jwt_secret",
    "openai_api_key",
}  # these may also be in a file named by `…_FILE`; their values are never shown
_GROUPS: dict[str, tuple[type[Struct], str]] = {
    "turns": (TurnSettings, "TUTORHUB_TURN_"),
    "limits": (LimitSettings, "TUTORHUB_LIMIT_"),
    "media": (MediaSettings, "TUTORHUB_MEDIA_"),
}
"""Settings that have a struct of their own, and a prefix."""
_OF_CHAT = {"TUTORHUB_URL", "TUTORHUB_TOKEN"}
"""Read by the terminal chat."""
BUILT_HERE = Path(__file__).parents[1] / "web" / "dist"
"""Where `make start` builds the web client."""
_WITHOUT_PREFIX = {"database_url", "redis_url", "openai_base_url", "openai_api_key", "openai_model"}


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """What the environment asks for; an empty variable is as good as none.

    Raises StartupError with a line for each bad variable.
    """
    reading = _Reading(environ)
    groups: dict[str, Any] = {name: kind(**reading.values(kind, prefix)) for name, (kind, prefix) in _GROUPS.items()}
    found = reading.values(Settings, "TUTORHUB_")
    if "data_dir" not in found:
        found["data_dir"] = reading.home()
    if "web_dir" not in found and (BUILT_HERE / PAGE).is_file():
        found["web_dir"] = BUILT_HERE
    settings = Settings(**found, **groups)
    if problems := [*reading.problems, *_problems(settings, environ)]:
        raise StartupError("\n".join(problems))
    return settings


def _problems(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong though each value by itself may be right."""
    ours = {name for name, text in environ.items() if name.startswith("TUTORHUB_") and text.strip()}
    for unknown in sorted(ours - _names()):
        near = get_close_matches(unknown, _names(), n=1, cutoff=0.85)
        yield f"{unknown}: there is no such setting{f': {near[0]} may be meant' if near else ''}"
    if settings.turns.lease < 2 * settings.turns.keep_every:
        yield (
            "TUTORHUB_TURN_LEASE: would run out before it is renewed: expected at least twice"
            f" TUTORHUB_TURN_KEEP_EVERY, which is {settings.turns.keep_every:g}"
        )
    if settings.dev_sign_in and not is_loopback(settings.host):
        yield (
            "TUTORHUB_DEV_SIGN_IN: lets anybody be anybody, so it is for this machine only:"
            f" TUTORHUB_HOST would be 127.0.0.1 and not {settings.host}"
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        missing = "TUTORHUB_TLS_KEY" if settings.tls_key is None else "TUTORHUB_TLS_CERT"
        yield f"{missing}: is needed too: a certificate is of no use without its key"
    yield from _wrong_with_servers(settings)
    for address in settings.trusted_proxies:
        if wrong := _wrong_with_network(address):
            yield f"TUTORHUB_TRUSTED_PROXIES: {wrong}"
    if settings.encryption_keys and (wrong := _wrong_with_keys(settings.encryption_keys)):
        yield f"TUTORHUB_ENCRYPTION_KEYS: {wrong}"
    if environ.get("WEB_CONCURRENCY", "").strip() not in {"", "0", "1"}:
        yield (
            "WEB_CONCURRENCY: a process is one instance, and has no workers."
            " Start several instances instead, each on a port of its own, with one TUTORHUB_REDIS_URL"
        )


def _wrong_with_servers(settings: Settings) -> Iterator[str]:
    if settings.replica_urls and not settings.database_url:
        yield "TUTORHUB_REPLICA_URLS: copies of which database? TUTORHUB_DATABASE_URL is needed too"
    if any(not url.startswith(POSTGRES_SCHEMES) for url in (settings.replica_urls or "").split()):
        yield "TUTORHUB_REPLICA_URLS: expected postgresql://HOST/DATABASE, and a space between two of them"
    if settings.redis_url and not _names_a_redis(settings.redis_url):
        yield "TUTORHUB_REDIS_URL: expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH"


def _names() -> set[str]:
    """Of all variables that begin with TUTORHUB_."""
    ours = {f"TUTORHUB_{field.name.upper()}" for field in fields(Settings) if field.name not in _GROUPS}
    groups = {f"{prefix}{field.name.upper()}" for kind, prefix in _GROUPS.values() for field in fields(kind)}
    files = {f"TUTORHUB_{name.upper()}_FILE" for name in _SECRETS}
    return ours | groups | files | _OF_CHAT


def _names_a_redis(url: str) -> bool:
    """Whether it could be; the client library looks closer."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return bool(parts.path.strip("/"))
        return parts.scheme in REDIS_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _wrong_with_network(text: str) -> str:
    """Empty: it is an address or a network."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        return str(error)
    return ""


def _wrong_with_keys(text: str) -> str:
    """Empty: it is a key ring."""
    try:
        key_ring.parsed(text)
    except ValueError as error:
        return str(error)
    return ""


def secret(settings: Settings) -> str:
    """The key that signs tokens: the one that was set, else one of our own, made once and kept in the data folder."""
    if settings.jwt_secret:
        return settings.jwt_secret
    kept = settings.data_dir / "jwt-secret"
    try:
        settings.data_dir.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError), tempfile.NamedTemporaryFile("w", dir=settings.data_dir) as fresh:
            if not kept.exists():
                fresh.write(secrets.token_urlsafe(48))
                fresh.flush()
                os.link(fresh.name, kept)  # whole or not at all, and never over another's
        return kept.read_text().strip()
    except OSError as error:
        raise StartupError(
            f"The key for tokens cannot be kept in {kept}: {error.strerror}. Set TUTORHUB_JWT_SECRET."
        ) from error


class _Reading:
    """One reading of the environment; collects what is wrong with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def values(self, kind: type[Struct], prefix: str) -> dict[str, Any]:
        """The fields of a struct that are set, and are right."""
        return dict(
            value for field in fields(kind) if field.name not in _GROUPS for value in self._value(field, prefix)
        )

    def home(self) -> Path:
        """Where the data of this user belong."""
        if os.geteuid() == 0:
            return Path("/var/lib/tutorhub/data")
        home = Path(self.environ.get("HOME") or "~")
        try:
            return Path(self.environ.get("XDG_DATA_HOME") or home / ".local/share").expanduser().absolute() / "tutorhub"
        except RuntimeError:
            self.problems.append("TUTORHUB_DATA_DIR: is needed, this user has no home folder")
            return Path()

    def _value(self, field: FieldInfo, prefix: str) -> Iterator[tuple[str, Any]]:
        variable, text = self._text(field.name, prefix)
        if text:
            given: object = text
            if field.type is Roles:
                given = ",".join(sorted({role.strip() for role in text.split(",")}))  # in any order
            elif field.type in (Origins, Addresses):
                given = [each.strip().removesuffix("/") for each in text.split(",")]
            try:
                yield field.name, msgspec.convert(given, field.type, strict=False, dec_hook=_path)
            except msgspec.ValidationError as error:
                shown = "" if field.name in _SECRETS else f" (it is {text!r})"
                self.problems.append(f"{variable}: {_in_plain_words(str(error), field)}{shown}")

    def _text(self, name: str, prefix: str) -> tuple[str, str]:
        """The variable that a setting comes from, and its text."""
        prefixes = [prefix, ""] if name in _WITHOUT_PREFIX else [prefix]
        for variable in [prefix + name.upper() for prefix in prefixes]:
            if text := self.environ.get(variable, "").strip():
                return variable, text
            if name in _SECRETS and (file := self.environ.get(f"{variable}_FILE")):
                return f"{variable}_FILE", self._secret_in(f"{variable}_FILE", Path(file))
        return prefix + name.upper(), ""

    def _secret_in(self, variable: str, file: Path) -> str:
        try:
            found = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{variable}: {file} cannot be read: {error}")
            return ""
        if not found:
            self.problems.append(f"{variable}: {file} is empty")
        return found


def _in_plain_words(problem: str, field: FieldInfo) -> str:
    words = {
        ", got `str`": "",
        "Number out of range": "expected a smaller number",
        "`int`": "a whole number",
        "`float`": "a number",
        "`bool`": "true or false",
        "`str`": "text",
        **{f"matching regex {pattern!r}": words for pattern, words in IN_WORDS.items()},
    }
    for word, plain in words.items():
        problem = problem.replace(word, plain)
    problem = problem.partition(" - at ")[0]
    if problem.startswith("Invalid enum value"):
        return f"expected {' or '.join(get_args(field.type))}"
    return problem.replace("Expected", "expected")


def _path(kind: type, text: str) -> Path:
    if kind is not Path:
        raise NotImplementedError(kind)
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # a home folder of nobody
        raise ValueError("expected a folder or a file") from error
