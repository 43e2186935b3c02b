"""A durable PostgreSQL for one run: `python -m loadtest.bench.database` prints its URL, and keeps it until its standard
input ends. So it is gone with whoever has asked for it, however they went.
"""

import asyncio
import os
import sys

from loadtest.postgres import primary
from loadtest.world import database_folder


async def keep() -> None:
    """On any core: whoever measures may have nailed us to one."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with database_folder() as folder:
        database = await primary(folder / "primary", durable=True)
        try:
            await database.start()
            print(database.url, flush=True)
            await asyncio.to_thread(sys.stdin.read)
        finally:
            await database.stop()


if __name__ == "__main__":
    asyncio.run(keep())
