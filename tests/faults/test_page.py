"""The page of the faults: each run rewrites its own lines, and no others."""

from pathlib import Path

from tests.faults import page
from tests.faults.fault import Fault, Result, Size


async def _never(_: Size, __: Path) -> Result:
    raise AssertionError


def _run(identifier: str, *, held: bool, figure: int) -> page.Run:
    result = Result({"events": figure})
    result.demand("nothing is lost", held, figure)
    return page.Run(Fault(identifier, "a fault", "0 lost", _never), Size.LONG, 1.0, result)


def test_a_run_rewrites_its_own_lines() -> None:
    """Those of other faults stay, what falls short included; the order is that of the ids."""
    old = page.markdown([_run("F10", held=False, figure=7), _run("F2", held=False, figure=8)])
    new = page.markdown([_run("F2", held=True, figure=9)], old)
    rows = [line for line in new.splitlines() if line.startswith("| F")]
    assert [row.split(" | ")[0] for row in rows] == ["| F2", "| F10"]
    assert "| passes | events 9 |" in rows[0]
    assert "| **fails** | events 7 |" in rows[1]
    assert [line for line in new.splitlines() if line.startswith("* **F")] == [
        "* **F10**: nothing is lost; seen: 7."
    ]


def test_what_a_run_wrote_can_be_shown_later() -> None:
    """The same line as if it had been run just now."""
    run = _run("F3", held=False, figure=5)
    again = page.Run.of(run.fault, run.json() | {"day": run.day})
    assert page.markdown([again]) == page.markdown([run])
