"""Events of a call: what is taken, completed, merged or discarded, as Segment does."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_core.server import CODES, Refused, read_call, wire
from destination_core.server.call import LARGEST_EVENT, Call

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_TEXT = "2026-11-24T12:00:00.000Z"


def read(kind: str, **call: Any) -> Call:
    """Read a call that comes in now."""
    return read_call(kind, call, NOW, "192.0.2.7")


@pytest.mark.parametrize(("path", "kind"), sorted(wire.ROUTES.items()))
def test_each_route_has_its_kind(path: str, kind: str) -> None:
    """A single call takes its type from the path; a batch has one in each event."""
    event = {"userId": "u", "event": "e", "groupId": "g", "previousId": "p"}
    if kind == "batch":
        read_ = read(kind, batch=[{**event, "type": "track"}])
        assert read_.events[0]["type"] == "track"
    else:
        assert read(kind, **event).events[0]["type"] == kind
    assert path.startswith("/v1/")


def test_what_is_missing_is_made_up() -> None:
    """A message id, and the time of receipt; nulls count as absent; the write key is not kept."""
    (event,) = read("track", event="e", userId="u", anonymousId=None, writeKey="wk").events
    assert event["messageId"].startswith("api-")
    assert event["timestamp"] == event["receivedAt"] == "2026-11-24T12:00:00.000Z"
    assert "anonymousId" not in event
    assert "writeKey" not in event


def test_the_clock_of_the_sender_is_mended() -> None:
    """Timestamp = receivedAt - (sentAt - timestamp); the original is kept."""
    (event,) = read(
        "track", event="e", userId="u",
        timestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:00:10Z",
    ).events  # fmt: skip
    assert event["timestamp"] == "2026-11-24T11:59:50.000Z"
    assert event["originalTimestamp"] == "2020-01-01T00:00:00Z"
    (alone,) = read("track", event="e", userId="u", timestamp="2020-01-01T00:00:00Z").events
    assert alone["timestamp"] == "2020-01-01T00:00:00.000Z"
    (within,) = read("batch", batch=[{**event, "timestamp": "2020-01-01T00:00:05Z"}]).events
    assert within["timestamp"] == "2026-11-24T11:59:55.000Z", "sentAt may be the event's own"


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "x", 5])
def test_a_clock_that_cannot_be_is_not_mended(sent_at: Any) -> None:
    """The timestamp stays as it was sent."""
    given_ = "2020-01-01T00:00:00+01:00"
    (event,) = read("page", userId="u", timestamp=given_, sentAt=sent_at).events
    assert event["timestamp"] == "2019-12-31T23:00:00.000Z"


def test_a_batch_shares_context_and_integrations() -> None:
    """The event's own members win."""
    read_ = read(
        "batch",
        context={"app": "x", "ip": "1"},
        integrations={"All": False},
        batch=[{"type": "page", "userId": "u", "context": {"ip": "2"}}],
    )
    assert read_.events[0]["context"] == {"app": "x", "ip": "2"}
    assert read_.events[0]["integrations"] == {"All": False}


def test_a_direct_call_has_the_callers_address() -> None:
    """`context.direct` asks for it."""
    (event,) = read("page", userId="u", context={"direct": True}).events
    assert event["context"]["ip"] == "192.0.2.7"


def nested(levels: int) -> dict[str, Any]:
    """Make an object in an object, so many levels deep."""
    made: dict[str, Any] = {}
    for _ in range(levels - 1):
        made = {"a": made}
    return made


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (5, "event_not_object"),
        ({"type": "nope", "userId": "u"}, "invalid_type"),
        ({"type": ["track"], "userId": "u"}, "invalid_type"),
        ({"userId": "u"}, "invalid_type"),
        ({"type": "page"}, "no_user_anon_id"),
        ({"type": "page", "userId": "", "anonymousId": None}, "no_user_anon_id"),
        ({"type": "page", "userId": {"id": 1}}, "id_not_string"),
        ({"type": "page", "userId": "u", "anonymousId": ["a"]}, "id_not_string"),
        ({"type": "track", "userId": "u"}, "event_not_defined"),
        ({"type": "track", "userId": "u", "event": ""}, "event_not_defined"),
        ({"type": "track", "userId": "u", "event": 5}, "event_not_string"),
        ({"type": "page", "userId": "u", "name": 5}, "name_not_string"),
        ({"type": "screen", "userId": "u", "category": []}, "category_not_string"),
        ({"type": "group", "userId": "u"}, "group_id_not_defined"),
        ({"type": "alias", "userId": "u"}, "previous_id_not_defined"),
        ({"type": "page", "userId": "u", "properties": [1]}, "properties_not_object"),
        ({"type": "identify", "userId": "u", "traits": "x"}, "traits_not_object"),
        ({"type": "page", "userId": "u", "context": 1}, "context_not_object"),
        ({"type": "page", "userId": "u", "integrations": True}, "integrations_not_object"),
        ({"type": "page", "userId": "u", "properties": {"x": "y" * 33_000}}, "event_too_large"),
        ({"type": "page", "userId": "u", "properties": nested(100)}, "event_too_deep"),
        ({"type": "page", "userId": "u", "properties": nested(900)}, "event_too_deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_bad_event_is_discarded_and_the_others_are_taken(event: Any, code: str) -> None:
    """The call succeeds; the discard has a code that is counted, Segment's own where it has one."""
    good = {"type": "page", "userId": "u"}
    read_ = read("batch", batch=[good, event, good])
    assert (len(read_.events), [one.code for one in read_.discards]) == (2, [code])
    assert code in CODES


@pytest.mark.parametrize(
    "event",
    [
        {"type": "page", "userId": "u", "name": None, "properties": None},
        {"type": "page", "userId": "u", "name": ""},
        {"type": "page", "userId": 0},
        {"type": "group", "anonymousId": "a", "groupId": 7},
        {"type": "delete", "userId": "u"},
        {"type": "page", "userId": "u", "properties": nested(99)},
    ],
    ids=[
        "nulls are absent",
        "no name",
        "zero is an id",
        "numbers are ids",
        "delete",
        "deep enough",
    ],
)
def test_what_is_unusual_is_taken(event: dict[str, Any]) -> None:
    """Nothing is discarded that Segment would take."""
    assert len(read("batch", batch=[event]).events) == 1


@pytest.mark.parametrize(("more", "taken"), [(0, 1), (1, 0)], ids=["just not", "too large"])
def test_what_came_is_measured_not_what_was_added(more: int, taken: int) -> None:
    """An event of exactly 32 kB is taken, though it is larger with the time of its receipt."""
    event = {"type": "page", "userId": "u", "properties": {"x": ""}}
    room = LARGEST_EVENT - len(orjson.dumps(event))
    event["properties"] = {"x": "y" * (room + more)}
    read_ = read("batch", batch=[event])
    assert len(read_.events) == len(read_.bodies) == taken
    assert [one.code for one in read_.discards] == ["event_too_large"] * more


@pytest.mark.parametrize(("more", "taken"), [(0, 1), (1, 0)], ids=["just not", "too large"])
def test_what_the_route_adds_is_not_measured(more: int, taken: int) -> None:
    """Neither is the `type` of a call with one event."""
    event: dict[str, Any] = {"userId": "u", "properties": {"x": ""}}
    room = LARGEST_EVENT - len(orjson.dumps(event))
    event["properties"] = {"x": "y" * (room + more)}
    read_ = read("page", **event)
    assert len(read_.events) == taken
    assert [one.code for one in read_.discards] == ["event_too_large"] * more


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("2026-03-04T05:06:07.089Z", "2026-03-04T05:06:07.089Z"),
        ("2026-03-04 05:06:07.089Z", "2026-03-04T05:06:07.089Z"),
        ("2026-W10-3T05:06:07.089Z", "2026-03-04T05:06:07.089Z"),
        ("2026-02-30T05:06:07.089Z", NOW_TEXT),
        ("2026-03-04T24:06:07.089Z", NOW_TEXT),
    ],
    ids=["as it is written", "space", "week", "no such day", "no such hour"],
)
def test_a_moment_is_written_in_one_way(given_: str, kept: str) -> None:
    """One that is written so already stays; one that there is none of becomes that of receipt."""
    (event,) = read("page", userId="u", timestamp=given_).events
    assert (event["timestamp"], event["originalTimestamp"]) == (kept, given_)


def test_an_empty_batch_is_a_discard() -> None:
    """As in Segment: the call succeeds, and the discard is counted."""
    read_ = read("batch", batch=[])
    assert (read_.events, [one.code for one in read_.discards]) == ([], ["empty_batch"])


@pytest.mark.parametrize(
    "context", [{"x": "y" * 33_000}, nested(150), nested(900)], ids=["large", "deep", "deeper"]
)
def test_what_a_batch_shares_is_bounded(context: dict[str, Any]) -> None:
    """It is written once per event: 2,500 times, and again at every attempt to write it as JSON."""
    with pytest.raises(Refused) as caught:
        read("batch", context=context, batch=[{"type": "page", "userId": "u"}])
    assert (caught.value.status, caught.value.code) == (400, "context_too_large")


@pytest.mark.parametrize(
    ("size", "many", "code"),
    [(1_600, 2_500, ""), (1_700, 2_500, "batch_too_large"), (32_600, 100, ""), (1_600, 5_000, "")],
    ids=["many", "too many", "few", "more than are taken"],
)
def test_what_a_batch_shares_counts_for_each_of_its_events(size: int, many: int, code: str) -> None:
    """150 kB would be written as 80 MB: no more than a body may hold, as if each had its own."""
    call = {"context": {"x": "y" * size}, "batch": [{"type": "page", "userId": "u"}] * many}
    if code:
        with pytest.raises(Refused, match=r"2,500 events.*fewer") as caught:
            read("batch", **call)
        assert (caught.value.status, caught.value.code) == (400, code)
    else:
        assert len(read("batch", **call).events) == min(many, 2_500)


@pytest.mark.parametrize("given_id", ["x" * 101, 42, ["a"]], ids=["long", "number", "list"])
def test_a_message_id_that_cannot_be_used_becomes_another_for_good(given_id: Any) -> None:
    """A repetition has the same one, so that it is recognised; two ids stay two."""
    first, again, other = (
        read("page", userId="u", messageId=one).events[0]["messageId"]
        for one in (given_id, given_id, [given_id])
    )
    assert first == again != other
    assert first.startswith("api-")
    assert len(first) <= 100


def test_a_batch_that_is_too_long_loses_its_end() -> None:
    """2,500 events are taken, the rest is discarded and counted."""
    read_ = read("batch", batch=[{"type": "page", "userId": "u"}] * 2_503)
    assert (len(read_.events), len(read_.discards)) == (2_500, 3)


@pytest.mark.parametrize("batch", [None, {}, "x"])
def test_a_batch_needs_a_list(batch: Any) -> None:
    """400, with code and message."""
    with pytest.raises(Refused) as caught:
        read("batch", batch=batch)
    assert (caught.value.status, caught.value.code) == (400, "invalid_batch")


# a call is read by orjson, which takes wider integers for floats, as JavaScript does
integers = st.integers(-(2**63), 2**64 - 1)
anything = st.recursive(
    st.none() | st.booleans() | integers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "timestamp", "messageId", "context", "traits"]
)
values = anything | st.sampled_from(["track", "page", "alias", "0001-01-01T00:00:00Z"])


@given(
    st.lists(anything | st.dictionaries(members, values, max_size=6), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["sentAt", "context", "integrations"]), values),
)
def test_each_event_is_taken_or_discarded(batch: list[Any], rest: dict[str, Any]) -> None:
    """Whatever is in a batch: one or the other, and what is taken can be written as JSON."""
    read_ = read_call("batch", {**rest, "batch": batch}, NOW, "")
    assert len(read_.events) + len(read_.discards) == len(batch)
    for event in read_.events:
        json.dumps(event, allow_nan=False)
        assert event["messageId"]
        assert event["timestamp"].endswith("Z")
