"""Dates: what is never one, for any text, and what an attribute keeps."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_customerio import timestamps

SHAPE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
MIDNIGHT = 1_767_312_000
"""2026-01-02T00:00:00Z."""


def in_an_attribute(text: str) -> Any:
    """Return what an attribute with this text becomes."""
    return orjson.loads(timestamps.converted(orjson.dumps({"a": text}).decode()))["a"]


digits = st.text("0123456789", min_size=1, max_size=20)
phones = st.from_regex(r"(\+|00)?[0-9]{1,3}[ ./-]?(\([0-9]{1,4}\))?([ ./-]?[0-9]{2,4}){2,4}")
uuids = st.uuids().map(str)
versions = st.from_regex(r"v?[0-9]{1,4}\.[0-9]{1,2}\.[0-9]{1,2}(-[a-z0-9]+)?", fullmatch=True)
near = st.from_regex(r"[0-9]{3,5}[-/. ]?[0-9]{1,3}[-/. ]?[0-9]{1,3}([T ][0-9:.,Z+-]{0,20})?")


@given(digits | phones | uuids | versions | near | st.text())
def test_the_gate_is_strict(text: str) -> None:
    """What has not the whole shape of an ISO 8601 date stays a text: phone numbers, ids, years."""
    found = timestamps.seconds(text)
    assert found is None or SHAPE.fullmatch(text)
    assert in_an_attribute(text) == (text if found is None else found)


@given(digits | uuids | versions | st.from_regex(r"\+[0-9]{6,15}", fullmatch=True))
def test_no_number_or_id_is_ever_a_date(text: str) -> None:
    """Digits alone, with a plus, in a UUID or a version never pass."""
    assert in_an_attribute(text) == text


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.from_regex(r"(\.[0-9]{1,9})?", fullmatch=True),
    st.sampled_from(["", "Z", "+00:00", "-00:00", "+0000"]),
)
def test_fractions_and_zones_make_no_difference(moment: datetime, fraction: str, zone: str) -> None:
    """Up to nine fractional digits are cut off, and no zone means UTC."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + fraction + zone
    whole = int(moment.replace(microsecond=0).timestamp())
    assert timestamps.seconds(text) == whole
    assert in_an_attribute(text) == whole


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
def test_the_servers_own_zone_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """A date without a zone is the same wherever the engine runs."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert timestamps.seconds("2026-01-02T00:00:00") == MIDNIGHT
        assert timestamps.instant("2026-01-02 00:00") == MIDNIGHT
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-02T05:30:00+05:30", MIDNIGHT),
        ("2024-02-29", 1_709_164_800),
        ("2026-01-01T15:00-09", None),
        ("2026-01-02T00:00:00,5", None),
        ("2026-02-29", None),
        ("2026-04-31T00:00Z", None),
        ("0000-01-01", None),
        ("2026-01-02T00:00:60Z", None),
        ("2026-01-02T00:60Z", None),
        ("2026-01-02T00:00+24:00", None),
        ("2026-01-02T00Z", None),
        ("2026-01-02T", None),
        ("2026-01-02Z", None),
        ("2026-01-02T00:00:00.Z", None),
        ("2026-01-02T00:00:00 Z", None),
        ("2026-01-02t00:00:00Z", None),
        (" 2026-01-02", None),
        ("2026-01-02\n", None),
        ("2026-1-2", None),
        ("2026/01/02", None),
        ("02-01-2026", None),
        ("2026-002", None),
        ("-2026-01-02", None),
        ("+002026-01-02", None),
    ],
)
def test_the_edges_of_the_gate(text: str, found: int | None) -> None:
    """Days and hours that do not exist, and every other notation, stay texts."""
    assert timestamps.seconds(text) == found
    assert in_an_attribute(text) == (text if found is None else found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", 0),
        ("-1", -1),
        ("1767312000.999", MIDNIGHT),
        ("1767312000999", MIDNIGHT),
        ("99999999999", 99_999_999_999),
        ("100000000000", 100_000_000),
        ("-0.5", -1),
        ("1e9", None),
        ("0x10", None),
        ("1767312000 ", None),
        ("NaN", None),
        ("inf", None),
        ("1_000", None),
        ("\u0661\u0662", None),
        ("1234567890123456", None),
        ("2026-13", None),
        ("2026-01-02 25:00", None),
    ],
)
def test_a_time_field_takes_seconds_and_milliseconds(text: str, found: int | None) -> None:
    """From 100,000,000,000 on they are milliseconds; anything else is no time."""
    assert timestamps.instant(text) == found


@given(st.lists(st.tuples(st.integers(0, 23), st.sampled_from("0159-+:.,TZzW ٣é")), max_size=5))
def test_what_looks_like_a_source_s_timestamp_passes_the_same_gate(
    changes: list[tuple[int, str]],
) -> None:
    """A time field of the length that sources send is one only if the strict gate says so."""
    text = list("2026-01-02T03:04:05.678Z")
    for place, character in changes:
        text[place] = character
    changed = "".join(text)
    assert timestamps.instant(changed) == timestamps.seconds(changed.replace(" ", "T", 1))
