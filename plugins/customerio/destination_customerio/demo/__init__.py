"""What ``destinations demo`` runs for Customer.io: thirty days of a shop against the simulator."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import destination_core as dc

LABELS: Final = {
    "suppressed": "suppressed people",
    "duplicates": "events that came twice, kept once",
    "failures": "calls that were accepted and changed nothing",
}
"""What the simulator's counts are called where nobody has read about them."""


def events() -> Traversable:
    """Return the bundled events: NDJSON, written by ``tools/make_demo_events.py``."""
    return files(__package__).joinpath("events.ndjson")


@asynccontextmanager
async def target() -> AsyncIterator[dc.DemoTarget]:
    """Run a simulated Customer.io on loopback for as long as the demo lasts."""
    # Imported late: every command loads this plugin, only the demo needs a web server.
    from destination_customerio.simulator import Simulator  # noqa: PLC0415

    async with Simulator(region="us") as simulator:

        def summary() -> Sequence[tuple[str, int]]:
            counts = simulator.state.counts()
            return [(LABELS.get(name, name), count) for name, count in counts.items()]

        yield dc.DemoTarget(
            settings={
                "site_id": simulator.site_id,
                "api_key": simulator.api_key,
                "account_region": simulator.region,
                "track_url": simulator.url,
            },
            summary=summary,
        )


demo = dc.Demo(title="Customer.io, simulated on this machine", events=events, target=target)
