"""What a command or a request is answered with. The body of a REST response is the `result` of `accepted`."""

from msgspec import Struct

from protocol import commands as say
from protocol.events import Pong, Welcome
from protocol.ids import MessageId, SessionId
from protocol.model import Media, Message, Moment, Reply, SeenDevice, Session


class Nothing(Struct, frozen=True):
    """Done; there is nothing to tell."""


class Sent(Struct, frozen=True, rename="camel"):
    """The receipt of a send, the same each time it is repeated: its ids, its place and its number."""

    session: SessionId
    message: MessageId
    reply: MessageId
    position: int
    seq: int


class SessionPage(Struct, frozen=True, rename="camel"):
    """Sessions, the latest first; `cursor` asks for the page after (None: there is no more)."""

    sessions: list[Session]
    cursor: str | None


class MessagePage(Struct, frozen=True, rename="camel"):
    """Messages in order of position; `before` asks for the page before, `after` for the page after (None: no more).

    `replies` holds what is written so far of those that are pending.
    """

    session: Session
    messages: list[Message]
    replies: list[Reply]
    before: str | None
    after: str | None


class SearchHit(Struct, frozen=True, rename="camel"):
    """A session that matches; `message` is its best and latest message that does, None when only the title does."""

    session: Session
    message: MessageId | None
    excerpt: str


class SearchPage(Struct, frozen=True, rename="camel"):
    """The best and latest first; `cursor` asks for the page after (None: there is no more).

    `similar`: nothing has the very words; these were looked for instead, as likely meant.
    """

    hits: list[SearchHit]
    cursor: str | None
    similar: list[str] = []


class DeviceList(Struct, frozen=True, rename="camel"):
    """The user's devices, the last seen first; so many as are kept."""

    devices: list[SeenDevice]


class MediaPage(Struct, frozen=True, rename="camel"):
    """Files, the latest first; `cursor` asks for the page after (None: there is no more)."""

    media: list[Media]
    cursor: str | None


class MediaLinks(Struct, frozen=True, rename="camel"):
    """Addresses that open one file to whoever has them, without a token, until `expires_at`.

    A sound has no `thumbnail_url`.
    """

    url: str
    thumbnail_url: str | None
    expires_at: Moment


class Transcript(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is said in a recording, as a program has heard it: it can be wrong. `language` where that was told."""

    text: str
    language: str | None = None


class DevToken(Struct, frozen=True, rename="camel"):
    """A token of the development sign-in; it lives for `expires_in` seconds."""

    token: str
    expires_in: int


Answer = Nothing | Sent | Session | Message | SessionPage | MessagePage | SearchPage

ANSWERS: dict[type[Struct], type[Answer | Welcome | Pong]] = {
    say.Hello: Welcome,
    say.AuthRefresh: Nothing,
    say.SessionCreate: Session,
    say.SessionUpdate: Session,
    say.SessionDelete: Session,
    say.SessionRestore: Session,
    say.SessionList: SessionPage,
    say.SessionSearch: SearchPage,
    say.SessionOpen: MessagePage,
    say.SessionClose: Nothing,
    say.MessageList: MessagePage,
    say.MessageSend: Sent,
    say.MessageEdit: Message,
    say.MessageDelete: Message,
    say.ReplyStop: Message,
    say.ReplyRetry: Message,
    say.TypingSet: Nothing,
    say.ReadMark: Session,
    say.Ping: Pong,
}
"""What each command is answered with: the `result` of `accepted`, or an event of its own."""
