"""`destinations dead`: whose they are, and what may be done with each by its number."""

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track


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
    replay = await operator.run("replay", "c.json", "--dry-run", "--message", "m-0")
    assert "warning: crm, other: Customer.io orders" in replay.err
    alone = await operator.run("replay", "c.json", "--dry-run", "--message", "m-3")
    assert "warning: other: Customer.io orders" in alone.err
