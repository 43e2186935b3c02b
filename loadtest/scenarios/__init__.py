"""Scenarios that are measured: crowds of devices, larger than those of a proof, and figures instead of promises."""

from loadtest.scenarios.scenario import Scenario
from loadtest.scenarios.slow import slow_readers
from loadtest.scenarios.storm import reconnect_storm

SCENARIOS = {
    "storm": Scenario("all sockets are dropped at once", reconnect_storm, sockets=2_000, instances=2),
    "slow": Scenario("one socket in fifty reads 1 KB/s", slow_readers, sockets=500, instances=1),
}
