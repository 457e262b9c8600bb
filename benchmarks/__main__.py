"""Run the benchmark: ``python -m benchmarks [--rounds N] [--seconds S] [--json FILE]``."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import events

HERE: Final = Path(__file__).parent
PEER: Final = HERE / "peer"
COMPILED: Final = HERE / "compiled"
ROOT: Final = HERE.parent


Figure = dict[str, float]
"""What one measurement gave, per event: ``microseconds`` of time, and of ``cpu``."""


@dataclass
class Row:
    """One row of the table: what is measured, the targets, and what was measured.

    ``other`` is the peer or, where ``is_cost`` says so, what a cost is compared with; ours are
    ``interpreted`` and ``compiled``.
    """

    name: str
    at_least: str
    aim: str
    unit: str = "µs"
    is_cost: bool = False
    other: list[Figure] = field(default_factory=list)
    interpreted: list[Figure] = field(default_factory=list)
    compiled: list[Figure] = field(default_factory=list)

    def shown(self, figures: list[Figure]) -> str:
        """Return the median of what was measured."""
        if not figures:
            return "-"
        middle = median(one["microseconds"] for one in figures)
        return f"{middle / 1e6:.3f} s" if self.unit == "s" else f"{middle:.2f} µs"

    def ratio(self, ours: list[Figure], clock: str = "microseconds") -> str:
        """Return the median of the ratios of paired rounds, by ``microseconds`` or by ``cpu``."""
        if not ours or not self.other:
            return "-"
        pairs = [(a[clock], b[clock]) for a, b in zip(self.other, ours, strict=True)]
        return f"{median(b / a if self.is_cost else a / b for a, b in pairs):.2f}x"

    def line(self) -> str:
        """Return the row of the table."""
        cells = [self.name, self.shown(self.other)]
        for ours in (self.interpreted, self.compiled):
            cells += [self.shown(ours), self.ratio(ours)]
        cells += [self.ratio(self.compiled or self.interpreted, "cpu"), self.at_least, self.aim]
        return f"| {' | '.join(cells)} |"


class Bench:
    """Both sides, interleaved: every round runs each row on one side, then on the other."""

    def __init__(self, folder: Path, sink: str, seconds: float) -> None:
        self.common: dict[str, Any] = {"events": str(folder / "events.ndjson"), "seconds": seconds}
        events.write(folder / "events.ndjson")
        self.sink = sink
        self.node = _peer()
        self.compiled = _compiled()
        if self.node:
            chosen = self.run_peer({"mode": "subscriptions"})["subscriptions"]
            path = folder / "subscriptions.json"
            path.write_text(json.dumps(chosen), "utf-8")
            self.common["subscriptions"] = str(path)

    def run_peer(self, options: dict[str, Any]) -> dict[str, Any]:
        """Run the peer once."""
        command = ["node", str(PEER / "driver.js"), json.dumps({**self.common, **options})]
        return _run(command, PEER)

    def run_ours(self, options: dict[str, Any], *, compiled: bool = False) -> dict[str, Any]:
        """Run our side once, from the sources or as it was compiled."""
        argument = json.dumps({**self.common, **options})
        places = [ROOT, ROOT / "plugins" / "customerio"]
        path = os.pathsep.join(map(str, [COMPILED, *places] if compiled else places))
        # -P: the sources in the working directory are not to come first
        return _run([sys.executable, "-P", "-m", "benchmarks.ours", argument], ROOT, path)

    def differences(self) -> list[str]:
        """Compare what both sides would send for 200 events; return the first differences."""
        options = {"mode": "single", "record": True, "first": 200}
        theirs = [_body(one) for one in self.run_peer(options)["sent"]]
        ours = [_body(one) for one in self.run_ours(options)["sent"]]
        if len(theirs) != len(ours):
            return [f"{len(theirs)} requests against {len(ours)}"]
        return [
            f"{json.dumps(a, sort_keys=True)[:300]}\n    {json.dumps(b, sort_keys=True)[:300]}"
            for a, b in zip(theirs, ours, strict=True)
            if a != b
        ][:3]


def _body(sent: dict[str, Any]) -> Any:
    return [sent["url"].split("/api")[-1], json.loads(sent["body"])]


def _run(command: list[str], folder: Path, path: str = "") -> dict[str, Any]:
    pinned = ["taskset", "-c", "0", *command] if shutil.which("taskset") else command
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        pinned, capture_output=True, text=True, cwd=folder, check=False, env=environment
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _peer() -> bool:
    """Install the peer when there is Node; tell whether it can be run."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("Node.js is not installed: our side is measured alone\n")
        return False
    if not (PEER / "node_modules").exists():
        print("installing the peer (npm) ...")
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        done = subprocess.run(command, cwd=PEER, check=False)
        if done.returncode:
            print("the peer cannot be installed: our side is measured alone\n")
            return False
    return True


def _compiled() -> bool:
    """Compile what is measured as a build would (``hatch_build.py``); tell whether it can be."""
    print("compiling (Cython) ...")
    shutil.rmtree(COMPILED, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(COMPILED), str(ROOT), str(ROOT / "plugins" / "customerio")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HATCH_BUILD_HOOKS_ENABLE": "1"},
    )
    if done.returncode:
        print(f"it cannot be compiled: only the sources are measured\n{done.stderr[-2000:]}")
    return not done.returncode


@contextmanager
def sink(arrivals: Path | None = None) -> Iterator[str]:
    """Run a server that answers `200 {}` to everything; give its URL.

    When each event has come is written to ``arrivals``.
    """
    command = [sys.executable, "-m", "benchmarks.sink", *([str(arrivals)] if arrivals else [])]
    cores = os.cpu_count() or 1
    if shutil.which("taskset") and cores > 1:
        command = ["taskset", "-c", "1", *command]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  PIPE was asked for
        assert process.stdin is not None  # noqa: S101
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def _round(bench: Bench, rows: dict[str, Row], *, ours_first: bool) -> None:
    """Measure every row once; who goes first alternates, for the machine may drift."""
    for name, options in {
        "single": {"mode": "single"},
        "batch": {"mode": "batch"},
        "single-sink": {"mode": "single", "sink": bench.sink},
        "batch-sink": {"mode": "batch", "sink": bench.sink},
    }.items():
        row = rows[name]
        if bench.node and not ours_first:
            row.other.append(_figure(bench.run_peer(options)))
        _measure(bench, row, options)
        if bench.node and ours_first:
            row.other.append(_figure(bench.run_peer(options)))
    bare, single = rows["bare"], rows["single-sink"]
    bare.other.append(_figure(bench.run_ours({"mode": "bare", "sink": bench.sink})))
    bare.interpreted, bare.compiled = single.interpreted, single.compiled
    for name, mode, many in (
        ("events", "subscriptions-event", 1000),
        ("properties", "subscriptions-property", 1000),
        ("plugins", "plugins", 200),
    ):
        one = {"mode": mode, "count": 1}
        rows[name].other.append(_figure(bench.run_ours(one, compiled=bench.compiled)))
        _measure(bench, rows[name], {"mode": mode, "count": many}, only=bench.compiled)
    rows["help"].interpreted.append(_start_up())


def _measure(bench: Bench, row: Row, options: dict[str, Any], *, only: bool = False) -> None:
    """Measure our side, as sources and compiled; or as it was compiled only."""
    if not only:
        row.interpreted.append(_figure(bench.run_ours(options)))
    if bench.compiled:
        row.compiled.append(_figure(bench.run_ours(options, compiled=True)))


def _figure(measured: dict[str, Any]) -> Figure:
    return {"microseconds": measured["microseconds"], "cpu": measured["cpu"]}


def _start_up() -> Figure:
    """Measure `destinations --help`."""
    command = [str(Path(sys.executable).with_name("destinations")), "--help"]
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    seconds, after = time.perf_counter() - started, os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return {"microseconds": seconds * 1e6, "cpu": spent * 1e6}


def _rows() -> dict[str, Row]:
    return {
        "single": Row("single event, 15 subscriptions, stubbed HTTP", "15x", "25x"),
        "batch": Row("batch of 100, stubbed HTTP", "4x", "6x"),
        "single-sink": Row("single event, real sink, 50 in flight", "4x", "6x"),
        "bare": Row("the same against a bare aiohttp loop", "≤ 1.25x", "≤ 1.1x", is_cost=True),
        "batch-sink": Row("batch of 100, real sink, 8 in flight", "4x", "5x"),
        "events": Row("1,000 against 1 subscription (event)", "≤ 2x", "≤ 1.2x", is_cost=True),
        "properties": Row(
            "1,000 against 1 subscription (property)", "≤ 4x", "≤ 1.5x", is_cost=True
        ),
        "plugins": Row("200 against 1 installed plugins", "≤ 1.1x", "≤ 1.02x", is_cost=True),
        "help": Row("`destinations --help`", "≤ 0.15 s", "≤ 0.08 s", unit="s"),
    }


def _table(rows: dict[str, Row]) -> str:
    titles = [
        *("", "peer or reference", "interpreted", "ratio", "compiled", "ratio", "by CPU time"),
        *("at least", "aim"),
    ]
    head = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return "\n".join([*head, *(row.line() for row in rows.values())])


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement")
    parser.add_argument("--json", type=Path, help="write every single figure to this file")
    options = parser.parse_args()
    rows = _rows()
    with tempfile.TemporaryDirectory() as folder, sink() as address:
        bench = Bench(Path(folder), address, options.seconds)
        if bench.node:
            different = bench.differences()
            print(f"requests of 200 events: {'equal' if not different else 'DIFFERENT'}")
            print("\n".join(different))
        memory = {"ours": bench.run_ours({"mode": "single"}, compiled=bench.compiled)["rss"]}
        if bench.node:
            memory["peer"] = bench.run_peer({"mode": "single"})["rss"]
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            _round(bench, rows, ours_first=number % 2 == 1)
    print(_table(rows))
    print("\nmemory, MiB: " + ", ".join(f"{k} {v / 2**20:.0f}" for k, v in memory.items()))
    if options.json:
        figures = {name: vars(row) for name, row in rows.items()}
        options.json.write_text(json.dumps({"rows": figures, "memory": memory}, indent=1), "utf-8")


if __name__ == "__main__":
    main()
