"""The values themselves: dates and formats."""

import datetime as dt

import pytest

from destination_core.schema.dates import date_of, is_date_like
from destination_core.schema.formats import CHECKS


class TestDates:
    @pytest.mark.parametrize(
        "text",
        [
            "2021",
            "2021-10",
            "2021-10-20",
            "2021/10/20",
            "2021-1-2",
            "2021-1-2 3:4:5",
            "2021-10-20T10",
            "2021-10-20 10:20:30",
            "2021-10-20T10:20Z",
            "2021-10-20T10:20:30.123456789Z",
            "2021-10-20T10:20:30+05:30",
            "2021-10-20 10:20:30 -0530",
            "2021-10-20T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "Wed, 20 Oct 2021 10:20:30 GMT",
            "20 Oct 2021 10:20 +0200",
            "1634725230",
            "-1.5",
        ],
    )
    def test_iso_mail_and_unix_are_dates(self, text):
        """ISO 8601, RFC 2822, seconds; each can also be made a datetime."""
        assert is_date_like(text)
        assert date_of(text).tzinfo is not None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "abc",
            "2021-02-30",
            "2021-13-01",
            "2021-10-20T25:00:00Z",
            "2021-10-20T10:20:30 garbage",
            "2021-10-20T10:20:30x+0200",
            "2021-10-20T10:20:30.123456x89Z",
            "2021-10-20T10:20:30.123456789xZ",
            "12:30",
            "hello 1",
            "5.0",
            "99999999999999",
            "2" * 100,
        ],
    )
    def test_other_texts_are_not(self, text):
        """Nothing is guessed and nothing rolls over into the next month."""
        assert not is_date_like(text)

    @pytest.mark.parametrize(
        ("value", "date"),
        [
            ("2021-10-20T10:20:30+02:00", dt.datetime(2021, 10, 20, 8, 20, 30, tzinfo=dt.UTC)),
            ("2021-10-20 10:20:30", dt.datetime(2021, 10, 20, 10, 20, 30, tzinfo=dt.UTC)),
            ("2021-12-31T24:00:00Z", dt.datetime(2022, 1, 1, tzinfo=dt.UTC)),
            ("2021", dt.datetime(2021, 1, 1, tzinfo=dt.UTC)),
            (1634725230.5, dt.datetime(2021, 10, 20, 10, 20, 30, 500000, tzinfo=dt.UTC)),
            (1634725230500, dt.datetime(2021, 10, 20, 10, 20, 30, 500000, tzinfo=dt.UTC)),
        ],
    )
    def test_without_an_offset_a_date_is_utc(self, value, date):
        """The zone of the server never matters; big numbers are milliseconds."""
        assert date_of(value) == date

    @pytest.mark.parametrize("value", ["soon", 1e300, "9999-12-31T24:00:00Z"])
    def test_what_no_calendar_holds_is_a_value_error(self, value):
        """Callers need to know one exception only."""
        with pytest.raises(ValueError, match=r"date|calendar"):
            date_of(value)


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            (
                "email",
                ["a@b.co", "a.b+c@d-e.example.test"],
                ["a@b", "a..b@c.de", "a@-b.co", "ü@b.co", "a@b@c.de"],
            ),
            (
                "hostname",
                ["localhost", "a-b.example.com."],
                ["a_b.com", "-a", "a..b", "", "x" * 64 + ".com"],
            ),
            ("ipv4", ["1.2.3.4", "01.2.3.4"], ["256.1.1.1", "1.2.3", "1.2.3.4.5", "a.b.c.d"]),
            ("ipv6", ["::1", "::ffff:1.2.3.4"], [":::", "2001:db8::1::2", "fe80::1%eth0"]),
            (
                "uuid",
                ["123e4567-e89b-12d3-a456-426614174000"],
                ["123e4567e89b12d3a456426614174000"],
            ),
            (
                "uri",
                ["https://u@example.com:99999/x?y#z", "mailto:a@b.co", "http://[::1]/"],
                ["/rel", "://x", "x:", "http://a b", "http://[::z]/"],
            ),
            ("uri-reference", ["?q=1", "#f", "../a", ""], ["\\x", "a b"]),
            ("uri-template", ["https://x/{id}{?a,b*}"], ["{", "{a b}"]),
            (
                "url",
                ["https://example.com/x", "ftp://8.8.8.8"],
                ["https://localhost", "http://10.0.0.1", "gopher://a.bc", "http://a.bc:x"],
            ),
            (
                "date",
                ["2024-02-29"],
                ["2023-02-29", "2024-1-1", "2024-13-01", "2024-02-29T00:00:00Z"],
            ),
            ("time", ["10:20:30.5+01:00", "23:59:60Z"], ["25:00:00", "10:20", "12:59:60"]),
            (
                "date-time",
                ["2021-10-20T10:20:30Z", "2021-10-20 10:20:30"],
                ["2021-10-20", "2021-10-20T10:20Z", "now"],
            ),
            ("duration", ["P1Y2M3DT4H5M6S", "P2W"], ["P", "PT", "1D", "P1D2W"]),
            ("regex", ["\\d{2}", "(?<x>a)", "[^]", "\\k<x>"], ["[", "(", "a**", "(?P<x>a)"]),
            ("json-pointer", ["", "/a~0b/0"], ["a", "/~2"]),
            ("relative-json-pointer", ["0#", "1/a"], ["01", "-1"]),
            ("json-pointer-uri-fragment", ["#/a%20b"], ["/a"]),
            ("byte", ["YQ==", ""], ["YQ", "a b="]),
        ],
    )
    def test_agree_with_ajv_formats(self, name, good, bad):
        """What ajv-formats accepts is accepted, and nothing else."""
        assert [text for text in good if not CHECKS[name](text)] == []
        assert [text for text in bad if CHECKS[name](text)] == []

    @pytest.mark.parametrize("name", sorted(CHECKS))
    def test_take_no_long_time(self, name):
        """Texts made to keep a backtracking matcher busy are answered all the same, and rightly.

        One that backtracks has no answer before the time of the test is up.
        """
        texts = ("a" * 50_000 + "!", "a." * 25_000, "{a" * 20_000, "(" * 5_000, "1:" * 20_000)
        relative = ["aa", "a.", "((", "1:"]
        good = {
            "regex": ["aa", "a.", "{a", "1:"],
            "uri-reference": relative,
            "uri-template": relative,
        }
        assert [text[:2] for text in texts if CHECKS[name](text)] == good.get(name, [])
