"""The seam between the instances: how they hear each other."""

from collections.abc import Mapping
from typing import Protocol

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.fanout.frames import Frame


class Ears(Protocol):
    """What an instance does with what it hears of the others. Nothing of it waits."""

    def hear(self, user: UserId, origin: str, told: Frame) -> None:
        """Another instance has told the user's devices of a change, whose number is one of `origin`."""
        ...

    def hear_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        """Another instance has told this to the user's devices; it is not kept."""
        ...

    def hear_stop(self, user: UserId, message: MessageId) -> None:
        """Somebody asks whoever writes this reply to stop."""
        ...

    def hear_wake(self, user: UserId, session: SessionId) -> None:
        """A reply of this session may be waiting for somebody to write it."""
        ...

    def hearing(self, *, well: bool) -> None:
        """Whether the others are heard has changed. With `well` again, anything may have been missed."""
        ...


class Broker(Protocol):
    """Carries a copy of what is told to the other instances. A doorbell: nothing is true because of it.

    Only `listen` and `draft` wait, and for a bounded time.
    """

    @property
    def well(self) -> bool:
        """Whether the others are heard, as far as is known."""
        ...

    @property
    def subscriptions(self) -> int:
        """How many users are listened to."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What it has carried and dropped since the start, for operators."""
        ...

    async def run(self, ears: Ears) -> None:
        """For ever: be connected, and hand over what is heard."""
        ...

    def tell(self, user: UserId, origin: str, told: Frame) -> None:
        """Hand over the frame of a change, whose number is one of `origin`. It may be lost."""
        ...

    def tell_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        """Hand over a live frame. It may be lost.

        The text of a reply in it is kept as the draft of its attempt, before anybody hears of it.
        """
        ...

    def stop(self, user: UserId, message: MessageId) -> None:
        """Ask whoever writes this reply to stop."""
        ...

    def wake(self, user: UserId, session: SessionId) -> None:
        """Ask whoever writes replies to look at this session."""
        ...

    async def listen(self, user: UserId) -> None:
        """Returns once everything about the user is heard from now on, or when nothing is heard for the time being."""
        ...

    def leave(self, user: UserId) -> None:
        """The user is of no interest any more."""
        ...

    async def erase(self, user: UserId) -> None:
        """Nothing is kept of what was told to the user. Raises Unavailable where that cannot be done now."""
        ...

    async def draft(self, user: UserId, message: MessageId, attempt: int) -> Reply | None:
        """What an attempt has told so far, up to the first piece that was lost. None: nothing is known."""
        ...
