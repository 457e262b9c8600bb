"""Bytes of a call: encodings undone within bounds, JSON read as Segment reads it."""

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_core.server import Refused, wire
from destination_core.server.call import read_call


def packed(data: bytes) -> bytes:
    """Compress data, the same way every time."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"not gzip", "gzip", "invalid_gzip"),
        (packed(b"{}" * 1000)[:-9], "gzip", "invalid_gzip"),
        (packed(b"{}" * 1000)[:-1], "gzip", "invalid_gzip"),
        (packed(b"\0" * 50_000_000), "gzip", "body_too_large"),
        (packed(b"\0" * 4_000_000) * 2, "gzip", "body_too_large"),
        (packed(b"") * 50_000, "gzip", "invalid_gzip"),
        (packed(b"{}") + b"junk", "gzip", "invalid_gzip"),
        (b"", "gzip", "invalid_gzip"),
        (b"{}", "br", "unsupported_encoding"),
        (b"{}", "gzip, gzip", "unsupported_encoding"),
    ],
    ids=[
        *("no gzip", "cut", "cut by a byte", "bomb", "two halves of a bomb", "many members"),
        *("junk behind", "nothing", "brotli", "twice"),
    ],
)
def test_a_bad_encoding_is_refused(body: bytes, encoding: str, code: str) -> None:
    """400, and a bomb does not go off."""
    with pytest.raises(Refused) as caught:
        wire.inflated(body, encoding)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("body", [packed(b"\0" * 1_001), packed(b"\0" * 501) * 2])
def test_a_lower_limit_holds_inflated(body: bytes) -> None:
    """Of a caller who is not known yet, less is inflated."""
    with pytest.raises(Refused, match=r"over 1,000 bytes") as caught:
        wire.inflated(body, "gzip", 1_000)
    assert caught.value.code == "body_too_large"
    assert wire.inflated(packed(b"\0" * 1_000), "gzip", 1_000) == b"\0" * 1_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(b"{}"), "GZIP"),
        (packed(b"{}"), " x-gzip "),
        (packed(b"{") + packed(b"}"), "gzip"),
        (b"{}", ""),
        (b"{}", "identity"),
    ],
    ids=["gzip", "old name", "two members", "none", "identity"],
)
def test_gzip_is_undone(body: bytes, encoding: str) -> None:
    """A stream may have several members; there may be no encoding at all."""
    assert wire.inflated(body, encoding) == b"{}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": NaN, "b": [Infinity, 1]}', {"a": None, "b": [None, 1]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1e400}', {"a": None}),
        (
            b'{"a": %s, "b": -9223372036854775808, "n": [%s]}' % (b"9" * 400, b"9" * 20),
            {"a": None, "b": -(2**63), "n": [1e20]},
        ),
        (rb'{"a": "cut \ud83d"}', {"a": "cut \N{REPLACEMENT CHARACTER}"}),
        (
            rb'{"\udc00": "\ud83d\ude00", "n": NaN}',
            {"\N{REPLACEMENT CHARACTER}": "\U0001f600", "n": None},
        ),
    ],
)
def test_what_sdks_send_beyond_json_is_taken(body: bytes, value: Any) -> None:
    """NaN of the Python SDK, a byte order mark, an emoji that JavaScript has cut in half."""
    assert wire.decoded(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """400 with code and message."""
    with pytest.raises(Refused) as caught:
        wire.decoded(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


@pytest.mark.parametrize("before", [b"1", b"NaN"])
@pytest.mark.parametrize("levels", [1_100, 100_000])
@pytest.mark.parametrize(
    ("begin", "end"), [(b"[", b"]"), (b'{"a]":', b"}")], ids=["list", "object"]
)
def test_one_event_beyond_measure_does_not_spoil_its_batch(
    levels: int, begin: bytes, end: bytes, before: bytes
) -> None:
    """It is discarded with its code, its neighbours are taken; brackets in strings are text."""
    fine = b'{"type": "page", "userId": "u", "properties": {"a": "[[{\\"[["}}'
    deep = b'{"type": "page", "userId": "u", "properties": {"a": %s1%s}}'
    batch = b", ".join([fine, deep % (begin * levels, end * levels), fine])
    body = b'{"context": {"n": %s}, "batch": [%s]}' % (before, batch)
    call = read_call("batch", wire.decoded(body), datetime.now(UTC), "")
    assert [one.code for one in call.discards] == ["event_too_deep"]
    assert [one["properties"] for one in call.events] == [{"a": '[[{"[['}] * 2


def test_a_string_that_is_not_closed_costs_one_look() -> None:
    """Behind too many levels, half a megabyte of quotation marks is not searched from each."""
    body = b"[" * 2_000 + b'"' + b'\\"' * 250_000
    with pytest.raises(Refused, match="not JSON"):
        wire.decoded(body)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    """Nothing else is raised."""
    try:
        call: object = wire.decoded(body)
    except Refused as refusal:
        call = {"status": refusal.status}
    assert isinstance(call, dict)
