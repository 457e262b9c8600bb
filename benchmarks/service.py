"""`destinations serve` and `run` under load: the processes, and a client that costs little."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks import events

PROGRAM: Final = str(Path(sys.executable).with_name("destinations"))
KEY: Final = "Basic d2s6"  # "wk:"
TOKEN: Final = "bench_n"  # noqa: S105  the key under which events carry their number


class Events:
    """The synthetic events, each with a number and an id of its own."""

    def __init__(self, folder: Path) -> None:
        path = folder / "events.ndjson"
        events.write(path)
        kinds = ("track", "identify")  # what the presets of the service take
        found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        self._events = [one for one in found if one["type"] in kinds]
        self.given = 0

    def one(self, name: str = "") -> dict[str, Any]:
        """Return the next event; ``name`` replaces its own, and makes it a track event."""
        self.given += 1
        event = self._events[self.given % len(self._events)]
        if name:
            event = {**event, "type": "track", "event": name}
        inner = "traits" if event["type"] == "identify" else "properties"
        values = {**event.get(inner, {}), TOKEN: self.given}
        return {**event, "messageId": f"m-{self.given}", inner: values}

    def single(self) -> bytes:
        """Return a call with one event."""
        event = self.one()
        return request(f"/v1/{event['type']}", orjson.dumps(event))

    def batch(self, size: int = 100, names: Sequence[str] = ("",)) -> bytes:
        """Return a call with many; their names go round."""
        made = [self.one(names[self.given % len(names)]) for _ in range(size)]
        return request("/v1/batch", orjson.dumps({"batch": made}))


def request(path: str, body: bytes) -> bytes:
    """Write a request."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Client(asyncio.Protocol):
    """One connection, one request at a time; ``sent`` has when each was sent, in order."""

    def __init__(self) -> None:
        self.refused = 0
        self.sent: list[float] = []
        self.seconds: list[float] = []
        self._transport: Any = None
        self._buffer = b""
        self._answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def send(self, call: bytes) -> asyncio.Future[None]:
        """Send a request; the future is done when it was answered."""
        self._answered = asyncio.get_running_loop().create_future()
        self.sent.append(time.monotonic())
        self._transport.write(call)
        return self._answered

    def data_received(self, data: bytes) -> None:
        """Read one answer, which has a known length."""
        self._buffer += data
        if b'"success":' not in self._buffer or not self._buffer.endswith(b"}"):
            return
        self.seconds.append(time.monotonic() - self.sent[-1])
        self.refused += not self._buffer.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        if self._answered is not None:
            self._answered.set_result(None)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def configuration(url: str, *, many: int = 1, down: int = 0) -> dict[str, Any]:
    """Return a configuration of Customer.io destinations.

    With ``many`` above 1 each gets the events of one name ("event 0" …), else one gets all;
    ``down`` more, of which nothing listens, get all too.
    """
    settings = {
        "site_id": "${env:S}",
        "api_key": "${env:S}",
        "track_url": url,
        "any_identifier": True,
        "requests_per_second": None,
    }
    presets = [{"preset": "Track Event"}, {"preset": "Create or Update Person"}]

    def one(subscriptions: Sequence[Mapping[str, str]], where: str = url) -> dict[str, Any]:
        own = {**settings, "track_url": where}
        return {"plugin": "customerio", "settings": own, "subscriptions": subscriptions}

    up = {"up": one(presets)}
    if many > 1:
        up = {
            f"up-{n}": one([{"preset": "Track Event", "trigger": f'event = "event {n}"'}])
            for n in range(many)
        }
    lost = {f"down-{n}": one(presets, "http://127.0.0.1:9") for n in range(down)}
    return {
        "sources": {"web": {"write_keys": ["wk"]}},
        "queue": {"min_free_bytes": 0},
        "destinations": {**up, **lost},
    }


class Service:
    """`serve` with a queue of its own; ``split`` delivers in a second process, on another core.

    ``deliver`` may be put off until ``start_delivery``.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, Any], *, split: bool, deliver: bool = True
    ) -> None:
        self.folder = folder
        (folder / "c.json").write_text(json.dumps(config), "utf-8")
        accepting = ["--no-delivery"] if split else []
        self.serve, self.port = self._start("serve", *accepting, core=0 if split else None)
        self.run: subprocess.Popen[str] | None = None
        if split and deliver:
            self.start_delivery()

    def start_delivery(self) -> int:
        """Start the process that delivers; return the port of its metrics."""
        self.run, port = self._start("run", "--stay", core=1)
        return port

    def _start(
        self, verb: str, *options: str, core: int | None = None
    ) -> tuple[subprocess.Popen[str], int]:
        can_pin = shutil.which("taskset") and core in os.sched_getaffinity(0)
        pinned = ["taskset", "-c", str(core)] if can_pin else []
        process = subprocess.Popen(
            [*pinned, PROGRAM, verb, "c.json", *options, "--listen", "127.0.0.1:0"],
            cwd=self.folder,
            env={**os.environ, "S": "abcd"},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert process.stderr is not None  # noqa: S101  PIPE was asked for
        for line in process.stderr:
            if "http://127.0.0.1:" in line:
                break
        else:
            sys.exit(f"destinations {verb} did not start")
        return process, int(line.split("http://127.0.0.1:")[1].split()[0].rstrip(","))

    @property
    def processes(self) -> list[subprocess.Popen[str]]:
        """What runs."""
        return [self.serve, *([self.run] if self.run else [])]

    def rss(self) -> list[float]:
        """Return the resident memory of each process, in MiB."""
        page = os.sysconf("SC_PAGE_SIZE")
        return [
            int(Path(f"/proc/{one.pid}/statm").read_text().split()[1]) * page / 2**20
            for one in self.processes
        ]

    async def clients(self, many: int) -> list[Client]:
        """Open connections."""
        loop = asyncio.get_running_loop()
        opened = [await loop.create_connection(Client, "127.0.0.1", self.port) for _ in range(many)]
        return [client for _, client in opened]

    async def send(self, calls: Iterator[bytes], connections: int) -> list[float]:
        """Send calls as fast as they are answered; return how long each took, sorted."""
        clients = await self.clients(connections)

        async def work(client: Client) -> None:
            for call in calls:
                await client.send(call)

        await asyncio.gather(*[work(client) for client in clients])
        return _closed(clients)

    async def pace(self, calls: Sequence[bytes], rate: float) -> dict[int, float]:
        """Send calls at a rate, whatever the answers take; return when each was sent."""
        idle: asyncio.Queue[Client] = asyncio.Queue()
        clients = await self.clients(100)
        for client in clients:
            idle.put_nowait(client)
        began, sent, waiting = time.monotonic(), {}, set()
        for number, call in enumerate(calls):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            client = await idle.get()
            answered = client.send(call)
            sent[number] = client.sent[-1]
            waiting.add(answered)
            answered.add_done_callback(waiting.discard)
            answered.add_done_callback(partial(_idle_again, idle, client))
        await asyncio.gather(*waiting)
        _closed(clients)
        return sent

    async def counts(self) -> dict[str, float]:
        """Ask for the sums of what is where at the destinations that are up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        found: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith('destinations_queue_deliveries{destination="up'):
                state = line.split('state="')[1].split('"')[0]
                found[state] = found.get(state, 0.0) + float(line.rsplit(" ", 1)[1])
        return found

    async def delivered(self, watch: list[float] | None = None) -> float:
        """Wait until nothing is queued; return how many were delivered, of which none is lost.

        ``watch`` gets the resident memory of the process that delivers, once per look.
        """
        while True:
            asked = time.monotonic()
            found = await self.counts()
            if watch is not None:
                watch.append(self.rss()[-1])
            if found and not found["queued"]:
                if found["accepted"] != found["delivered"]:
                    sys.exit(f"lost: {found}")
                return found["delivered"]
            await asyncio.sleep(max(0.05, 10 * (time.monotonic() - asked)))  # looking costs too

    def end(self) -> None:
        """Stop it."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.communicate(timeout=60)


def _idle_again(idle: asyncio.Queue[Client], client: Client, _: object) -> None:
    idle.put_nowait(client)


def _closed(clients: Sequence[Client]) -> list[float]:
    for client in clients:
        client.close()
    refused = sum(one.refused for one in clients)
    if refused:
        sys.exit(f"{refused} calls were refused")
    return sorted(seconds for one in clients for seconds in one.seconds)
