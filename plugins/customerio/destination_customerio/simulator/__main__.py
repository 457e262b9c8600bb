"""Run the simulator: ``python -m destination_customerio.simulator --port 8080``."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from destination_customerio.simulator.server import Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; print the URLs and the credentials first."""
    parser = argparse.ArgumentParser(
        prog="python -m destination_customerio.simulator",
        description="A Customer.io Track API on 127.0.0.1.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--region", choices=("us", "eu"), default="us")
    parser.add_argument("--site-id", help="made up when not given")
    parser.add_argument("--api-key", help="made up when not given")
    options = parser.parse_args(arguments)
    simulator = Simulator(
        region=options.region,
        site_id=options.site_id,
        api_key=options.api_key,
        port=options.port,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(simulator))
    return 0


async def _serve(simulator: Simulator) -> None:
    async with simulator:
        _say(f"Track API ({simulator.region})  {simulator.url}")
        _say(f"other region     {simulator.other_region_url}")
        _say(f"Site ID          {simulator.site_id}")
        _say(f"API Key          {simulator.api_key}")
        _say(f"state            {simulator.url}/_simulator/state")
        await asyncio.Event().wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
