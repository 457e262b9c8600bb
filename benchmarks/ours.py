"""Run our side in one mode and print one line of JSON; ``benchmarks/peer/driver.js`` does the same.

The options are one JSON argument: ``mode`` (single, batch, bare, subscriptions-event,
subscriptions-property, plugins), ``events`` (file), ``subscriptions`` (the peer's, as a file),
``sink`` (URL or none), ``seconds``, ``count`` (of subscriptions or plugins), ``first``, ``record``.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType
from typing import Any, Final

import aiohttp
import orjson

import destination_core as dc

Options = dict[str, Any]

IN_FLIGHT: Final = 50
BATCHES_IN_FLIGHT: Final = 8
BATCH: Final = 100


class Stub:
    """A transport that answers at once; it remembers requests when asked."""

    def __init__(self, *, record: bool) -> None:
        self.sent: list[dc.Request] | None = [] if record else None
        self._answer = dc.Response(200, {"content-type": "application/json"}, b"{}")

    async def send(self, request: dc.Request) -> dc.Response:
        """Answer `200 {}`."""
        if self.sent is not None:
            self.sent.append(request)
        return self._answer


def settings(options: Options) -> dict[str, Any]:
    """Return the settings that make the work equal to the peer's, and no slower limit."""
    return {
        "site_id": "site",
        "api_key": "key",
        "any_identifier": True,
        "raw_event_ids": True,
        "requests_per_second": None,
        "track_url": options.get("sink"),
    }


def connection(
    options: Options, subscriptions: Iterable[dc.Subscription], *others: object
) -> dc.Connection[Any]:
    """Open a connection of the Customer.io plugin."""
    import destination_customerio  # noqa: PLC0415  not needed by every mode

    relay = dc.Registry.of(destination_customerio, *others).relay("customerio")
    return dc.Connection(
        "customerio", relay, settings=settings(options), subscriptions=subscriptions
    )


def presets(options: Options) -> list[dc.Subscription]:
    """Read the peer's own presets, or make ours when there is no peer."""
    if options.get("subscriptions"):
        raw = json.loads(Path(options["subscriptions"]).read_text("utf-8"))
        return [dc.Subscription.from_segment(one) for one in raw]
    import destination_customerio as plugin  # noqa: PLC0415  not needed by every mode

    destination = plugin.register_destination()
    return [dc.Subscription.from_preset(destination, one.name) for one in destination.presets]


def read_events(options: Options) -> list[dict[str, Any]]:
    """Read the events of the mode."""
    events = [orjson.loads(line) for line in Path(options["events"]).read_bytes().splitlines()]
    if options["mode"] == "batch":
        events = [
            one for one in events if one["type"] == "track" and one["event"] != "Application Opened"
        ]
    first = options.get("first")
    return events[:first] if first else events


async def measure(options: Options, run: Callable[[], Awaitable[int]]) -> dict[str, Any]:
    """Warm up with one pass, then repeat passes for the given time, as `send` and `run` would."""
    await run()
    dc.relax_collector()
    count = 0
    started, spent = perf_counter(), process_time()
    while perf_counter() - started < options["seconds"]:
        count += await run()
    seconds, spent = perf_counter() - started, process_time() - spent
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"microseconds": seconds * 1e6 / count, "cpu": spent * 1e6 / count, "rss": rss}


async def together(items: list[Any], limit: int, run: Callable[[Any], Awaitable[object]]) -> None:
    """Run over items with a number of workers."""
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await run(item)

    await asyncio.gather(*[worker() for _ in range(limit)])


async def engine_mode(options: Options, one: dc.Connection[Any]) -> dict[str, Any]:
    """Measure an engine with one connection, single or in batches, stubbed or with the sink."""
    events = read_events(options)
    stub = None if options.get("sink") else Stub(record=bool(options.get("record")))
    async with dc.Engine([one], transport=stub, concurrency=200) as engine:

        async def single() -> int:
            if stub is None:
                await together(events, IN_FLIGHT, engine.send)
            else:
                for event in events:
                    await engine.send(event)
            return len(events)

        async def batched() -> int:
            batches = [events[i : i + BATCH] for i in range(0, len(events), BATCH)]
            await together(batches, BATCHES_IN_FLIGHT if stub is None else 1, engine.send_batch)
            return len(events)

        run = batched if options["mode"] == "batch" else single
        if stub is not None and stub.sent is not None:
            await run()
            return {
                "sent": [{"url": one.url, "body": (one.body or b"").decode()} for one in stub.sent]
            }
        return await measure(options, run)


async def bare_mode(options: Options) -> dict[str, Any]:
    """Measure aiohttp alone: the same requests, made beforehand, 50 in flight."""
    recorded = await engine_mode(
        {**options, "mode": "single", "sink": None, "record": True},
        connection({**options, "sink": None}, presets(options)),
    )
    bodies = [
        (one["url"].replace("https://track.customer.io", options["sink"]), one["body"].encode())
        for one in recorded["sent"]
    ]
    headers = {"Content-Type": "application/json", "Authorization": dc.basic_auth("site", "key")}
    connector = aiohttp.TCPConnector(limit=200)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post(item: tuple[str, bytes]) -> None:
            async with session.post(item[0], data=item[1], headers=headers) as response:
                await response.read()

        async def run() -> int:
            await together(bodies, IN_FLIGHT, post)
            return len(bodies)

        return await measure(options, run)


def many_subscriptions(options: Options) -> list[dc.Subscription]:
    """Make subscriptions of which one matches: by event name, or by a property's value."""
    base = "event" if options["mode"] == "subscriptions-event" else "properties.order_id"
    hit = "Order Completed" if base == "event" else "o-0"
    names = [hit, *[f"no such value {n}" for n in range(options["count"] - 1)]]
    return [
        dc.Subscription(f"s{n}", "trackEvent", f'type = "track" and {base} = "{name}"')
        for n, name in enumerate(names)
    ]


async def subscription_mode(options: Options) -> dict[str, Any]:
    """Measure events of which each matches exactly one of many subscriptions."""
    one = connection(options, many_subscriptions(options))
    template = next(e for e in read_events({**options, "mode": "batch"}) if e["type"] == "track")
    properties = {**template["properties"], "order_id": "o-0"}
    event = {**template, "event": "Order Completed", "properties": properties}
    async with dc.Engine([one], transport=Stub(record=False)) as engine:

        async def run() -> int:
            for _ in range(2_000):
                await engine.send(event)
            return 2_000

        return await measure(options, run)


async def plugin_mode(options: Options) -> dict[str, Any]:
    """Measure the single-event way with many other destinations installed."""
    others = [_idle(n) for n in range(options["count"] - 1)]
    one = connection(options, presets(options), *others)
    return await engine_mode({**options, "mode": "single"}, one)


class NoSettings(dc.Settings):
    """Nothing to set."""


def _idle(number: int) -> ModuleType:
    """Make another installed destination."""
    made = dc.Destination(f"idle-{number}", title=f"Idle {number}", settings=NoSettings, actions=[])
    module = ModuleType(f"idle_{number}")
    module.register_destination = dc.hookimpl(lambda: made)  # type: ignore[attr-defined]
    return module


def main() -> None:
    """Run the mode that the argument names."""
    options: Options = json.loads(sys.argv[1])
    mode = options["mode"]
    if mode == "bare":
        result = asyncio.run(bare_mode(options))
    elif mode.startswith("subscriptions-"):
        result = asyncio.run(subscription_mode(options))
    elif mode == "plugins":
        result = asyncio.run(plugin_mode(options))
    else:
        chosen = presets(options)
        if mode == "batch":
            chosen = [one for one in chosen if one.name == "Track Event"]
        result = asyncio.run(engine_mode(options, connection(options, chosen)))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
