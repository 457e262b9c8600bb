"""Measure `serve` and `run`: ``python -m benchmarks.durable [--singles N] [--backlog N]``.

Client, server, queue and destination share this machine. The client speaks HTTP over raw sockets,
so that it takes as little of the machine as it can; the destination answers `200 {}` to everything.
Every event has its own id, and at the end each of them must have been delivered.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks import events
from benchmarks.__main__ import sink

PROGRAM: Final = Path(sys.executable).with_name("destinations")
KEY: Final = "Basic d2s6"  # "wk:"


class Client(asyncio.Protocol):
    """One connection: sends the next request when the last was answered."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests, self._done = requests, done
        self._transport: Any = None
        self._buffer = b""
        self._sent = 0.0
        self.refused = 0
        self.seconds: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._sent = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read one answer, which has a known length."""
        self._buffer += data
        if b'"success":' not in self._buffer or not self._buffer.endswith(b"}"):
            return
        self.seconds.append(time.perf_counter() - self._sent)
        self.refused += not self._buffer.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        self._next()


def request(path: str, body: bytes) -> bytes:
    """Write a request."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Service:
    """A `serve` with a queue of its own."""

    def __init__(self, folder: Path, destination: str, down: int = 0) -> None:
        self.folder = folder
        presets = [{"preset": "Track Event"}, {"preset": "Create or Update Person"}]
        settings = {
            "site_id": "${env:S}",
            "api_key": "${env:S}",
            "track_url": destination,
            "any_identifier": True,
            "requests_per_second": None,
        }
        one: dict[str, Any] = {
            "plugin": "customerio",
            "settings": settings,
            "subscriptions": presets,
        }
        dead = {**one, "settings": {**settings, "track_url": "http://127.0.0.1:9"}}
        config = {
            "sources": {"web": {"write_keys": ["wk"]}},
            "queue": {"min_free_bytes": 0},
            "destinations": {"up": one, **{f"down-{n}": dead for n in range(down)}},
        }
        (folder / "c.json").write_text(json.dumps(config), "utf-8")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "c.json", "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={**os.environ, "S": "abcd"},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None  # noqa: S101  PIPE was asked for
        line = self.process.stderr.readline()
        self.port = int(line.split("http://127.0.0.1:")[1].split(",")[0])

    def rss(self) -> int:
        """Return the resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def send(self, requests: list[bytes], connections: int) -> list[float]:
        """Send requests; return how long each took."""
        loop = asyncio.get_running_loop()
        queue = iter(requests)
        clients, waiting = [], []
        for _ in range(connections):
            done: asyncio.Future[None] = loop.create_future()
            _, client = await loop.create_connection(
                lambda done=done: Client(queue, done),  # type: ignore[misc]
                "127.0.0.1",
                self.port,
            )
            clients.append(client)
            waiting.append(done)
        await asyncio.gather(*waiting)
        refused = sum(one.refused for one in clients)
        if refused:
            sys.exit(f"{refused} calls were refused")
        return sorted(seconds for one in clients for seconds in one.seconds)

    async def counts(self) -> dict[str, float]:
        """Ask for what is where at the destination that is up, and for latencies."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        return {
            line.split('state="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.startswith('destinations_queue_deliveries{destination="up"')
        }

    async def delivered(self) -> float:
        """Wait until nothing is queued; return how many were delivered, of which none is lost."""
        while True:
            found = await self.counts()
            if found and not found["queued"]:
                if found["accepted"] != found["delivered"]:
                    sys.exit(f"lost: {found}")
                return found["delivered"]
            await asyncio.sleep(0.05)

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.communicate(timeout=60)


@contextmanager
def serving(destination: str, down: int = 0) -> Iterator[Service]:
    """Run a service in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        service = Service(Path(folder), destination, down)
        try:
            yield service
        finally:
            service.end()


class Events:
    """The benchmark's events, each time with a new id; only what the subscriptions want."""

    def __init__(self, folder: Path) -> None:
        events.write(folder / "events.ndjson")
        lines = (folder / "events.ndjson").read_bytes().splitlines()
        wanted = {"track", "identify"}
        self._events = [one for one in map(orjson.loads, lines) if one["type"] in wanted]
        self._given = 0

    def one(self) -> dict[str, Any]:
        """Return the next event."""
        self._given += 1
        event = self._events[self._given % len(self._events)]
        return {**event, "messageId": f"m-{self._given}"}

    def single(self) -> bytes:
        """Return a call with one event."""
        event = self.one()
        return request(f"/v1/{event['type']}", orjson.dumps(event))

    def batch(self, size: int = 100) -> bytes:
        """Return a call with many."""
        return request("/v1/batch", orjson.dumps({"batch": [self.one() for _ in range(size)]}))


async def rates(made: Events, destination: str, options: argparse.Namespace) -> None:
    """Print what goes through, one by one and in batches."""
    with serving(destination) as service:
        singles = [made.single() for _ in range(options.singles)]
        started = time.perf_counter()
        took = await service.send(singles, 100)
        taken = time.perf_counter() - started
        await service.delivered()
        through = time.perf_counter() - started
        row("single calls, ingest", f"{len(singles) / taken:,.0f} events/s")
        row("single calls, end to end, 0 lost", f"{len(singles) / through:,.0f} events/s", "3,000")
        row("answer to a single call, p50 / p99", f"{ms(took, 0.5)} / {ms(took, 0.99)}")
        batches = [made.batch() for _ in range(options.batches)]
        many = 100 * len(batches)
        started = time.perf_counter()
        await service.send(batches, 8)
        taken = time.perf_counter() - started
        await service.delivered()
        through = time.perf_counter() - started
        row("batches of 100, ingest", f"{many / taken:,.0f} events/s")
        row("batches of 100, end to end, 0 lost", f"{many / through:,.0f} events/s", "10,000")
        row("memory of the server", f"{service.rss() / 2**20:.0f} MiB", "< 200")


async def backlog(made: Events, destination: str, many: int) -> None:
    """Print how fast a backlog is delivered: put in while the destination is down."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        service = Service(Path(folder), "http://127.0.0.1:9")
        await service.send([made.batch(500) for _ in range(many // 500)], 8)
        held = service.rss()
        service.end()
        service = Service(Path(folder), destination)
        started = time.perf_counter()
        await service.delivered()
        seconds = time.perf_counter() - started
        row(f"backlog of {many:,}, delivered", f"{many / seconds:,.0f} events/s")
        most = max(held, service.rss())
        row("memory over the backlog", f"{most / 2**20:.0f} MiB", "< 200")
        service.end()


async def neighbours(made: Events, destination: str, batches: int) -> None:
    """Print what a destination that is down costs the others."""
    for down in (0, 1, 20):
        with serving(destination, down) as service:
            calls = [made.batch() for _ in range(batches)]
            started = time.perf_counter()
            await service.send(calls, 8)
            await service.delivered()
            seconds = time.perf_counter() - started
            name = f"batches of 100, each event also queued for {down} destinations that are down"
            row(name, f"{100 * batches / seconds:,.0f} events/s")


def row(name: str, seen: str, wanted: str = "") -> None:
    """Print a row."""
    print(f"| {name} | {seen} | {wanted} |", flush=True)


def ms(sorted_seconds: list[float], share: float) -> str:
    """Return a quantile."""
    return f"{sorted_seconds[int(len(sorted_seconds) * share)] * 1000:.0f} ms"


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable", description=__doc__)
    parser.add_argument("--singles", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=600)
    parser.add_argument("--backlog", type=int, default=200_000)
    options = parser.parse_args()
    print("| | seen | at least |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, sink() as destination:
        made = Events(Path(folder))
        await rates(made, destination, options)
        await neighbours(made, destination, options.batches // 3)
        await backlog(made, destination, options.backlog)


if __name__ == "__main__":
    asyncio.run(main())
