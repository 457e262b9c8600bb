"""Segment's wire contract: what is taken, completed, merged, discarded or refused."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_core.server import Refused, read_call, wire

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def read(kind: str, **call: Any) -> wire.Call:
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
    (other,) = read("track", event="e", userId="u", messageId="x" * 101).events
    assert other["messageId"].startswith("api-")


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


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (5, "invalid_event"),
        ({"type": "nope", "userId": "u"}, "invalid_type"),
        ({"userId": "u"}, "invalid_type"),
        ({"type": "page"}, "missing_identity"),
        ({"type": "track", "userId": "u"}, "missing_event"),
        ({"type": "group", "userId": "u"}, "missing_groupId"),
        ({"type": "alias", "userId": "u"}, "missing_previousId"),
        ({"type": "page", "userId": "u", "properties": [1]}, "invalid_event"),
        ({"type": "page", "userId": "u", "properties": {"x": "y" * 33_000}}, "event_too_large"),
    ],
)
def test_one_bad_event_is_discarded_and_the_others_are_taken(event: Any, code: str) -> None:
    """The call succeeds; the discard has a code that is counted."""
    good = {"type": "page", "userId": "u"}
    read_ = read("batch", batch=[good, event, good])
    assert (len(read_.events), [one.code for one in read_.discards]) == (2, [code])


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


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"not gzip", "gzip", "invalid_gzip"),
        (gzip.compress(b"{}" * 1000)[:-9], "gzip", "invalid_gzip"),
        (gzip.compress(b"\0" * 50_000_000), "gzip", "body_too_large"),
        (b"{}", "br", "unsupported_encoding"),
    ],
)
def test_a_bad_encoding_is_refused(body: bytes, encoding: str, code: str) -> None:
    """400, and a bomb does not go off."""
    with pytest.raises(Refused) as caught:
        wire.inflated(body, encoding)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_gzip_is_undone() -> None:
    """Also without any encoding."""
    assert wire.inflated(gzip.compress(b"{}"), "GZIP") == wire.inflated(b"{}", "") == b"{}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": NaN, "b": [Infinity, 1]}', {"a": None, "b": [None, 1]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1e400}', {"a": None}),
    ],
)
def test_what_sdks_send_beyond_json_is_taken(body: bytes, value: Any) -> None:
    """NaN of the Python SDK, a byte order mark."""
    assert wire.decoded(body) == value


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"[" * 100_000]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """400 with code and message."""
    with pytest.raises(Refused) as caught:
        wire.decoded(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    """Nothing else is raised."""
    try:
        call: object = wire.decoded(body)
    except Refused as refusal:
        call = {"status": refusal.status}
    assert isinstance(call, dict)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "timestamp", "messageId", "context", "traits"]
)
values = anything | st.sampled_from(["track", "page", "alias", "0001-01-01T00:00:00Z"])


@given(
    st.lists(anything | st.dictionaries(members, values, max_size=6), max_size=4),
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
