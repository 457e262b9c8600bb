"""Reading events: what is accepted, and what is said about the rest."""

import io
import math

import orjson
import pytest

from destination_core.errors import InvalidEvent
from destination_core.event import check_event, parse_event, parse_events

GOOD = b'{"type":"track","event":"Bought","userId":"u1"}'


def read(text: bytes, **limits):
    return list(parse_events(io.BytesIO(text), **limits))


def reasons(text: bytes, **limits):
    return [
        str(one) if isinstance(one, InvalidEvent) else one["type"]
        for _, one in read(text, **limits)
    ]


class TestParseEvent:
    def test_returns_the_object(self):
        """A Segment event comes back as a dict."""
        assert parse_event(GOOD) == {"type": "track", "event": "Bought", "userId": "u1"}
        assert parse_event(GOOD.decode()) == parse_event(GOOD)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "not JSON"),
            (b"{", "unexpected end of data at column 2"),
            (b"nope", "not JSON"),
            (b'{"type":"track","a":NaN}', "holds NaN, which is not JSON, at column 21"),
            (b'{"type":"track","a":-Infinity}', "holds Infinity"),
            (b'{"type":"track","a":1e400}', "too large for a double, at column 21"),
            (b'{"type":"track","a":' + b"9" * 5000 + b"}", "too large for a double"),
            (b'{"type":"track","a":"\\ud800"}', "half of a surrogate pair"),
            (b'{"type":"track","a":"\xed\xa0\x80"}', "not UTF-8: byte 0xed at column 22"),
            (b'\xff\xfe{"type"', "not UTF-8"),
            (b'{"type":"track"}{}', "unexpected content"),
            (b'{"type":"track",}', "trailing comma"),
            (b"[1]", "must be an object, got a list"),
            (b"7", "must be an object, got 7"),
            (b"null", "must be an object, got null"),
            (b"{}", "has no 'type'"),
            (b'{"type":null}', "'type' must be a string such as 'track', got null"),
            (b'{"type":""}', "'type' must be a string"),
            (b'{"type":["track"]}', "'type' must be a string such as 'track', got a list"),
            (b'{"type":"track","userId":{"a":1}}', "'userId' must be a string, got an object"),
            (b'{"type":"track","anonymousId":["a"]}', "'anonymousId' must be a string, got a list"),
            (b'{"type":"track","properties":"x"}', "'properties' must be an object, got 'x'"),
            (b'{"type":"identify","traits":[1]}', "'traits' must be an object, got a list"),
        ],
    )
    def test_refuses_with_a_reason(self, text, reason):
        """Whatever is wrong is named, with the place where there is one."""
        with pytest.raises(InvalidEvent) as caught:
            parse_event(text)
        assert reason in str(caught.value)

    @pytest.mark.parametrize("depth", [101, 1_000, 10_000, 200_000])
    def test_refuses_deep_nesting(self, depth):
        """Nesting ends as a sentence, not as a RecursionError."""
        text = b'{"type":"track","a":' + b"[" * depth + b"]" * depth + b"}"
        with pytest.raises(InvalidEvent, match="nested more than 100 levels deep"):
            parse_event(text)

    def test_depth_counts_containers(self):
        """The event itself is the first level."""
        text = b'{"type":"track","a":' + b"[" * 3 + b"]" * 3 + b"}"
        assert parse_event(text, max_depth=4)
        with pytest.raises(InvalidEvent, match="more than 3 levels"):
            parse_event(text, max_depth=3)

    def test_many_siblings_are_not_deep(self):
        """A long list of objects is flat, however many brackets it has."""
        assert parse_event(orjson.dumps({"type": "track", "properties": {"a": [{}] * 500}}))

    def test_refuses_a_five_megabyte_event(self):
        """The size is told, and the limit."""
        text = orjson.dumps({"type": "track", "properties": {"a": "x" * 5_000_000}})
        with pytest.raises(InvalidEvent, match=r"5,000,\d+ bytes long, the limit is 512,000"):
            parse_event(text)

    def test_refuses_half_a_character_in_text(self):
        """A str may hold what UTF-8 cannot."""
        with pytest.raises(InvalidEvent, match="surrogate"):
            parse_event('{"type":"track","a":"\ud800"}')

    def test_big_numbers_become_doubles(self):
        """Whole numbers beyond 64 bits are doubles, as in JavaScript; others stay exact."""
        event = parse_event(b'{"type":"track","a":18446744073709551616,"b":9007199254740993}')
        assert event["a"] == 2.0**64
        assert isinstance(event["a"], float)
        assert event["b"] == 9007199254740993

    def test_tolerates_a_byte_order_mark(self):
        """Editors on Windows put one in front."""
        assert parse_event(b"\xef\xbb\xbf" + GOOD)["type"] == "track"

    def test_unknown_types_and_missing_ids_are_events(self):
        """What an event means is for subscriptions to say."""
        assert parse_event(b'{"type":"teleport"}') == {"type": "teleport"}
        assert parse_event(b'{"type":"track","userId":5,"properties":null}')["userId"] == 5


class TestCheckEvent:
    @pytest.mark.parametrize("event", [None, [], "track", 5, math.nan, object()])
    def test_refuses_what_is_no_object(self, event):
        """Only a dict is an event."""
        with pytest.raises(InvalidEvent, match="must be an object"):
            check_event(event)

    def test_accepts_unusual_members(self):
        """Schemas convert a list of one, or report it: not our business here."""
        check_event({"type": "track", "userId": ["u1"], "properties": "x"})


class TestParseEvents:
    def test_numbers_lines(self):
        """Blank lines count but are skipped; the last line needs no end."""
        assert [number for number, _ in read(GOOD + b"\n\n  \r\n" + GOOD)] == [1, 4]

    def test_goes_on_behind_a_bad_line(self):
        """Each bad line is one outcome with its number; its neighbours are read."""
        text = b"\n".join([GOOD, b"{broken", b'{"type":"track","a":NaN}', GOOD])
        assert [line.split(" ")[:2] for line in reasons(text)] == [
            ["track"],
            ["line", "2:"],
            ["line", "3:"],
            ["track"],
        ]

    def test_a_long_line_is_skipped_without_being_held(self):
        """Only the length of a line beyond the limit is remembered."""
        text = b"\n".join([GOOD, b"x" * 5_000_000, GOOD])
        assert reasons(text, max_bytes=1000) == [
            "track",
            "line 2: event is 5,000,000 bytes long, the limit is 1,000",
            "track",
        ]

    def test_a_line_of_just_the_limit_is_read(self):
        """The limit is inclusive and does not count the end of the line."""
        assert reasons(GOOD + b"\n" + GOOD + b"\n", max_bytes=len(GOOD)) == ["track", "track"]

    def test_splits_at_line_feeds_only(self):
        """U+2028 may stand in a string."""
        assert len(read('{"type":"track","a":"\u2028\x85"}'.encode())) == 1

    def test_reads_an_array(self):
        """An array is recognised by its first character, and its items numbered."""
        text = b"\xef\xbb\xbf \n[\n " + GOOD + b",\n" + GOOD + b"]\n"
        assert [number for number, _ in read(text)] == [1, 2]
        assert reasons(b"[" + GOOD + b"]") == ["track"]

    @pytest.mark.parametrize("text", [b"", b"\n\n", b"[]", b"[ \n ]", b"\xef\xbb\xbf"])
    def test_nothing_is_nothing(self, text):
        """Empty files hold no events, and no errors."""
        assert read(text) == []

    def test_bad_items_of_an_array_stand_alone(self):
        """One broken item does not take the array with it."""
        text = b"[\n" + GOOD + b",\n{broken},\n[1,2],\n" + GOOD + b",\n5\n]"
        assert reasons(text) == [
            "track",
            (
                "item 2 (line 3): event is not JSON: unexpected character, expected a string key "
                "at column 2, got 'broken}'"
            ),
            "item 3 (line 4): event must be an object, got a list",
            "track",
            "item 5 (line 6): event must be an object, got 5",
        ]

    @pytest.mark.parametrize(
        ("text", "last"),
        [
            (b"[" + GOOD, "line 1: the array is not closed"),
            (b"[" + GOOD + b",", "not closed"),
            (b"[" + GOOD + b",]", "item 2 (line 1): there is no event"),
            (b"[" + GOOD + b',{"type":"tr', "not closed"),
            (b"[" + GOOD + b"] []", "more behind the array"),
            (b"[" + GOOD + b"}", "not closed"),
            (b"[" + b"[" * 10_000, "not closed"),
        ],
    )
    def test_a_broken_array_ends_with_a_reason(self, text, last):
        """What cannot be closed or continued is said once, at the end."""
        assert last in reasons(text)[-1]

    def test_strings_may_hold_structure(self):
        """Brackets, commas and quotation marks inside strings do not split items."""
        event = {"type": "track", "properties": {"a": 'x],[{"\\', "b": ["]", "}"]}}
        text = orjson.dumps([event, event])
        assert [one for _, one in read(text)] == [event, event]
