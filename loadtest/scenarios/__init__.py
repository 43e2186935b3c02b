"""Scenarios that are measured: one thing happens to a crowd of devices, and what comes of it is held to figures."""

from loadtest.scenarios.calm import nothing_breaks
from loadtest.scenarios.cuts import cut_connections
from loadtest.scenarios.deploy import replace_instances
from loadtest.scenarios.kills import kill_writers
from loadtest.scenarios.repeats import repeat_sends
from loadtest.scenarios.scenario import Scenario
from loadtest.scenarios.sealing import sealed_and_not
from loadtest.scenarios.slow import slow_readers
from loadtest.scenarios.storm import reconnect_storm

SCENARIOS = {
    "calm": Scenario("nothing breaks", nothing_breaks, sockets=24, instances=3),
    "repeats": Scenario("every message is said five times, anywhere", repeat_sends, sockets=1_000, instances=3),
    "cuts": Scenario("connections are cut at random bytes, 10,000 times", cut_connections, sockets=500, instances=3),
    "storm": Scenario("all sockets are dropped at once", reconnect_storm, sockets=2_000, instances=2),
    "slow": Scenario("one socket in fifty reads 1 KB/s", slow_readers, sockets=500, instances=1),
    "kills": Scenario(
        "whoever writes a reply is killed, 200 times",
        kill_writers,
        sockets=36,
        instances=4,
        environ={"TUTORHUB_TURN_INTERRUPTIONS": "100"},  # some replies lose more owners than would be borne
    ),
    "sealing": Scenario(
        "learners send as fast as they are answered, with and without sealing",
        sealed_and_not,
        sockets=48,
        instances=1,
        environ={"TUTORHUB_ROLES": "hub", "TUTORHUB_TURN_PENDING": "1000000"},  # sends alone, not replies
    ),
    "deploy": Scenario(
        "all instances are restarted one by one",
        replace_instances,
        sockets=400,
        instances=2,
        environ={"TUTORHUB_DRAIN": "10"},
    ),
}
