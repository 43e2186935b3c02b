"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as we read them: data.

No I/O: bytes in, the data of each whole event out. What a stream ends with and no blank line follows is none.
"""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TooLong(Exception):
    """An event beyond the limit."""


class EventReader:
    """Holds so many bytes of an event that is not whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = bytearray()
        self._after_return = False
        self._mark = BYTE_ORDER_MARK
        """What the next event may begin with, and is none of it: the first."""

    def read(self, data: bytes) -> list[bytes]:
        """The data of the events that are whole now. Raises TooLong."""
        begun = max(0, len(self._waiting) - 1)
        self._waiting += self._with_newlines(data)
        end = self._waiting.rfind(b"\n\n", begun)
        if end < 0:
            whole = b""
        else:
            whole = bytes(self._waiting[:end]).removeprefix(self._mark)
            self._mark = b""
            del self._waiting[: end + 2]
        if len(self._waiting) > self._limit:
            raise TooLong
        return [said for event in whole.split(b"\n\n") if (said := _data(event)) is not None]

    def _with_newlines(self, data: bytes) -> bytes:
        """A line may end in a return, a newline, or both, which may come apart."""
        if not data:
            return b""
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
        self._after_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _data(event: bytes) -> bytes | None:
    """None: it has none."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = [line for line in event.split(b"\n") if line.startswith(b"data:") or line == b"data"]
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines) if lines else None
