"""Reading events: properties that hold for any input."""

import io

import orjson
from hypothesis import given
from hypothesis import strategies as st

from destination_core.errors import InvalidEvent
from destination_core.event import parse_event, parse_events

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
EVENTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4).map(
    lambda event: {**event, "type": "track"}
)
JUNK = st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n1aeN-', max_size=40).map(str.encode)


@given(JUNK)
def test_any_bytes_are_an_event_or_a_reason(line):
    """Nothing but ``InvalidEvent`` comes out of reading, whatever the bytes."""
    try:
        event = parse_event(line)
    except InvalidEvent:
        return
    assert isinstance(event["type"], str)


@given(st.lists(EVENTS, max_size=5), st.booleans())
def test_what_is_written_is_read(events, array):
    """Events come back equal and in order, from lines and from an array."""
    lines = [orjson.dumps(event) for event in events]
    text = b"[" + b",".join(lines) + b"]" if array else b"\n".join(lines)
    assert [event for _, event in parse_events(io.BytesIO(text))] == events


@given(st.lists(EVENTS | JUNK, max_size=6))
def test_bad_lines_do_not_touch_their_neighbours(mixed):
    """Each good line is read, whatever stands between them."""
    good = [one for one in mixed if isinstance(one, dict)]
    lines = [
        b"!" + one.replace(b"\n", b"") if isinstance(one, bytes) else orjson.dumps(one)
        for one in mixed
    ]
    read = [event for _, event in parse_events(io.BytesIO(b"\n".join(lines)))]
    assert [event for event in read if isinstance(event, dict)] == good
    assert len(read) == len(lines)


@given(JUNK)
def test_any_file_is_read_to_its_end(text):
    """Numbers rise and nothing is raised, for lines and arrays alike."""
    for content in (text, b"[" + text):
        numbers = [number for number, _ in parse_events(io.BytesIO(content), max_bytes=30)]
        assert numbers == sorted(set(numbers))
