"""A reply while it is written: text in, events out. No I/O, no clock."""

from protocol.events import ReplySnapshot, TokenAdded
from protocol.ids import MessageId


class ReplyWriter:
    """One attempt at a reply.

    It goes on from what has `begun`, which counts as its first piece. What is `added` waits until it is `told`, as one
    piece; only what was told counts as written, so that a checkpoint never holds what no device could have seen.
    """

    def __init__(self, message: MessageId, attempt: int, limit: int, begun: str = "") -> None:
        self.message = message
        self.attempt = attempt
        self.chunks = 1 if begun else 0
        self.full = False
        self._room = max(0, limit - len(begun.encode()))
        self._told = [begun] if begun else []
        self._waiting: list[str] = []

    @property
    def text(self) -> str:
        """What was told."""
        if len(self._told) > 1:
            self._told = ["".join(self._told)]
        return self._told[0] if self._told else ""

    def begin(self) -> ReplySnapshot:
        """The event that begins the attempt: whatever was shown of the reply is replaced by what it goes on from."""
        return ReplySnapshot(message=self.message, attempt=self.attempt, next=self.chunks, text=self.text)

    def add(self, text: str) -> None:
        """Some more text. Over the limit it is cut, at a letter, and the reply is `full`."""
        data = text.encode()
        if len(data) > self._room:
            text = data[: self._room].decode(errors="ignore")
            self.full = True
            data = text.encode()
        self._room -= len(data)
        if text:
            self._waiting.append(text)

    def tell(self) -> TokenAdded | None:
        """What waits, as the next piece; None when nothing waits."""
        if not self._waiting:
            return None
        text = "".join(self._waiting)
        self._waiting.clear()
        self._told.append(text)
        self.chunks += 1
        return TokenAdded(
            message=self.message, attempt=self.attempt, chunk=self.chunks - 1, next=self.chunks, text=text
        )
