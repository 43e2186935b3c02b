"""What a request carries: the bodies and the parameters of the REST endpoints. Unknown fields are refused."""

from typing import Annotated

from msgspec import Meta, Struct

from protocol.commands import DEFAULT_PAGE, PageCursor, PageSize, Query
from protocol.ids import MessageId, SessionId
from protocol.model import Content, Language, Metadata, Mode, Seq, Title


class _Body(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    pass


class NewSession(_Body, frozen=True):
    """Without an id the Idempotency-Key is it; without that, a fresh one."""

    id: SessionId | None = None
    title: Title | None = None
    mode: Mode = "fun"
    language: Language = "en"


class SessionChange(_Body, frozen=True):
    """What is left out stays."""

    title: Title | None = None
    mode: Mode | None = None
    language: Language | None = None


class NewMessage(_Body, frozen=True):
    """Without an id the Idempotency-Key is it; without that, a fresh one."""

    content: Content
    id: MessageId | None = None
    metadata: Metadata | None = None


class MessageChange(_Body, frozen=True):
    content: Content


class SignIn(_Body, frozen=True):
    """The development sign-in."""

    user: Annotated[str, Meta(min_length=1, max_length=255, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]+$(?!\\n)")]


class SignOut(_Body, frozen=True):
    """The token of this request, and the sockets that it let in; `everywhere`: all tokens issued until now."""

    everywhere: bool = False


class NoQuery(_Body, frozen=True):
    """No parameters."""


class PageQuery(_Body, frozen=True):
    before: PageCursor | None = None
    limit: PageSize = DEFAULT_PAGE


class SearchQuery(_Body, frozen=True):
    q: Query
    before: PageCursor | None = None
    limit: PageSize = DEFAULT_PAGE


class MessageQuery(_Body, frozen=True):
    """At most one of `before`, `after`, `around`; none: the last page."""

    before: PageCursor | None = None
    after: PageCursor | None = None
    around: MessageId | None = None
    limit: PageSize = DEFAULT_PAGE


class ChangesQuery(_Body, frozen=True):
    """Both or none: the cursor of a device."""

    since: Seq | None = None
    epoch: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
