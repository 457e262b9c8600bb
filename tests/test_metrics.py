"""Metrics: everything is counted, nothing is unaccounted for, labels are bounded."""

import asyncio
from pathlib import Path

import pytest

from destination_core import metrics
from destination_core.errors import Paused, RetryableError
from destination_core.http import Request, Response
from destination_core.work import Delivery
from tests.observed import observed, person


async def test_outcomes_attempts_and_latency(tmp_path: Path) -> None:
    """One that is tried again counts each time; an attempt by what its end stands for."""
    async with observed(tmp_path / "q", 503, 200) as here:
        await here.runner.put("web", [person(1), {"type": "track", "event": "unwanted"}])
        await here.runner.put("web", [person(1)])
        await here.settled()
        seen = await here.values()
    labels = 'action="upsertContact",code="{}",destination="a",status="{}"'
    outcomes = "destinations_deliveries_total{{{}}}"
    assert seen[outcomes.format(labels.format("", "delivered"))] == 1
    assert seen[outcomes.format(labels.format("SERVICE_UNAVAILABLE", "retryable"))] == 1
    attempts = 'destinations_attempt_seconds_count{{destination="a",outcome="{}"}}'
    assert [seen[attempts.format(one)] for one in ("ok", "retryable")] == [1, 1]
    assert seen['destinations_latency_seconds_count{destination="a"}'] == 1
    assert seen['destinations_queue_deliveries{destination="",state="filtered"}'] == 1
    assert seen["destinations_duplicates_total"] == 1
    assert seen['destinations_worker_up{destination="a"}'] == 1
    assert seen["destinations_queue_commit_seconds_count"] > 0
    assert (
        seen["destinations_queue_commit_seconds_count"]
        == seen['destinations_queue_commit_seconds_bucket{le="+Inf"}']
        >= seen['destinations_queue_commit_seconds_bucket{le="0.005"}']
    )
    assert seen["destinations_queue_commit_seconds_sum"] > 0
    assert seen["destinations_queue_bytes"] > 0


async def test_dead_letters_and_breaker(tmp_path: Path) -> None:
    """Dead letters are those that are kept; the breaker has one state of three."""
    async with observed(tmp_path / "q", 400) as here:
        await here.runner.put("web", [person(n) for n in range(3)])
        await here.settled()
        dead = await here.values()
        await here.queue.drop([one.id for one in await here.queue.dead_letters(limit=1)])
        dropped = await here.values()
    assert dead['destinations_dead_letters{destination="a"}'] == 3
    assert dropped['destinations_dead_letters{destination="a"}'] == 2
    assert dropped['destinations_queue_deliveries{destination="a",state="dead"}'] == 3
    states = [
        dead[f'destinations_breaker_state{{destination="a",state="{state}"}}']
        for state in ("closed", "open", "probing")
    ]
    assert states == [1, 0, 0]


async def test_nothing_is_ever_unaccounted_for(tmp_path: Path) -> None:
    """Accepted = delivered + dead + filtered + damaged + queued, at every moment under load."""

    def answer(request: Request) -> Response:
        number = hash(request.body) % 10
        status = {0: 503, 1: 400, 2: 429}.get(number, 200)
        return Response(status, {"content-type": "application/json"}, b"{}")

    async with observed(tmp_path / "q", answer, names=("a", "b", "c")) as here:

        async def load(first: int) -> None:
            for number in range(first, first + 200, 10):
                await here.runner.put("web", [person(n) for n in range(number, number + 10)])
                await here.runner.put("web", [person(n) for n in range(number, number + 5)])
                await here.runner.put("web", [{"type": "page", "messageId": f"p{number}"}])

        loading = asyncio.gather(*(load(n) for n in range(0, 1_000, 200)))
        looked = []
        while not loading.done() or len(looked) < 20:
            seen = await here.values()
            looked.append([seen[name] for name in seen if "conservation_difference" in name])
        await loading
        await here.settled()
        at_the_end = await here.values()
    assert not [one for differences in looked for one in differences if one]
    accepted = {
        name: at_the_end[f'destinations_queue_deliveries{{destination="{name}",state="accepted"}}']
        for name in ("a", "b", "c", "")
    }
    assert accepted == {"a": 1_000, "b": 1_000, "c": 1_000, "": 100}
    assert at_the_end["destinations_duplicates_total"] == 500


async def test_what_was_not_tried_is_no_outcome(tmp_path: Path) -> None:
    """A destination that is left alone would otherwise seem to fail all the time."""
    async with observed(tmp_path / "q") as here:
        for error in (Paused("a: left alone", retry_after=5.0), RetryableError("503")):
            delivery = Delivery(person(1), "a", "Upsert", "upsertContact", error=error, attempts=1)
            here.metrics._observe("a", [], [[delivery]])
        seen = await here.values()
    outcomes = [name for name in seen if name.startswith("destinations_deliveries_total")]
    assert [("PAUSED" in name, 'status="retryable"' in name) for name in outcomes] == [
        (False, True)
    ]


async def test_warnings_are_counted(tmp_path: Path) -> None:
    """Those of what was delivered: what was not will have them again."""
    async with observed(tmp_path / "q") as here:
        for error in (None, RetryableError("503")):
            delivery = Delivery(
                person(1), "a", "Upsert", "upsertContact", error=error, warnings=("cut", "dropped")
            )
            here.metrics._observe("a", [], [[delivery]])
        seen = await here.values()
    assert seen['destinations_warnings_total{action="upsertContact",destination="a"}'] == 2


async def test_codes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may make up codes from what it is answered; the label does not grow with them."""
    monkeypatch.setattr(metrics, "MOST_CODES", 3)
    async with observed(tmp_path / "q") as here:
        bounded = [here.metrics._bounded("a", f"CODE_{n}") for n in range(5)]
        again = here.metrics._bounded("a", "CODE_1")
        other = here.metrics._bounded("b", "CODE_4")
    assert bounded == ["CODE_0", "CODE_1", "CODE_2", "OTHER", "OTHER"]
    assert (again, other) == ("CODE_1", "CODE_4")
