"""Where the frames are in what a websocket has sent (RFC 6455, section 5.2). Pure."""

from client.connection import LARGEST_EVENT

WHOLE_TEXT, MASKED = 0x81, 0x80
HEAD = 2
LENGTH_BYTES = {126: 2, 127: 8}
"""How many bytes more tell the length of a frame that is not short."""


def frame_at(data: bytes, start: int) -> tuple[bool, int, int] | None:
    """Of the frame that begins here: whether it is a text in one part, where its body begins, and where it ends.

    None: it is not whole. One that is masked or too long, as no server may send it, is no text, and as long as all that
    is there: who reads it says why.
    """
    body = start + HEAD
    if len(data) < body:
        return None
    size = data[start + 1]
    if size in LENGTH_BYTES:
        body += LENGTH_BYTES[size]
        if len(data) < body:
            return None
        size = int.from_bytes(data[start + HEAD : body])
    if data[start + 1] & MASKED or size > LARGEST_EVENT:
        return False, body, len(data)
    return (data[start] == WHOLE_TEXT, body, body + size) if body + size <= len(data) else None
