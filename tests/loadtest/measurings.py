"""A measured run, for what is told of one."""

from typing import Any

from msgspec import structs

from loadtest.measured import Figure, Measured


def measured(*figures: Figure, **fields: Any) -> Measured:
    """A storm that was borne, but for the figures and some fields."""
    run = Measured(
        scenario="storm",
        about="all sockets are dropped",
        seed=2,
        sockets=2_000,
        instances=2,
        version="0.1.0",
        python="3.11.2",
        cores=2,
        began="2026-11-23T12:00:00+00:00",
        took=60,
        figures=list(figures),
        findings=[],
    )
    return structs.replace(run, **fields)
