"""What holds of the request client for any input."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import orjson
from hypothesis import given
from hypothesis import strategies as st

from destination_core.http import Exchange, Request, Response, retry_after, segment
from destination_core.http.addresses import Base

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(st.text())
def test_retry_after_never_fails(value: str):
    """Whatever a server sends is a time between now and tomorrow, or nothing."""
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.integers(-200_000, 200_000))
def test_retry_after_reads_both_forms_alike(seconds: int):
    """A number and the date that far away mean the same."""
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    expected = min(max(seconds, 0), 86_400)
    assert retry_after(str(seconds), NOW) == retry_after(date, NOW) == expected


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_a_segment_stays_one_segment(text: str):
    """It comes back from the path as it was, and nothing else of the URL changes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    url = Base("https://x.test/v1").join(f"/people/{segment(text)}/tags")
    parts = urlsplit(url)
    assert (parts.netloc, parts.query, parts.fragment) == ("x.test", "", "")
    assert [unquote(one) for one in parts.path.split("/")] == ["", "v1", "people", text, "tags"]


@given(
    st.text(min_size=8, max_size=30, alphabet=st.characters(codec="utf-8", min_codepoint=32)),
    st.sampled_from(["url", "header", "body", "answer", "plain"]),
)
def test_no_secret_is_shown_wherever_it_is(secret: str, place: str):
    """Percent-encoded, in JSON, in a header: nothing of an exchange shows it."""
    canary = f"c4n4ry{secret}s3cr3t"
    request = Request(
        "POST",
        f"https://x.test/{segment(canary)}" if place == "url" else "https://x.test/",
        {"X-Plain": canary} if place == "header" else {},
        orjson.dumps({"a": canary}) if place == "body" else canary.encode(),
    )
    answer = Response(200, {"X-Echo": canary}, orjson.dumps([canary]))
    exchange = Exchange(request, answer if place == "answer" else None)
    shown = orjson.dumps(exchange.redacted({canary})).decode()
    assert "c4n4ry" not in shown
    assert "c4n4ry" not in repr(exchange) + repr(request) + repr(answer)
