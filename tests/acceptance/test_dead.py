"""`destinations dead`: whose they are, and what may be done with each by its number."""

import asyncio
import os

import pytest

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import PROGRAM, Operator, track


async def test_dead_letters_tell_whose_they_are_and_go_by_number(operator: Operator) -> None:
    """The list names event, user and messageId; numbers choose; a typing error is told."""
    operator.configure("crm", "other")
    operator.write("events.ndjson", map(track, range(4)))
    operator.simulator.faults.add(Fault(refuse=(0, 1, 2, 3), path="/api/v2/batch", times=None))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    listed = await operator.run("dead", "list", "c.json", "--message", "m-2")
    assert listed.out.count("trackEvent  Order Completed  u2  m-2  ") == 2
    chosen = await operator.run(
        "dead", "list", "c.json", "--json", "--destination", "crm", "--user", "u3"
    )
    [one] = chosen.json()
    assert (one["event"], one["userId"], one["messageId"]) == ("Order Completed", "u3", "m-3")
    number = str(one["id"])
    exported = (await operator.run("dead", "export", "c.json", number)).json()
    assert (exported["userId"], exported["_delivery"]["destination"]) == ("u3", "crm")
    shown = (await operator.run("dead", "show", "c.json", number, "--json")).json()
    assert shown["event"]["messageId"] == "m-3"
    assert (
        "1 dead letter dropped"
        in (await operator.run("dead", "drop", "c.json", number, "--yes")).out
    )
    again = await operator.run("dead", "retry", "c.json", number)
    assert (again.code, again.out) == (1, "0 dead letters queued again\n")
    assert f"there is no such dead letter as {number}" in again.err
    for command in (("dead", "retry"), ("tail",)):
        wrong = await operator.run(*command, "c.json", "--destination", "cmr")
        assert (wrong.code, "there is no destination 'cmr'; there are crm, other" in wrong.err) == (
            2,
            True,
        )
    wrong = await operator.run("dead", "list", "c.json", "--action", "nope")
    assert wrong.err == "no dead letter is of the action 'nope'; there are of trackEvent\n"
    assert (await operator.run("dead", "list", "c.json", "--action", "trackEvent")).err == ""
    replay = await operator.run("replay", "c.json", "--dry-run", "--message", "m-0")
    assert "warning: crm, other: Customer.io orders" in replay.err
    alone = await operator.run("replay", "c.json", "--dry-run", "--message", "m-3")
    assert "warning: other: Customer.io orders" in alone.err


async def test_whoever_looks_needs_no_secrets(operator: Operator) -> None:
    """The service has them; its operator's shell may not. What nobody delivers is told."""
    operator.write("events.ndjson", map(track, range(2)))
    operator.simulator.faults.add(Fault(refuse=(1,), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    del operator.environment["API_KEY"]
    for command in (("status",), ("find", "--user", "u1"), ("dead", "list")):
        looked = await operator.run(*command, "c.json")
        assert looked.code == 0, looked.err
        assert "nobody delivers" not in looked.out
    shown = await operator.run("dead", "show", "c.json", "1")
    assert shown.json()["event"]["userId"] == "u1"
    assert (await operator.run("dead", "retry", "c.json")).code == 0
    waiting = await operator.run("status", "c.json")
    assert "nobody delivers now; start `serve` or `run`" in waiting.out


async def test_nothing_is_dropped_unasked(operator: Operator) -> None:
    """Where nobody can be asked, it takes --yes; how many it would be is told."""
    operator.write("events.ndjson", map(track, range(2)))
    operator.simulator.faults.add(Fault(refuse=(0, 1), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    unasked = await operator.run("dead", "drop", "c.json", stdin=b"y\n")
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    assert unasked.out == "2 dead letters would be dropped\n"
    assert (await operator.run("dead", "list", "c.json")).out.endswith("2 dead letters\n")


@pytest.mark.parametrize(("answer", "code", "left"), [(b"y\n", 0, 1), (b"n\n", 1, 3)])
async def test_what_comes_while_somebody_is_asked_stays(
    operator: Operator, answer: bytes, code: int, left: int
) -> None:
    """Asked were two, so two are dropped; the third came between the question and the answer."""
    operator.write("events.ndjson", map(track, range(2)))
    operator.write("other.ndjson", [track(2)])
    operator.simulator.faults.add(Fault(refuse=(0, 1), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    here, there = os.openpty()
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "dead", "drop", "c.json",
        cwd=operator.folder, env=operator.environment, stdin=there, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(there)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"2 dead letters would be dropped\n"
    operator.simulator.faults.add(Fault(status=400, path="/api/v2/", times=1))
    assert (await operator.run("run", "c.json", "other.ndjson")).code == 5
    os.write(here, answer)
    assert await process.wait() == code
    os.close(here)
    listed = (await operator.run("dead", "list", "c.json")).out
    assert listed.endswith(f"{left} dead letter{'s' if left > 1 else ''}\n")
