"""Measure `serve` and `run`: ``python -m benchmarks.durable [--quick] [--write]``.

Client, service, queue and destination share this machine. The client speaks HTTP over raw sockets,
so that it takes as little of the machine as it can; the destination answers `200 {}` to everything.
Every event has its own id, and at the end each of them must have been delivered.
"""

import argparse
import asyncio
import os
import platform
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from typing import Final, NamedTuple

from benchmarks.__main__ import sink
from benchmarks.service import Events, Service, configuration

PAGE: Final = Path(__file__).parent.parent / "docs/benchmarks.md"
MARKS: Final = ("<!-- durable -->", "<!-- /durable -->")
SPLIT: Final = {False: "one process", True: "two processes"}


class Table:
    """The rows, printed as they come."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.add("", "seen", "at least", "aim")
        self.lines.append("|---|---|---|---|")

    def add(self, name: str, seen: str, least: str = "", aim: str = "") -> None:
        """Add a row."""
        self.lines.append(f"| {name} | {seen} | {least} | {aim} |")
        print(self.lines[-1], flush=True)


class Seen(NamedTuple):
    """Events per second in and through, and how long the answers took."""

    ingest: float
    through: float
    took: list[float]


class Bench:
    """What all measurements need."""

    def __init__(self, destination: str, made: Events, options: argparse.Namespace) -> None:
        self.destination, self.made, self.options = destination, made, options
        self.table = Table()

    @contextmanager
    def serving(self, *, split: bool, deliver: bool = True, **shape: int) -> Iterator[Service]:
        """Run a service in a folder of its own."""
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            config = configuration(self.destination, **shape)
            service = Service(Path(folder), config, split=split, deliver=deliver)
            try:
                yield service
            finally:
                service.end()

    async def rates(self, *, split: bool) -> float:
        """Measure what goes through in batches and one by one; return the latter, end to end."""
        where = SPLIT[split]
        with self.serving(split=split) as service:
            await self._through(service, [self.made.single() for _ in range(500)], 1, 20)
            singles = [
                await self._through(
                    service, [self.made.single() for _ in range(self.options.singles)], 1, 100
                )
                for _ in range(self.options.rounds)
            ]
            batches = [
                await self._through(
                    service, [self.made.batch() for _ in range(self.options.batches)], 100, 8
                )
                for _ in range(self.options.rounds)
            ]
            memory = " + ".join(f"{one:.0f}" for one in service.rss())
        add = self.table.add
        ingest = median(one.ingest for one in singles)
        through = median(one.through for one in singles)
        add(f"single calls, {where}: ingest", _rate(ingest))
        add(f"single calls, {where}: end to end, 0 lost", _rate(through), "3,000", "5,000")
        took = sorted(second for one in singles for second in one.took)
        add(f"single calls, {where}: answer, p50 / p99", _quantiles(took))
        many = median(one.ingest for one in batches)
        add(f"batches of 100, {where}: ingest", _rate(many))
        many = median(one.through for one in batches)
        add(f"batches of 100, {where}: end to end, 0 lost", _rate(many), "10,000", "20,000")
        add(f"memory, {where}", f"{memory} MiB", "< 200 MiB each")
        return through

    async def _through(
        self, service: Service, calls: list[bytes], size: int, connections: int
    ) -> Seen:
        started = time.perf_counter()
        took = await service.send(iter(calls), connections)
        sent = time.perf_counter() - started
        await service.delivered()
        through = time.perf_counter() - started
        return Seen(size * len(calls) / sent, size * len(calls) / through, took)

    async def latency(self, rate: float, *, split: bool) -> None:
        """Measure from the sending of an event to its arrival, at half of what goes through."""
        with tempfile.TemporaryDirectory() as folder, sink(Path(folder) / "arrivals") as url:
            config = configuration(url)
            service = Service(Path(folder), config, split=split)
            try:
                first = self.made.given + 1
                calls = [self.made.single() for _ in range(int(rate * self.options.seconds))]
                sent = await service.pace(calls, rate)
                await service.delivered()
            finally:
                service.end()
            took = sorted(
                float(at) - sent[int(number) - first]
                for number, at in map(
                    str.split, (Path(folder) / "arrivals").read_text().splitlines()
                )
            )
        if len(took) < len(calls):
            raise SystemExit(f"lost: {len(calls) - len(took)}")
        name = f"receipt to delivery at {rate:,.0f} single calls/s, {SPLIT[split]}, p50 / p99"
        self.table.add(name, _quantiles(took))

    async def backlog(self, many: int) -> None:
        """Measure how fast a backlog is delivered, from the start of the process on."""
        with self.serving(split=True, deliver=False) as service:
            calls = (self.made.batch(500) for _ in range(many // 500))
            started = time.perf_counter()
            await service.send(calls, 8)
            self.table.add(
                f"accepting {many:,} events", _rate(many / (time.perf_counter() - started))
            )
            watch: list[float] = []
            started = time.perf_counter()
            service.start_delivery()
            ready = time.perf_counter() - started
            await service.delivered(watch)
            seconds = time.perf_counter() - started
        part = max(1, len(watch) // 4)
        early, late = fmean(watch[:part]), fmean(watch[-part:])
        add = self.table.add
        add(f"start on {many:,} events, interpreter and plugins included", f"{ready:.1f} s")
        add(f"backlog of {many:,} events, delivered", _rate(many / seconds))
        add("memory over the backlog: most, first and last quarter",
            f"{max(watch):.0f}, {early:.0f}, {late:.0f} MiB", "< 200 MiB, flat")  # fmt: skip

    async def neighbours(self) -> None:
        """Measure what a destination that is down costs the other: every event is for both."""
        calls = self.options.batches
        for down in (0, 1):
            with self.serving(split=True, down=down) as service:
                seen = await self._through(
                    service, [self.made.batch() for _ in range(calls)], 100, 8
                )
            beside = "alone" if not down else "beside one that is down"
            self.table.add(
                f"batches of 100 to a destination {beside}: end to end", _rate(seen.through)
            )

    async def destinations(self) -> None:
        """Measure one destination against a thousand: each event is for one of them."""
        calls = self.options.batches
        for many in (1, 1_000):
            names = [f"event {n}" for n in range(many)]
            with self.serving(split=True, many=many) as service:
                made = [self.made.batch(100, names) for _ in range(calls)]
                seen = await self._through(service, made, 100, 8)
                memory = max(service.rss())
            name = "one destination" if many == 1 else f"{many:,} destinations"
            least = "2,500" if many > 1 else ""
            self.table.add(f"batches of 100 for {name}: end to end", _rate(seen.through), least)
        self.table.add("memory with 1,000 destinations", f"{memory:.0f} MiB")


def _rate(number: float) -> str:
    return f"{number:,.0f} events/s"


def _quantiles(took: list[float]) -> str:
    half, most = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    return f"{half:.0f} / {most:.0f} ms"


def machine() -> str:
    """Name what it was measured on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    return (
        f"{datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores"
        f" ({model[1] if model else platform.machine()}), load {os.getloadavg()[0]:.1f} at the"
        f" start, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def write(where: str, table: Table) -> None:
    """Put the table between the marks of the page."""
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    body = "\n".join(["", where + ":", "", *table.lines, ""])
    PAGE.write_text(f"{head}{MARKS[0]}\n{body}\n{MARKS[1]}{tail}", "utf-8")


async def measure(options: argparse.Namespace) -> Table:
    """Run everything."""
    with tempfile.TemporaryDirectory() as folder, sink() as destination:
        bench = Bench(destination, Events(Path(folder)), options)
        for split in (False, True):
            single = await bench.rates(split=split)
            await bench.latency(single / 2, split=split)
        await bench.neighbours()
        await bench.destinations()
        await bench.backlog(options.backlog)
    return bench.table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--singles", type=int, default=20_000, help="calls per round")
    parser.add_argument("--batches", type=int, default=500, help="calls per round")
    parser.add_argument("--backlog", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of half load")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, once")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.singles, options.batches = 1, 2_000, 50
        options.backlog, options.seconds = 20_000, 2.0
    where = machine()
    print(where + "\n")
    table = asyncio.run(measure(options))
    if options.write:
        write(where, table)


if __name__ == "__main__":
    main()
