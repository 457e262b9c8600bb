"""Customer.io's limits as events meet them: what is cut, dropped, refused, and said about it."""

from typing import Any

import orjson
import pytest
from aioresponses import aioresponses

import destination_core as dc
from destination_customerio import limits
from plugins.customerio.tests.sending import BATCH, batched, by_default, delivered, sent, track

PERSON = {"type": "identify", "userId": "u1"}
LONG = "x" * (limits.VALUE_BYTES + 1)
GROUP = {"type": "group", "userId": "u1", "groupId": "g1"}


def person(**traits: Any) -> dict[str, Any]:
    """Make an identify event."""
    return {**PERSON, "traits": {"email": "a@example.com", **traits}}


@pytest.mark.parametrize(
    ("oversized", "status", "bio"),
    [("trim", "delivered", "x" * 1_000), ("keep", "delivered", LONG), ("reject", "rejected", None)],
)
async def test_the_setting_says_what_becomes_of_a_long_attribute(
    answers: aioresponses, oversized: str, status: str, bio: str | None
) -> None:
    """It is cut with a warning on the delivery, sent as it is, or the event is rejected."""
    event = person(bio=LONG)
    delivery, requests = await delivered(answers, "createUpdatePerson", event, oversized=oversized)
    assert delivery.status == status
    assert [one[2]["attributes"]["bio"] for one in requests] == ([] if bio is None else [bio])
    said = {"trim": "attribute 'bio' is cut at 1000 bytes", "keep": ""}
    assert "".join(delivery.warnings) == said.get(oversized, "")
    assert oversized != "reject" or "attribute 'bio' over Customer.io's limits" in delivery.reason


async def test_warnings_of_a_batch_stay_with_their_event(answers: aioresponses) -> None:
    """What was trimmed of one event is not said of its neighbours."""
    answers.post(BATCH, payload={})
    first, second = await batched(
        [person(bio=LONG), person(bio="short")], by_default("createUpdatePerson")
    )
    assert [len(first.warnings), len(second.warnings)] == [1, 0]


async def test_who_a_person_is_stays_when_there_are_too_many_attributes(
    answers: aioresponses,
) -> None:
    """Email, creation and anonymous id are never among those that go."""
    event = {**person(**{f"a{n}": n for n in range(310)}), "anonymousId": "a1"}
    event["traits"]["created_at"] = "2020-01-02"
    delivery, requests = await delivered(answers, "createUpdatePerson", event)
    kept = requests[0][2]["attributes"]
    assert len(kept) == limits.ATTRIBUTES
    assert kept.items() >= {"email": "a@example.com", "created_at": 1_577_923_200}.items()
    assert kept["anonymous_id"] == "a1"
    assert [key for key in kept if key.startswith("a")][:-1] == [f"a{n}" for n in range(297)]
    assert delivery.warnings == ("13 attributes are left out: over 300",)


def test_trimming_keeps_the_order_and_the_values_given() -> None:
    """The caller's attributes are not changed, and what is cut stays in its place."""
    values = {"a": 1, "b": LONG, "c": [LONG], "d": 4}
    given = dict(values)
    kept = limits.attributes(values, "trim", [])
    assert list(kept) == ["a", "b", "d"]
    assert values == given


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("createUpdatePerson", person(objectId="g1", relationshipAttributes={"note": LONG})),
        ("createUpdateObject", {**GROUP, "traits": {"relationshipAttributes": {"note": LONG}}}),
    ],
)
async def test_attributes_of_a_relationship_have_limits_too(
    answers: aioresponses, action: str, event: dict[str, Any]
) -> None:
    """One over its limit would make Customer.io refuse the whole person or object."""
    delivery, requests = await delivered(answers, action, event)
    (relationship,) = requests[0][2]["cio_relationships"]
    assert relationship["relationship_attributes"] == {"note": "x" * 1_000}
    assert delivery.warnings == ("attribute 'note' is cut at 1000 bytes",)


async def test_names_reserved_for_objects_are_left_out(answers: aioresponses) -> None:
    """``relationship`` cannot be an object's attribute, and can be a person's."""
    attributes = {"relationship": "x", "name": "Acme"}
    event = {**GROUP, "traits": {"objectAttributes": attributes}}
    delivery, requests = await delivered(answers, "createUpdateObject", event)
    assert requests[0][2]["attributes"] == {"name": "Acme"}
    assert "'relationship'" in delivery.warnings[0]
    assert limits.attributes(attributes, "trim", []) == attributes


@pytest.mark.parametrize("value", [{"a": "\ud800"}, [2**70]])
def test_what_json_cannot_hold_is_rejected_by_name(value: Any) -> None:
    """Such an attribute has no size in bytes: the event is rejected, and the attribute named."""
    with pytest.raises(dc.InvalidPayload, match="attribute 'odd' cannot be written as JSON"):
        limits.attributes({"odd": value}, "trim", [])


@pytest.mark.parametrize("action", ["trackEvent", "trackPageView", "trackScreenView"])
@pytest.mark.parametrize(
    ("oversized", "bytes_sent"), [("trim", 100), ("keep", 102), ("reject", None)]
)
async def test_the_name_of_an_event_a_page_or_a_screen_has_a_limit(
    answers: aioresponses, action: str, oversized: str, bytes_sent: int | None
) -> None:
    """A page's URL is its name and easily too long: cut between characters, or as set."""
    name = "é" * 51
    event = {
        "type": "track",
        "userId": "u1",
        "event": name,
        "name": name,
        "properties": {"url": name},
    }
    delivery, requests = await delivered(answers, action, event, oversized=oversized)
    names = [one[2]["name"].encode() for one in requests]
    assert [len(one) for one in names] == ([] if bytes_sent is None else [bytes_sent])
    assert delivery.ok is (bytes_sent is not None)
    assert len(delivery.warnings) == (oversized == "trim")


@pytest.mark.parametrize(("over", "status"), [(0, "delivered"), (1, "rejected")])
async def test_one_call_is_measured_to_the_byte(
    answers: aioresponses, over: int, status: str
) -> None:
    """32,000 bytes go, 32,001 do not, counted as UTF-8."""
    event = track(1, properties={"text": "é"})
    _, requests = await delivered(answers, "trackEvent", event)
    filler = "x" * (limits.ITEM_BYTES - len(orjson.dumps(requests[0][2])) + over)
    delivery, _ = await delivered(
        answers, "trackEvent", track(1, properties={"text": "é" + filler})
    )
    assert delivery.status == status
    assert over == 0 or "32,001 bytes; Customer.io accepts 32,000" in delivery.reason


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("trackEvent", {"userId": "é" * 76, "event": "x"}),
        ("trackAnonymousEvent", {"anonymousId": "é" * 76, "event": "x"}),
        ("createUpdatePerson", {"userId": "é" * 76, "traits": {"email": "a@example.com"}}),
        ("createUpdateObject", {"groupId": "é" * 76}),
        ("deletePerson", {"userId": "é" * 76}),
        ("mergePeople", {"userId": "u1", "previousId": "é" * 76}),
        ("reportContentEvent",
         {"anonymousId": "é" * 76, "properties": {"actionType": "viewed_content"}}),
        ("deleteRelationship", {"userId": "é" * 76, "properties": {"objectId": "g1"}}),
    ],
)  # fmt: skip
async def test_no_action_sends_an_identifier_over_its_limit(
    answers: aioresponses, action: str, event: dict[str, Any]
) -> None:
    """It would be another person's id once cut: the event is rejected."""
    delivery, requests = await delivered(answers, action, {"type": "track", **event})
    assert (delivery.status, requests) == ("rejected", [])
    assert "152 bytes; Customer.io accepts 150" in delivery.reason


async def test_batches_are_cut_exactly_at_their_limit(answers: aioresponses) -> None:
    """A body of 475,000 bytes goes as one; with one byte more, its last item goes in a second."""
    size = len(b'{"batch":[]}') + 14  # the envelope, and the commas between fifteen items
    answers.post(BATCH, payload={}, repeat=True)
    await batched([track(100, properties={"text": ""})])
    empty = len(orjson.dumps(sent(answers)[0][2]["batch"][0]))
    room = limits.BATCH_BYTES - size - 15 * empty
    texts = [room // 15] * 14 + [room - 14 * (room // 15)]
    for over, counts in ((0, [15]), (1, [14, 1])):
        answers.requests.clear()
        last = [*texts[:-1], texts[-1] + over]
        deliveries = await batched(
            [track(100 + n, properties={"text": "x" * one}) for n, one in enumerate(last)]
        )
        bodies = [one[2] for one in sent(answers)]
        assert all(one.ok for one in deliveries)
        assert [len(one["batch"]) for one in bodies] == counts
        assert over or len(orjson.dumps(bodies[0])) == limits.BATCH_BYTES
