"""The runner: everything that is accepted is delivered or dead-lettered."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

import destination_core as dc
from destination_core.http import Request, Response
from destination_core.queue import Intake, SqliteQueue
from destination_core.runner import Intakes, Policy
from destination_core.runner.intake import user
from tests import acme
from tests.running import FAST, Destinations, connection, person, running, settled


async def test_what_is_put_is_delivered_everywhere(tmp_path: Path) -> None:
    """Every destination gets every event that it wants, once."""
    world = Destinations()
    async with running(tmp_path / "q", world, "a", "b") as runner:
        await runner.put("web", [person(n) for n in range(50)])
        await runner.put("web", [person(n) for n in range(60)])
        await runner.put("web", [{"type": "track", "event": "unwanted"}])
        counts = await settled(runner)
    everybody = sorted(f"u{n}" for n in range(60))
    assert sorted(world.got["a"]) == sorted(world.got["b"]) == everybody
    assert (counts["a"].delivered, counts[""].duplicates, counts[""].filtered) == (60, 50, 1)


@pytest.mark.parametrize(
    ("integrations", "wanted"),
    [
        ({}, ["a", "b"]),
        ({"a": False}, ["b"]),
        ({"All": False}, []),
        ({"All": False, "b": True}, ["b"]),
        ({"All": False, "Acme CRM": {"option": 1}}, ["a", "b"]),
        ({"All": False, "Acme CRM": {}}, ["a", "b"]),
        ({"All": {}, "a": None}, ["b"]),
        ({"Acme CRM (Actions)": False, "b": True}, ["b"]),
        ("nonsense", ["a", "b"]),
    ],
)
async def test_integrations_choose_destinations(
    tmp_path: Path, integrations: Any, wanted: list[str]
) -> None:
    """By the connection's name, the destination's title or slug; `All` is true by default."""
    async with running(tmp_path / "q", Destinations(), "a", "b") as runner:
        assert runner._intakes.destinations(person(1, integrations=integrations)) == wanted


async def test_a_reload_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The old connections go on when one of the new ones cannot be made."""
    world = Destinations()
    async with running(tmp_path / "q", world, "a") as runner:
        with pytest.raises(AttributeError):
            await runner.reload([connection("b"), None], {})  # type: ignore[list-item]
        await runner.put("web", [person(1)])
        await settled(runner)
        assert set(runner.workers) == {"a"}
    assert world.got == {"a": ["u1"]}


async def test_a_failure_for_now_is_tried_again(tmp_path: Path) -> None:
    """Twice 503, then it goes through; nobody else is tried again."""
    world, failures = Destinations(), {"u3": 2}

    def answer(_: str, who: str) -> Response:
        failures[who] = failures.get(who, 0) - 1
        return Response(503 if failures[who] >= 0 else 200, {}, b"{}")

    world.answer = answer
    async with running(tmp_path / "q", world) as runner:
        for n in range(6):  # one by one: a batch would fail as a whole
            await runner.put("web", [person(n)])
            await settled(runner)
    assert world.got["a"] == [f"u{n}" for n in range(6)]


async def test_a_failure_for_good_is_a_dead_letter(tmp_path: Path) -> None:
    """With event, payload, request (redacted), response, reason; its neighbours are delivered."""
    world = Destinations()
    world.answer = lambda _, who: Response(422 if who == "u1" else 200, {}, b'{"error": "bad"}')
    async with running(tmp_path / "q", world) as runner:
        await runner.put("web", [person(n) for n in range(3)])
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert (counts["a"].delivered, counts["a"].dead) == (2, 1)
    record = orjson.loads(letter.record)
    assert record["event"]["userId"] == "u1"
    (delivery,) = record["deliveries"]
    assert delivery["payload"]["id"] == "u1"
    assert delivery["requests"][0]["response"]["status"] == 422
    assert b"key-of-a" not in letter.record
    assert "422" in letter.reason


async def test_an_event_that_never_goes_through_is_dead_in_the_end(tmp_path: Path) -> None:
    """After window and attempts, both; until then it is kept."""
    world = Destinations()
    world.answer = lambda _, __: Response(500, {}, b"{}")
    async with running(tmp_path / "q", world) as runner:
        await runner.put("web", [person(1)])
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert counts["a"].dead == 1
    assert orjson.loads(letter.record)["attempts"] == FAST.retry_attempts


async def test_a_destination_that_is_down_does_not_slow_the_others(tmp_path: Path) -> None:
    """Its breaker opens, its events are kept; the other gets all of its own."""
    world = Destinations()
    asked = []

    def answer(name: str, who: str) -> Response:
        if name == "b":
            return Response(200, {}, b"{}")
        asked.append(who)
        return Response(503, {}, b"{}")

    world.answer = answer
    patient = Policy(backoff=0.01, backoff_limit=0.02, chunk=10)
    async with running(tmp_path / "q", world, "a", "b", policy=patient) as runner:
        for start in range(0, 1_000, 50):
            await runner.put("web", [person(n) for n in range(start, start + 50)])
        async with asyncio.timeout(10):
            while len(world.got.get("b", [])) < 1_000:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        counts = await runner.queue.counts()
        assert runner.workers["a"].breaker.state == "open"
    assert counts["a"].queued == 1_000
    assert len(asked) <= 10 * patient.chunk  # each chunk is one request


async def test_wrong_credentials_pause_and_keep(tmp_path: Path) -> None:
    """One 401 is enough; nothing is dead, and nothing is tried in vain."""
    world = Destinations()
    asked = []

    def answer(_: str, who: str) -> Response:
        asked.append(who)
        return Response(401, {}, b"{}")

    world.answer = answer
    async with running(tmp_path / "q", world) as runner:
        await runner.put("web", [person(1)])
        await asyncio.sleep(0.2)
        await runner.put("web", [person(2)])
        await asyncio.sleep(0.2)
        counts = await runner.queue.counts()
        assert "401" in runner.workers["a"].breaker.reason
    assert (counts["a"].queued, counts["a"].dead, len(asked)) == (2, 0, 1)


async def test_retry_after_is_waited_for_and_costs_no_attempt(tmp_path: Path) -> None:
    """A destination that asks for a second gets it."""
    world = Destinations()
    times: list[float] = []

    def answer(_: str, __: str) -> Response:
        times.append(time.monotonic())
        if len(times) == 1:
            return Response(429, {"Retry-After": "1"}, b"{}")
        return Response(200, {}, b"{}")

    world.answer = answer
    async with running(tmp_path / "q", world) as runner:
        await runner.put("web", [person(1)])
        await settled(runner)
    first, second = times
    assert second - first >= 0.99


async def test_draining_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """What is in flight is settled, the rest is kept for the next start; nothing goes twice."""
    world = Destinations()
    world.answer = lambda _, __: 0.05
    one_by_one = Policy(chunk=5, ahead=2)
    async with running(tmp_path / "q", world, policy=one_by_one) as runner:
        await runner.put("web", [person(n) for n in range(200)])
        await asyncio.sleep(0.12)
    sent = list(world.got["a"])
    assert 0 < len(sent) < 200
    async with running(tmp_path / "q", world) as runner:
        counts = await settled(runner)
    assert counts["a"].delivered == 200
    assert sorted(world.got["a"]) == sorted(f"u{n}" for n in range(200))


async def test_an_event_in_hand_at_three_crashes_is_poison(tmp_path: Path) -> None:
    """It is dead-lettered, and its neighbours are delivered."""
    path = tmp_path / "q"
    now = 0.0
    async with SqliteQueue(path, clock=lambda: now, min_free_bytes=0) as queue:
        intakes = Intakes([connection("a")], queue, lambda _: None, clock=lambda: now)
        await intakes.put("web", [person(1)])
        for _ in range(4):
            await queue.claim("a", 1, 60)  # and never settled: a crash, as the next one sees
            now += 61
        await intakes.put("web", [person(2)])
    world = Destinations()
    async with running(path, world) as runner:
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert world.got["a"] == ["u2"]
    assert (counts["a"].dead, letter.code) == (1, "POISON")
    assert "3 times" in letter.reason


async def test_a_deletion_waits_for_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An identify that is tried again would bring the user back."""
    monkeypatch.setattr("destination_core.runner.worker.BEHIND_SECONDS", 0.05)
    world = Destinations()
    refusals = [Response(503, {}, b"")] * 2
    world.answer = lambda _, __: refusals.pop() if refusals else Response(200, {}, b"{}")
    policy = Policy(backoff=0.2, backoff_limit=0.3, batch_age=0)

    async def on_delete(deletion: dc.Deletion) -> None:
        world.got.setdefault("deleted", []).append(str(deletion.user_id))
        world.got["before"] = list(world.got.get("a", []))

    plugin = SimpleNamespace(
        register_destination=acme.register_destination,
        extend_request=acme.extend_request,
        on_delete=dc.hookimpl(on_delete),
        __name__="acme",
    )
    async with running(tmp_path / "q", world, policy=policy, plugin=plugin) as runner:
        await runner.put("web", [person(1), {"type": "delete", "userId": "u1", "messageId": "d1"}])
        counts = await settled(runner)
    assert world.got["before"] == ["u1"]
    assert world.got["deleted"] == ["u1"]
    assert (counts["a"].delivered, counts["a"].dead) == (2, 0)


async def test_what_a_start_finds_waits_for_no_company(tmp_path: Path) -> None:
    """It has waited: `batch_age` is for what comes from now on."""
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as queue:
        await queue.put([Intake("web", "m1", orjson.dumps(person(1)), ("a",), 1.0)])
    world = Destinations()
    async with running(tmp_path / "q", world, policy=Policy(batch_age=60)) as runner:
        await settled(runner)
    assert world.got == {"a": ["u1"]}


async def test_events_wait_for_company_in_a_batch(tmp_path: Path) -> None:
    """As long as `batch_age` says: three that come one after the other leave together."""
    world = Destinations()
    requests: list[int] = []
    send = world.send

    async def counted(request: Request) -> Response:
        requests.append(len(orjson.loads(request.body or b"[]")))
        return await send(request)

    world.send = counted  # type: ignore[method-assign]
    async with running(tmp_path / "q", world, policy=Policy(batch_age=0.3)) as runner:
        await asyncio.sleep(0.4)
        for n in range(3):
            await runner.put("web", [person(n)])
        await settled(runner)
    assert requests == [3]


async def test_the_rate_of_a_destination_is_kept(tmp_path: Path) -> None:
    """No burst of a second's worth, and then no more than was set."""
    world = Destinations()
    slow = Policy(rate=5, batch_age=0, chunk=1)
    async with running(tmp_path / "q", world, policy=slow) as runner:
        started = time.monotonic()
        await runner.put("web", [person(n) for n in range(10)])
        await settled(runner)
        seconds = time.monotonic() - started
    assert len(world.got["a"]) == 10
    assert seconds >= 1.7  # one at once, nine at five a second


@pytest.mark.parametrize("same", [42, 42.0, "42"])
def test_an_id_is_the_text_that_destinations_get(same: object) -> None:
    """One user has one line, whichever way a source writes their number; others have none."""
    assert user({"userId": same}) == "userId:42"
    assert user({"userId": "", "anonymousId": same}) == "anonymousId:42"
    assert [user({"userId": other}) for other in (True, None, "", [1], {})] == [""] * 5


@pytest.mark.parametrize("users", [("ada", "bob"), (0, 42)], ids=["texts", "numbers"])
async def test_order_by_user_holds_across_retries(tmp_path: Path, users: tuple[Any, ...]) -> None:
    """Whatever is refused at first, the events of a user arrive in the order of their receipt."""
    world = Destinations()
    refused: set[str] = set()

    def answer(_: str, who: str) -> Response:
        if int(who.split("-")[1]) % 3 == 0 and who not in refused:
            refused.add(who)
            return Response(503, {}, b"")
        return Response(200, {}, b"{}")

    world.answer = answer
    policy = FAST.model_copy(update={"order": "user", "chunk": 1, "retry_attempts": 10})
    async with running(tmp_path / "q.db", world, policy=policy) as runner:
        events = [
            {"type": "identify", "userId": user, "traits": {"tag": f"{user}-{number}"}}
            for number in range(12)
            for user in users
        ]
        await runner.put("web", events)
        counts = await settled(runner)
    assert counts["a"].delivered == 24
    assert len(refused) == 8
    for whose in users:
        mine = [one for one in world.got["a"] if one.startswith(f"{whose}-")]
        assert mine == [f"{whose}-{number}" for number in range(12)]
