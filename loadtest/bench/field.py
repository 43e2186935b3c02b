"""Who is measured, and at what."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from loadtest import programs
from loadtest.process import WorldFailed

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
OURS = "tutorhub"
FLOOR = "floor"
"""Writes what is ready and does nothing else: about what the system and the loop cost by themselves."""


class Scenario(Struct, frozen=True):
    """`rate`: events a second of a session, or in S5 commands of a socket; `pad`: bytes by which an event is longer;
    `merge`: milliseconds over which ours gathers tokens; `warm`: seconds before it is measured. Several `servers` have
    a Redis, and a device of each session each.
    """

    about: str
    sockets: int
    sessions: int
    rate: float = 20.0
    pad: int = 0
    stalled: int = 0
    merge: float = 0.0
    warm: float = 1.5
    servers: int = 1
    order: str = ""
    """What a server is told, where that is not its name."""


SCENARIOS = {
    "S1": Scenario("1,000 sockets in 500 sessions, 20 tokens/s each", 1_000, 500),
    "S1 merged": Scenario(
        "the same at 40 tokens/s, merged up to 50 ms by ours", 1_000, 500, 40.0, merge=50.0, order="S1"
    ),
    "S2": Scenario("one user with 1,000 sockets, 20 tokens/s", 1_000, 1),
    "S3": Scenario("5,000 idle sockets in 2,500 sessions", 5_000, 2_500, rate=0.0),
    "S4": Scenario(
        "two servers over a Redis, 250 sessions with a device on each, 20 tokens/s each", 500, 250, servers=2
    ),
    "S5": Scenario("200 sockets, 10 commands/s each, parsed and accepted", 200, 200, rate=10.0),
    "S6": Scenario("20 sockets of which 2 never read, 20 events/s of 64 KiB", 20, 1, pad=65_000, stalled=2, warm=5.0),
}


class Peer(Struct, frozen=True):
    """How one is started; its order is added to the command. `merges`: it can be told to gather tokens."""

    command: tuple[str, ...]
    scenarios: tuple[str, ...] = ("S1", "S2", "S3", "S5")
    merges: bool = False

    def ordered(self, scenario: Scenario, name: str, port: int, redis: int | None = None) -> list[str]:
        """`redis`: its port, where there are several servers."""
        merge = ["--merge", str(scenario.merge)] if self.merges and scenario.merge else []
        order: dict[str, object] = {
            "scenario": scenario.order or name,
            "port": port,
            "sessions": scenario.sessions,
            "pad": scenario.pad,
        }
        if redis is not None:
            order["redis"] = redis
        return [*self.command, *merge, json.dumps(order)]


def field() -> dict[str, Peer]:
    """Ours, and all that can be had here: `ws` needs Node, and is looked for where the web client is built; several
    servers need a Redis.
    """
    shared = {name for name, scenario in SCENARIOS.items() if scenario.servers > 1 and _has_redis()}
    peers = {
        FLOOR: Peer(_python("floor"), ("S1", "S1 merged", "S2", "S3", "S5")),
        "starlette": Peer(_python("plain_starlette"), ("S1", "S2", "S3", "S5", *shared)),
        "websockets": Peer(_python("websockets_broadcast")),
    }
    if (node := shutil.which("node")) and _has_ws(node):
        peers["node ws"] = Peer((node, str(PEERS / "node_ws.cjs")))
    possible = tuple(name for name, scenario in SCENARIOS.items() if scenario.servers == 1 or name in shared)
    return peers | {OURS: Peer((sys.executable, "-m", "loadtest.bench"), possible, merges=True)}


NODE_PATH = str(ROOT / "web" / "node_modules")


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"loadtest.bench.peers.{module}")


def _has_redis() -> bool:
    try:
        return bool(programs.redis())
    except WorldFailed:
        return False


def _has_ws(node: str) -> bool:
    tried = subprocess.run(
        [node, "-e", "require('ws')"], env={"NODE_PATH": NODE_PATH}, capture_output=True, check=False
    )
    return tried.returncode == 0
