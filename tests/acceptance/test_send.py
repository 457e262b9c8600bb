"""`destinations send` against the simulator, over real sockets and in its own process."""

import gzip
import json
import signal

import pytest

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track


def held(operator: Operator) -> list[int]:
    """Return the numbers of the events that the simulator holds, sorted."""
    return sorted(one.attributes["number"] for one in operator.simulator.state.events)


async def test_files_of_every_kind_are_delivered(operator: Operator) -> None:
    """NDJSON, gzip, a JSON array and standard input, in one run."""
    operator.write("a.ndjson", map(track, range(3)))
    lines = "\n".join(json.dumps(track(n)) for n in range(3, 5))
    (operator.folder / "b.gz").write_bytes(gzip.compress(lines.encode()))
    (operator.folder / "c.events").write_text(json.dumps([track(5), track(6)]), "utf-8")
    stdin = json.dumps(track(7)).encode()
    run = await operator.run("send", "c.json", "a.ndjson", "b.gz", "c.events", "-", stdin=stdin)
    assert run.code == 0, run.err
    assert "8 events" in run.out
    assert held(operator) == list(range(8))


async def test_failures_go_again_only_where_they_failed(operator: Operator) -> None:
    """The file of failures is accepted by `send`, and repeats nothing that was delivered."""
    operator.configure("one", "two")
    operator.write("events.ndjson", map(track, range(4)))
    operator.simulator.faults.add(Fault(refuse=(2,), path="/api/v2/batch", times=1))
    run = await operator.run("send", "c.json", "events.ndjson", "--failures", "failed", "--json")
    assert run.code == 5
    assert run.json()["outcomes"] == {"delivered": 7, "refused": 1}
    (failed,) = [json.loads(x) for x in (operator.folder / "failed").read_text().splitlines()]
    assert failed["_delivery"]["destination"] in {"one", "two"}
    again = await operator.run("send", "c.json", "failed", "--json")
    assert (again.code, again.json()["outcomes"]) == (0, {"delivered": 1})


async def test_what_is_refused_for_now_is_tried_again(operator: Operator) -> None:
    """One 503 with Retry-After is waited for, and nothing is lost or doubled."""
    operator.write("events.ndjson", map(track, range(3)))
    operator.simulator.faults.add(Fault(status=503, headers={"Retry-After": "0"}, times=1))
    run = await operator.run("send", "c.json", "events.ndjson")
    assert run.code == 0, run.out
    assert held(operator) == [0, 1, 2]


async def test_wrong_credentials_are_4(operator: Operator) -> None:
    """Both `check --live` and `send` say so."""
    operator.environment["API_KEY"] = "another-key"
    operator.write("events.ndjson", [track(1)])
    check = await operator.run("check", "c.json", "--live")
    send = await operator.run("send", "c.json", "events.ndjson")
    assert (check.code, send.code) == (4, 4)
    assert "401" in send.out
    assert "another-key" not in check.err + send.out


async def test_credentials_that_nobody_could_try_are_not_refused(operator: Operator) -> None:
    """A destination that is down says nothing about them: 5, and what failed."""
    operator.simulator.faults.add(Fault(status=503, times=None))
    check = await operator.run("check", "c.json", "--live")
    assert (check.code, "could not be tried" in check.out, "503" in check.err) == (5, True, True)


async def test_good_credentials_are_0(operator: Operator) -> None:
    """`check --live` asks the destination."""
    check = await operator.run("check", "c.json", "--live")
    assert (check.code, "credentials are good" in check.out) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_finishes_what_was_read(operator: Operator, number: int) -> None:
    """What is in flight is delivered, and the message says where to go on: nothing is lost."""
    total = 6_000
    operator.write("events.ndjson", map(track, range(total)))
    operator.simulator.faults.add(Fault(delay=0.2, times=None))
    process = await operator.start("send", "c.json", "events.ndjson")
    await operator.answered()
    process.send_signal(number)
    run = await operator.ended(process)
    assert run.code == 130, run.err
    assert "go on with --from-line " in run.err
    line = run.err.split("--from-line ")[1].split()[0]
    assert held(operator) == list(range(int(line) - 1))
    operator.simulator.faults.clear()
    rest = await operator.run("send", "c.json", "events.ndjson", "--from-line", line)
    assert rest.code == 0
    assert held(operator) == list(range(total))


async def test_deletions_are_passed_on(operator: Operator) -> None:
    """An event of type delete asks every destination to forget the user."""
    operator.write("events.ndjson", [track(1), track(2)])
    await operator.run("send", "c.json", "events.ndjson")
    operator.write("delete.ndjson", [{"type": "delete", "userId": "u1"}])
    run = await operator.run("send", "c.json", "delete.ndjson")
    assert run.code == 0, run.out
    assert [one.identifiers.get("id") for one in operator.simulator.state.people] == ["u2"]


@pytest.mark.parametrize("status", [200, 207, 400, 503])
async def test_a_destination_that_repeats_the_credentials(operator: Operator, status: int) -> None:
    """An answer with the credentials in it is shown and kept without them."""
    key, site = operator.simulator.api_key, operator.simulator.site_id
    operator.write("events.ndjson", [track(1)])
    for index in (0, 1):  # an item that was sent, and one that was not
        error = {"batch_index": index, "field": key, "message": f"{site}:{key} is wrong"}
        operator.simulator.faults.clear()
        operator.simulator.faults.add(Fault(status=status, body={"errors": [error]}, times=None))
        options = ("--failures", f"failed-{index}", "--retries", "0", "--json")
        run = await operator.run("send", "c.json", "events.ndjson", *options)
        assert run.code == 5  # and the operator has looked for the credentials
        failed = (operator.folder / f"failed-{index}").read_text("utf-8")
        assert "[redacted]:[redacted] is wrong" in failed


async def test_a_deletion_keeps_its_place(operator: Operator) -> None:
    """It forgets what came before it in the file, and nothing that comes after."""
    identify = [
        {"type": "identify", "userId": who, "messageId": f"m-{who}"} for who in ("old", "new")
    ]
    deletions = [{"type": "delete", "userId": who} for who in ("old", "new")]
    operator.write("events.ndjson", [identify[0], *deletions, identify[1], *map(track, range(3))])
    run = await operator.run("send", "c.json", "events.ndjson", "--json")
    assert run.json()["outcomes"] == {"delivered": 7}
    state = operator.simulator.state
    assert state.person(id="old") is None
    assert state.person(id="new") is not None
    assert held(operator) == [0, 1, 2]
