"""Scenarios that are measured: one thing happens to a crowd of devices, and what comes of it is held to figures."""

from loadtest.scenarios.calm import calm
from loadtest.scenarios.cuts import cuts
from loadtest.scenarios.deploy import deploy
from loadtest.scenarios.kills import kills
from loadtest.scenarios.repeats import repeats
from loadtest.scenarios.scenario import Scenario
from loadtest.scenarios.slow import slow_readers
from loadtest.scenarios.storm import reconnect_storm

SCENARIOS = {
    "calm": Scenario("nothing breaks", calm, sockets=24, instances=3),
    "repeats": Scenario("every message is said five times, anywhere", repeats, sockets=1_000, instances=3),
    "cuts": Scenario("connections are cut at random bytes, 10,000 times", cuts, sockets=500, instances=3),
    "storm": Scenario("all sockets are dropped at once", reconnect_storm, sockets=2_000, instances=2),
    "slow": Scenario("one socket in fifty reads 1 KB/s", slow_readers, sockets=500, instances=1),
    "kills": Scenario(
        "whoever writes a reply is killed, 200 times",
        kills,
        sockets=36,
        instances=4,
        environ={"TUTORHUB_TURN_INTERRUPTIONS": "100"},  # some replies lose more owners than would be borne
    ),
    "deploy": Scenario(
        "all instances are restarted one by one", deploy, sockets=400, instances=2, environ={"TUTORHUB_DRAIN": "10"}
    ),
}
