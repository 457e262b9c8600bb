"""Identifiers, event ids, dates and limits: what holds for any value."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import destination_core as dc
from destination_customerio import event_ids, identifiers, limits, timestamps


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("u1", {"id": "u1"}),
        ("a@example.com", {"email": "a@example.com"}),
        ("a@b", {"id": "a@b"}),
        ("a b@example.com", {"id": "a b@example.com"}),
        ("cio_0a1b", {"cio_id": "0a1b"}),
        ("cio_", {"id": "cio_"}),
    ],
)
def test_a_persons_id_is_one_identifier(value: str, found: dict[str, str]) -> None:
    """Customer.io takes exactly one: its own id, an email address, or an id."""
    assert identifiers.person(value) == found


@given(st.text(min_size=1))
def test_an_event_id_is_always_a_ulid(message_id: str) -> None:
    """Any messageId gives a ULID, the same one every time, and a ULID gives itself."""
    made = event_ids.event_id(message_id)
    assert event_ids.ULID.fullmatch(made)
    assert event_ids.event_id(message_id) == made == event_ids.event_id(made)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("2026-11-23T10:00:00Z", 1_795_428_000),
        ("2026-11-23T10:00:00.123456789Z", 1_795_428_000),
        ("2026-11-23T12:00:00+02:00", 1_795_428_000),
        ("2026-11-23T12:00+0200", 1_795_428_000),
        ("2026-11-23T10:00:00", 1_795_428_000),
        ("1969-12-31T23:59:59.5Z", -1),
        ("2024-02-30", None),
        ("2026-11-23T10:00:00z", None),
        ("2026-11-23T10:00:00,5Z", None),
        ("2026-11-23T12:00:00+02", None),
        ("2026-13-01", None),
        ("2026-11-23T25:00:00Z", None),
        ("2026-11-23T10:00:00.1234567890Z", None),
        ("2026-11-23 10:00:00", None),
        ("2026-11-23x10:00:00Z", None),
        ("2026-11-23T10:00:00:123Z", None),
        ("2026-W47-1", None),
        ("20261123", None),
        ("2026", None),
        ("+33612345678", None),
        ("555-12-3456", None),
        ("2026-11-23-0001", None),
        ("1795428000", None),
        ("\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0663", None),
    ],
)
def test_the_gate_for_dates(text: str, seconds: int | None) -> None:
    """ISO 8601 dates pass, zone-less ones as UTC; phone numbers, ids and other shapes never do."""
    assert timestamps.seconds(text) == seconds
    body = orjson.dumps({"a": text, "b": [text], "c": {"d": text}, text: 1}).decode()
    value = text if seconds is None else seconds
    expected = {"a": value, "b": [value], "c": {"d": value}, text: 1}
    assert orjson.loads(timestamps.converted(body)) == expected


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001
    st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=9))]),
)
def test_every_moment_is_read_exactly(moment: datetime, zone: timezone) -> None:
    """What isoformat writes is read as the second it is in."""
    aware = moment.replace(tzinfo=zone)
    passed = aware - datetime(1970, 1, 1, tzinfo=UTC)
    assert timestamps.seconds(aware.isoformat()) == passed // timedelta(seconds=1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    | st.from_regex(re.compile(r'[",:\[\]\\]{0,3}\d{4}-\d\d-\d\d(T\d\d:\d\dZ)?[",:\\]{0,2}')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("2026-01-02"), inner),
    max_leaves=8,
)  # fmt: skip


def walked(value: Any) -> Any:
    """Convert dates by walking over the values: the obvious way to do it."""
    if isinstance(value, dict):
        return {key: walked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [walked(one) for one in value]
    found = timestamps.seconds(value) if isinstance(value, str) else None
    return value if found is None else found


@given(st.dictionaries(st.text(), json_values))
def test_dates_are_found_in_json_as_in_values(attributes: dict[str, Any]) -> None:
    """Converting the text equals walking over the values, whatever the texts hold."""
    body = orjson.dumps(attributes).decode()
    assert orjson.loads(timestamps.converted(body)) == walked(attributes)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1795428000", 1_795_428_000),
        ("1795428000123", 1_795_428_000),
        ("2026-11-23 10:00:00", 1_795_428_000),
        ("2026-11", 1_793_491_200),
        ("soon", None),
        ("", None),
    ],
)
def test_a_field_that_is_a_time_takes_more(text: str, seconds: int | None) -> None:
    """Where a time is expected, numbers, a blank and a month alone are times as well."""
    assert timestamps.instant(text) == seconds


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("x" * 150, "v", True),
        ("x" * 151, "v", False),
        ("é" * 75, "v", True),
        ("é" * 76, "v", False),
        ("a", "x" * 1000, True),
        ("a", "x" * 1001, False),
        ("a", {"b": "x" * 992}, True),
        ("a", {"b": "x" * 993}, False),
        ("_relationship", "v", False),
    ],
)
def test_the_limits_of_attributes_are_bytes(name: str, value: Any, fits: bool) -> None:
    """Names of 150 bytes, values of 1,000, reserved names not at all."""
    warnings: list[str] = []
    kept = limits.attributes({name: value, "other": 1}, "trim", warnings)
    assert (kept == {name: value, "other": 1}) is fits
    assert bool(warnings) is not fits
    assert kept["other"] == 1
    assert limits.attributes({name: value}, "keep", []) == {name: value}
    if not fits:
        with pytest.raises(dc.InvalidPayload):
            limits.attributes({name: value}, "reject", [])


def test_a_long_text_is_cut_between_characters() -> None:
    """Trimming keeps as much as fits, and no half characters."""
    kept = limits.attributes({"a": "é" * 501}, "trim", [])
    assert kept == {"a": "é" * 500}


def test_too_many_attributes_are_dropped_from_the_end() -> None:
    """300 are kept, with a warning that says how many are not."""
    warnings: list[str] = []
    kept = limits.attributes({f"a{n}": n for n in range(302)}, "trim", warnings)
    assert list(kept) == [f"a{n}" for n in range(300)]
    assert warnings == ["2 attributes are left out: over 300"]


@pytest.mark.parametrize("kind", ["id", "anonymous_id", "object_id"])
def test_an_identifier_over_its_limit_is_refused(kind: str) -> None:
    """150 bytes are the most."""
    limits.check_identifiers({kind: "x" * 150})
    with pytest.raises(dc.InvalidPayload, match="151 bytes"):
        limits.check_identifiers({kind: "x" * 151})


@pytest.mark.parametrize("size", [100, 101])
def test_an_event_name_has_100_bytes(size: int) -> None:
    """Longer ones are cut with a warning, refused, or kept, as the setting says."""
    name, warnings = "x" * size, list[str]()
    assert limits.event_name(name, "trim", warnings) == "x" * 100
    assert len(warnings) == size - 100
    assert limits.event_name(name, "keep", []) == name
