"""A hub that bears any number of frames, and of frames that are no commands, on a connection: for those who throw a
million of them at it. All else is the real one's.

    python -m tests.fuzz.lenient serve
"""

import sys

from server import cli
from server.edge import connection
from server.edge.frame_reader import FrameReader

if __name__ == "__main__":
    FrameReader.BURST = FrameReader.PER_SECOND = 10**9
    connection.MALFORMED_BORNE = sys.maxsize
    cli.main()
