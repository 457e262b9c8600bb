"""The page that shows what was seen: `docs/faults.md`."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from tests.faults.fault import Demand, Fault, Result, Size


@dataclass(frozen=True)
class Run:
    """One fault that was run: what came of it, or why it could not be."""

    fault: Fault
    size: Size
    seconds: float
    result: Result | None = None
    unavailable: str = ""
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")

    @classmethod
    def of(cls, fault: Fault, said: Mapping[str, Any]) -> Self:
        """Return the run that ``json`` told of."""
        result = None
        if not said["unavailable"]:
            demands = [Demand(one["text"], one["held"], one["seen"]) for one in said["demands"]]
            result = Result(said["figures"], demands)
        return cls(
            fault, Size(said["size"]), said["seconds"], result, said["unavailable"], said["day"]
        )

    @property
    def verdict(self) -> str:
        """Return the word of the table."""
        if self.result is None:
            return "not run"
        return "**fails**" if self.result.failed else "passes"

    def json(self) -> dict[str, object]:
        """Return it for `--json`, from which a page can be written later."""
        return {
            "size": str(self.size),
            "day": self.day,
            "seconds": round(self.seconds, 1),
            "verdict": self.verdict.strip("*"),
            "unavailable": self.unavailable,
            "figures": self.result.figures if self.result else {},
            "demands": [
                {"text": one.text, "held": one.held, "seen": one.seen}
                for one in (self.result.demands if self.result else ())
            ],
        }


def text(run: Run) -> str:
    """Write what one run saw, for the terminal."""
    lines = [f"{run.fault.id}  {run.fault.title}: {run.verdict.strip('*')} ({run.seconds:.0f} s)"]
    if run.result is None:
        return f"{lines[0]}\n      {run.unavailable}"
    lines += [f"      {name}: {_number(value)}" for name, value in run.result.figures.items()]
    lines += [
        f"      {'ok  ' if one.held else 'FAIL'} {one.text}{f': {one.seen}' if one.seen else ''}"
        for one in run.result.demands
    ]
    return "\n".join(lines)


ROW = re.compile(r"^\| (F\d+) \|.*$", re.MULTILINE)
FALL = re.compile(r"^\* \*\*(F\d+)\*\*.*$", re.MULTILINE)


def markdown(runs: Sequence[Run], old: str = "") -> str:
    """Write the page; of an ``old`` one, what was not run again stays as it is."""
    again = {one.fault.id for one in runs}
    kept = [found for found in ROW.finditer(old) if found[1] not in again]
    rows = {found[1]: found[0] for found in kept} | {one.fault.id: _row(one) for one in runs}
    falls = [(found[1], found[0]) for found in FALL.finditer(old) if found[1] not in again]
    falls += [(one.fault.id, line) for one in runs for line in _falls(one)]
    return "\n".join(
        [
            INTRODUCTION,
            (
                f"{os.cpu_count()} cores of a virtual machine that others use too,"
                f" {platform.system()}, Python {platform.python_version()}."
            ),
            "",
            "| | fault | what passes | verdict | seen | on |",
            "|---|---|---|---|---|---|",
            *(rows[one] for one in sorted(rows, key=_number_of)),
            "",
            "## What falls short",
            "",
            *(
                [line for _, line in sorted(falls, key=lambda one: _number_of(one[0]))]
                or ["Nothing."]
            ),
            "",
        ]
    )


def _row(run: Run) -> str:
    fault = run.fault
    form = ", in short" if run.size is Size.SHORT and run.result else ""
    seen = f"{run.verdict}{form} | {_seen(run)} | {run.day}"
    return f"| {fault.id} | {fault.title} | {fault.limits} | {seen} |"


def _falls(run: Run) -> list[str]:
    if run.result is None:
        return [f"* **{run.fault.id}** was not run: {run.unavailable}."]
    short = [f"* **{run.fault.id}** was run in short only."] if run.size is Size.SHORT else []
    return short + [
        f"* **{run.fault.id}**: {failed.text}; seen: {failed.seen or 'it did not hold'}."
        for failed in run.result.failed
    ]


def _number_of(identifier: str) -> int:
    return int(identifier[1:])


INTRODUCTION = """\
# Faults

What is promised (accepted means delivered or dead-lettered, once each, unchanged) is tried by
breaking things: `make faults` runs every fault below in full and writes this page; `make test` has
a short form of each ("in short" below: the long one has not been run since it was changed). What is
broken is the real thing: processes of `destinations serve` and `run`, their files, their sockets.

The judge is outside of what is broken. An oracle, a process of its own, sends events whose bodies
follow from their numbers, writes each 2xx to a file (with fsync), plays the destinations, and at
the end demands of every fault:

* each acknowledged event was delivered or is a dead letter, with an equal body;
* nothing arrived that was not sent;
* there is one end per event and destination, and accepted = delivered + dead + filtered + queued.
  One exception, counted in the row where it occurs: what was in hand at three ends of a process is
  buried as poison, and a kill may have come between the destination's answer and its settlement;
* a fresh event flows within 5 s, in F8 and F9 once the backlog of the fault is delivered;
* no secret is in any log, page, queue file or dead letter.

```console
$ make faults                                   # all, in full; writes this page
$ .venv/bin/python -m tests.faults F1 F6        # some of them, in short
$ .venv/bin/python -m tests.faults F1 --size long --write docs/faults.md    # its line alone
```
"""


def _seen(run: Run) -> str:
    if run.result is None:
        return run.unavailable
    return "; ".join(f"{name} {_number(value)}" for name, value in run.result.figures.items())


def _number(value: str | float) -> str:
    return f"{value:,}" if isinstance(value, int | float) else value


def as_json(runs: Sequence[Run]) -> Mapping[str, object]:
    """Return all runs by id."""
    return {one.fault.id: one.json() for one in runs}
