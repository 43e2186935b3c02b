"""What this machine and some of its processes have spent of the processor, as Linux counts it."""

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic

TICKS = os.sysconf("SC_CLK_TCK")


class Machine:
    """`hubs`: ids of processes, of which it is told what they take; none if the hubs are elsewhere."""

    def __init__(self, hubs: list[int]) -> None:
        self._hubs = hubs
        self._before = self._now()

    def spent(self) -> tuple[float, float]:
        """Since it was asked last: the busy part of all cores, and how many cores the hubs took."""
        before, now = self._before, self._now()
        self._before = now
        at, total, idle, hubs = (after - former for after, former in zip(now, before, strict=True))
        return round(1 - idle / total if total else 0.0, 3), round(hubs / at if at else 0.0, 3)

    def _now(self) -> tuple[float, float, float, float]:
        """The moment; ticks of all cores, and of those that nobody used; seconds of the hubs."""
        ticks = [float(each) for each in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
        return monotonic(), sum(ticks), ticks[3] + ticks[4], sum(map(_seconds, self._hubs))


def _seconds(process_id: int) -> float:
    """0 of one that has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return 0.0
