"""`destinations run`: what it says that it did."""

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track


async def test_it_reports_this_run_as_text_and_as_json(operator: Operator) -> None:
    """The sums of the queue are beside it, under a key that says so."""
    nobody = {**track(9), "messageId": "m-n", "integrations": {"All": False}}
    operator.write("first", [track(0), track(1), nobody])
    first = await operator.run("run", "c.json", "first")
    assert first.out == (
        "1 filtered (no subscription matches, or `integrations` excludes it)\n"
        "customerio: 2 delivered, 0 dead, 0 queued\n"
    )
    operator.simulator.faults.add(Fault(refuse=(0,), path="/api/v2/batch", times=1))
    operator.write("second", [track(n) for n in range(1, 5)])
    told = (await operator.run("run", "c.json", "second", "--json")).json()
    assert told["destinations"] == {
        "customerio": {"accepted": 3, "delivered": 2, "dead": 1, "filtered": 0, "queued": 0}
    }
    assert (told["filtered"], told["duplicates"], told["unreadable"]) == (0, 1, [])
    assert told["queue"]["customerio"]["delivered"] == 4
    assert told["queue"]["(none)"]["filtered"] == 1
    status = (await operator.run("status", "c.json", "--json")).json()
    assert status["duplicates"] == 1
    assert all("duplicates" not in one for one in status["destinations"].values())
