"""Answers to a batch: what any 207 settles, and how a whole refusal is halved."""

import asyncio
from typing import Any

import orjson
import pytest
from aioresponses import CallbackResult, aioresponses
from hypothesis import given
from hypothesis import strategies as st

import destination_core as dc
from plugins.customerio.tests.sending import BATCH, batched, by_default, connection, sent, track

REFUSED = {"errors": [{"batch_index": 1, "reason": "invalid", "message": "is too long"}]}
SIZE = 3


class Answering:
    """A transport that gives every request the same answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.response = dc.Response(status, {}, body)

    async def send(self, request: dc.Request) -> dc.Response:
        """Answer."""
        assert request.url == BATCH
        return self.response


def statuses(status: int, body: bytes) -> list[str]:
    """Send a batch that is answered so; return what became of each event."""

    async def run() -> list[str]:
        one = connection(by_default("trackEvent"))
        async with dc.Engine([one], transport=Answering(status, body)) as engine:
            settled = await engine.send_batch([track(n) for n in range(SIZE)])
        return [deliveries[0].status.value for deliveries in settled]

    return asyncio.run(run())


positions = st.integers(-1, SIZE) | st.sampled_from([None, "1", 1.0, True])
texts = st.none() | st.text(max_size=5)
listed = st.fixed_dictionaries(
    {}, optional={"batch_index": positions, "reason": texts, "field": texts, "message": texts}
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
bodies = (
    st.builds(lambda errors: {"errors": errors}, st.lists(listed, max_size=5) | anything) | anything
).map(orjson.dumps) | st.binary(max_size=30)


def understood(body: bytes) -> set[int] | None:
    """Return the positions that a 207 refuses, or None if it does not say which."""
    try:
        errors = orjson.loads(body)["errors"]
        found = [one["batch_index"] for one in errors]
    except (ValueError, TypeError, LookupError):
        return None
    sound = all(type(one) is int and 0 <= one < SIZE for one in found)
    return set(found) if found and sound else None


@given(bodies)
def test_no_207_is_a_success_unless_it_says_which_items_are_not(body: bytes) -> None:
    """Any body: the items that are named are refused, or nothing at all counts as delivered."""
    refused = understood(body)
    expected = (
        ["retryable"] * SIZE
        if refused is None
        else ["refused" if n in refused else "delivered" for n in range(SIZE)]
    )
    assert statuses(207, body) == expected


@pytest.mark.parametrize("status", [400, 413])
@pytest.mark.parametrize("bad", [set(range(8)), {0}, {7}, {0, 7}, {3, 4}, {1, 2, 6}])
async def test_every_bad_item_is_found(answers: aioresponses, status: int, bad: set[int]) -> None:
    """Wherever they are and however many: they are refused, all others delivered, once each."""
    accepted: list[int] = []

    def answer(_: Any, **options: Any) -> CallbackResult:
        numbers = [one["attributes"]["number"] for one in orjson.loads(options["data"])["batch"]]
        if bad.isdisjoint(numbers):
            accepted.extend(numbers)
            return CallbackResult(payload={})
        return CallbackResult(status=status, payload={"errors": [{"message": "odd"}]})

    answers.post(BATCH, callback=answer, repeat=True)
    deliveries = await batched([track(n) for n in range(8)])
    assert {n for n, one in enumerate(deliveries) if one.status == "refused"} == bad
    assert {n for n, one in enumerate(deliveries) if one.ok} == set(range(8)) - bad
    assert sorted(accepted) == sorted(set(range(8)) - bad)


async def test_halves_settle_by_their_own_answers(answers: aioresponses) -> None:
    """One half may be delivered while the other is to be sent again."""
    answers.post(BATCH, status=413)
    answers.post(BATCH, status=207, payload=REFUSED)
    answers.post(BATCH, status=503)
    deliveries = await batched([track(n) for n in range(4)])
    assert [one.status for one in deliveries] == [
        "delivered", "refused", "retryable", "retryable",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [404, 409])
async def test_other_refusals_are_not_halved(answers: aioresponses, status: int) -> None:
    """They are not for the sake of one item: asking again would be of no use."""
    answers.post(BATCH, status=status)
    deliveries = await batched([track(n) for n in range(4)])
    assert [one.status for one in deliveries] == ["refused"] * 4
    assert len(sent(answers)) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome to our Wi-Fi</html>", b'{"ok": tr', b"[]"],
    ids=["page", "half", "list"],
)
def test_a_200_of_somebody_in_between_is_no_success(body: bytes) -> None:
    """Whoever answers with a page has not handed it on: it is sent again."""
    assert statuses(200, body) == ["retryable"] * SIZE


@pytest.mark.parametrize(
    "body", [b"{}", b"", b'{"meta": {"id": 1}}'], ids=["usual", "none", "more"]
)
def test_a_plain_yes_is_a_success(body: bytes) -> None:
    """With nothing in it, or with something else than errors."""
    assert statuses(200, body) == ["delivered"] * SIZE
