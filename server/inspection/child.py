"""The process that looks at one file: `python -m server.inspection.child ORDER`. It may be attacked by that file.

So it limits itself before it reads a byte: memory, time of the processor, the size of what it writes, and, where the
system lets it, the network, of which it leaves itself none. It was given no environment, no open files and no secrets,
and it imports nothing of the hub but what is beside it. It says what it has found in one line; whatever else happens to
it is the file's fault.
"""

import ctypes
import os
import resource
import signal
import sys

import msgspec

from server.inspection.orders import Finding, LookAtImage, Order, Unfit

MEMORY = 512 * 2**20
"""Bytes of address space."""
WRITES = 64 * 2**20
"""Bytes of one file that it may write."""
SECONDS = {"image": 8, "audio": 10}
"""Of the processor."""
NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000
"""Of Linux: CLONE_NEWUSER, without which only root may, and CLONE_NEWNET."""


def main() -> None:
    order = msgspec.json.decode(sys.argv[1], type=Order)
    _limit(SECONDS["image" if isinstance(order, LookAtImage) else "audio"])
    _leave_the_network()
    sys.stdout.buffer.write(msgspec.json.encode(_carried_out(order)))


def _limit(seconds: int) -> None:
    for what, limit in (
        (resource.RLIMIT_CPU, seconds),
        *([(resource.RLIMIT_AS, MEMORY)] if sys.platform == "linux" else []),  # others do not hold anybody to it
        (resource.RLIMIT_FSIZE, WRITES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # to write too much is an error, not a death
    os.nice(5)  # devices come first


def _leave_the_network() -> None:
    """A container may forbid it: then its own rules hold."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if libc.unshare(NEW_NETWORK) != 0:
            libc.unshare(NEW_USERS | NEW_NETWORK)


def _carried_out(order: Order) -> Finding:
    """Only what is needed is imported, and after the limits are set."""
    try:
        if isinstance(order, LookAtImage):
            from server.inspection.image import look_at_image  # noqa: PLC0415  # see above

            return look_at_image(order)
        from server.inspection.audio import look_at_audio  # noqa: PLC0415  # see above

        return look_at_audio(order)
    except MemoryError:
        return Unfit("too_large")


if __name__ == "__main__":
    main()
