"""Statuses as errors, and the header that says when to come back."""

from datetime import UTC, datetime

import pytest

import destination_core as dc
from destination_core import errors
from destination_core.http import Request, Response, code_of, error_for, retry_after

REQUEST = Request("POST", "https://api.acme.test/v1/people?api_key=hunter22", {})
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ((408, 425, 429, 500, 502, 503, 504, 507, 520, 529, 599), errors.RetryableError),
        ((401, 403), errors.InvalidAuthentication),
        ((300, 301, 302, 303, 304, 307, 308, 410), errors.SetupError),
        ((400, 404, 405, 409, 413, 415, 422, 451, 501, 505), errors.PermanentError),
    ],
)
def test_the_class_is_the_retry_policy(statuses: tuple[int, ...], kind: type[errors.DeliveryError]):
    """Each status has one class, and keeps its number."""
    for status in statuses:
        error = error_for(REQUEST, Response(status, {}))
        assert (type(error), error.status) == (kind, status)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TOO_MANY_REQUESTS"),
        (301, "MOVED_PERMENANTLY"),
        (413, "PAYLOAD_TOO_LARGE"),
        (418, "IM_A_TEAPOT"),
        (499, "CANCELLED"),
        (529, "SITE_IS_OVERLOADED"),
        (599, "UNKNOWN_ERROR"),
        (0, "UNKNOWN_ERROR"),
    ],
)
def test_codes_are_segments(status: int, code: str):
    """Segment's names, its spelling included."""
    assert code_of(status) == code


def test_messages_are_short_and_hold_no_query():
    """Method, host, path and status for the customer, the start of the body for the operator."""
    error = error_for(REQUEST, Response(422, {}, b"email is wrong" * 100))
    assert str(error) == "POST api.acme.test/v1/people answered 422 Unprocessable entity"
    assert error.detail.startswith("email is wrong")
    assert len(error.detail) == 500


def test_refused_credentials_say_where_to_look():
    """The request is fine: what is wrong stands in the settings."""
    for status in (401, 403):
        assert "check the credentials in the settings" in str(
            error_for(REQUEST, Response(status, {}))
        )


def test_a_redirect_names_where_it_leads():
    """That is mostly the account's real region."""
    error = error_for(
        REQUEST, Response(302, {"location": "https://api-eu.acme.test/v1?k=hunter22"})
    )
    assert str(error).endswith("answered 302 Found, a redirect to api-eu.acme.test")
    strange = error_for(REQUEST, Response(302, {"Location": "http://[/"}))
    assert str(strange).endswith("302 Found")


def test_a_retryable_error_knows_when():
    """`Retry-After` is read in any case."""
    error = error_for(REQUEST, Response(503, {"retry-after": "7"}))
    assert isinstance(error, errors.RetryableError)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("NaN", None),
        ("1e3", None),
        ("0", 0),
        (" 120 ", 120),
        ("1.9", 1),
        ("-5", 0),
        ("99999999999", 86_400),
        ("9" * 400, None),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sunday, 01-Mar-26 12:02:00 GMT", 120),
        ("Sun Mar  1 12:02:00 2026", 120),
        ("Sun, 01 Mar 2026 14:02:00 +0200", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2036 12:00:00 GMT", 86_400),
        ("Sun, 41 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None):
    """Seconds and the three forms of a date, between nothing and a day; nonsense is None."""
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("soon", None), (None, None)])
def test_a_response_says_how_long_to_wait(value: str | None, seconds: float | None):
    """A plugin that words its own errors need not read the header itself."""
    headers = {} if value is None else {"retry-after": value}
    assert Response(423, headers).retry_after == seconds


def test_the_error_of_a_status_is_public():
    """A plugin makes the error of a status in the destination's own words."""
    error = dc.error_of(429, "SECONDLY: slow down", retry_after=1.0)
    assert isinstance(error, dc.RetryableError)
    assert (str(error), error.code, error.retry_after) == (
        "SECONDLY: slow down", "TOO_MANY_REQUESTS", 1.0
    )  # fmt: skip
