"""`destinations replay`: what has died, or what an archive holds, goes out again."""

import gzip
import json

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import held


async def test_dead_letters_go_out_again_at_a_rate(operator: Operator) -> None:
    """Those that are chosen, whatever deduplication remembers; the others stay."""
    operator.write("events.ndjson", map(track, range(6)))
    operator.simulator.faults.add(Fault(refuse=(1, 2, 4), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    options = ("replay", "c.json", "--since", "1h", "--reason", "Scripted", "--rate", "500")
    tried = await operator.run(*options, "--user", "u4", "--dry-run")
    assert "1 delivery would be queued again" in tried.out, tried.err
    assert "older than what a person has" in tried.err
    for query in (("--user", "nobody"), ("--until", "1h"), ("--code", "X"), ("--action", "x")):
        assert "0 deliveries" in (await operator.run(*options, *query)).out
    assert "1 delivery queued" in (await operator.run(*options, "--user", "u4")).out
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == [0, 3, 4, 5]
    told = (await operator.run(*options, "--json")).json()
    assert (told["queued"], told["dry_run"]) == (2, False)
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == [0, 1, 2, 3, 4, 5]
    assert (await operator.run("dead", "list", "c.json", "--json")).json() == []


async def test_an_archive_goes_out_again(operator: Operator) -> None:
    """By time, user, action and destination; the destination gets the ids it got before."""
    moments = [f"2026-01-0{day}T12:00:00Z" for day in range(1, 6)]
    events = [{**track(n), "timestamp": at} for n, at in enumerate(moments)]
    operator.write("archive.ndjson", [*events, {**track(9), "timestamp": None}, "no event"])
    assert (await operator.run("run", "c.json", "archive.ndjson")).code == 1
    assert held(operator) == [0, 1, 2, 3, 4, 9]
    before = {one.id for one in operator.simulator.state.events}
    operator.simulator.reset()
    window = ("--since", "2026-01-02", "--until", "2026-01-04T12:00:00Z")
    replay = await operator.run("replay", "c.json", "archive.ndjson", *window)
    assert replay.code == 1
    assert "3 deliveries queued again" in replay.out
    assert "line 6: has no `timestamp` to choose by" in replay.err
    assert "line 7" in replay.err
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == [1, 2, 3]
    assert {one.id for one in operator.simulator.state.events} <= before
    for query in (("--action", "deletePerson"), ("--user", "u7")):
        assert (
            "0 deliveries" in (await operator.run("replay", "c.json", "archive.ndjson", *query)).out
        )
    one = ("--action", "trackEvent", "--user", "u4", "--destination", "customerio")
    assert "1 delivery" in (await operator.run("replay", "c.json", "archive.ndjson", *one)).out
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == [1, 2, 3, 4]


async def test_a_deletion_of_an_archive_is_queued_or_told(operator: Operator) -> None:
    """It is for every destination and of no action; an event goes only where it may."""
    deletion = {"type": "delete", "userId": "u1", "messageId": "d1"}
    operator.write("archive.ndjson", [deletion, {**track(2), "integrations": {"All": False}}])
    replay = await operator.run("replay", "c.json", "archive.ndjson")
    assert (replay.code, replay.out) == (0, "1 delivery queued again\n"), replay.err
    assert replay.err.count("left out") == 0
    chosen = ("replay", "c.json", "archive.ndjson", "--action", "trackEvent")
    replay = await operator.run(*chosen)
    assert (replay.code, replay.out) == (0, "0 deliveries queued again\n")
    assert "left out: 1 deletion: of no action" in replay.err
    assert (await operator.run(*chosen, "--json")).json()["deletions_left_out"] == 1


async def test_an_archive_may_be_standard_input(operator: Operator) -> None:
    """Gzipped or not; what cannot be read has its line."""
    lines = "".join(json.dumps(track(n)) + "\n" for n in range(3)).encode()
    for archive, code in ((lines, 0), (gzip.compress(lines), 0), (lines + b"nonsense\n", 1)):
        replay = await operator.run("replay", "c.json", "-", "--user", "u1", stdin=archive)
        assert (replay.code, replay.out) == (code, "1 delivery queued again\n"), replay.err
    assert "unreadable: (stdin): line 4: event is not JSON" in replay.err
    assert (await operator.run("run", "c.json")).code == 0
    assert set(held(operator)) == {1}


async def test_what_replay_does_not_take(operator: Operator) -> None:
    """Each mistake says what there is instead."""
    operator.write("archive.ndjson", [track(1)])
    for arguments, told in (
        (("--destination", "x"), "there are customerio"),
        (("archive.ndjson", "--code", "X"), "an archive has none"),
        (("nothing.ndjson",), "no such file"),
        (("--since", "yesterday"), "an age as 2h"),
        ((), "nothing was queued"),
    ):
        ended = await operator.run("replay", "c.json", *arguments)
        assert (ended.code, told in ended.err) == (2, True), ended.err


async def test_what_grew_too_old_is_deleted_and_told(operator: Operator) -> None:
    """By the log when it happens, and by `dead list` and `status` ever after."""
    config = json.loads((operator.folder / "c.json").read_text())
    config["queue"] = {"dead_retention": 0.001}
    (operator.folder / "c.json").write_text(json.dumps(config))
    operator.write("events.ndjson", map(track, range(3)))
    operator.simulator.faults.add(Fault(refuse=(1, 2), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    upkeep = await operator.run("run", "c.json", "--log-json")
    assert "customerio: 2 dead letters are too old and were deleted" in upkeep.err
    listed = await operator.run("dead", "list", "c.json")
    assert listed.out == "0 dead letters\n"
    assert "2 older ones were deleted after" in listed.err
    counts = (await operator.run("status", "c.json", "--json")).json()["destinations"]
    assert (counts["customerio"]["dead"], counts["customerio"]["expired"]) == (2, 2)
    assert counts["customerio"]["difference"] == 0
