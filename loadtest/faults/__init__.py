"""Everything that is broken on purpose, by name."""

from loadtest.faults import clock, cluster, database, hubs, links, provider, redis
from loadtest.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for family in (hubs, database, redis, cluster, links, provider, clock) for fault in family.FAULTS
}
