"""Answers that speak of every payload of a batch, as outcomes."""

import pytest

import destination_core as dc

CODES = {
    401: (dc.InvalidAuthentication, "UNAUTHORIZED"),
    403: (dc.InvalidAuthentication, "FORBIDDEN"),
    404: (dc.PermanentError, "NOT_FOUND"),
    410: (dc.SetupError, "GONE"),
    429: (dc.RetryableError, "TOO_MANY_REQUESTS"),
    503: (dc.RetryableError, "SERVICE_UNAVAILABLE"),
    599: (dc.RetryableError, "UNKNOWN_ERROR"),
}


@pytest.mark.parametrize("status", CODES)
def test_a_status_is_the_error_it_would_be_for_a_request_with_segments_code(status: int) -> None:
    """The class is the retry policy of the status, the code is Segment's name for it."""
    settled = dc.MultiStatus(1)
    settled.set(0, status, "said", retry_after=7)
    error = settled.outcomes()[0].error
    kind, code = CODES[status]
    assert type(error) is kind
    assert (error.code, error.status, str(error)) == (code, status, "said")


def test_a_code_of_ones_own_and_the_wait_are_kept() -> None:
    """What the destination says about an item beats what its status alone would say."""
    settled = dc.MultiStatus(1)
    settled.set(0, 429, "slow down", code="QUOTA", retry_after=7)
    error = settled.outcomes()[0].error
    assert isinstance(error, dc.RetryableError)
    assert (error.code, error.retry_after) == ("QUOTA", 7)


def test_payloads_that_nothing_was_said_about_are_tried_again() -> None:
    """An answer that leaves payloads out never counts as their success."""
    settled = dc.MultiStatus(3)
    settled.accept(1, "trimmed")
    assert settled.left == [0, 2]
    first, second, third = settled.outcomes()
    assert second == dc.Outcome(None, ("trimmed",))
    for one in (first, third):
        assert isinstance(one.error, dc.RetryableError)
        assert one.error.code == "MULTI_STATUS_INCOMPLETE"


def test_silence_can_mean_acceptance_where_the_api_says_so() -> None:
    """Some APIs list the refused only; the rest of the batch, or of a part of it, is accepted."""
    settled = dc.MultiStatus(3)
    settled.set(1, 400)
    settled.accept_rest([0])
    assert settled.left == [2]
    settled.accept_rest()
    assert [one.ok for one in settled.outcomes()] == [True, False, True]


@pytest.mark.parametrize("index", [-1, 2])
def test_an_answer_about_a_payload_that_was_not_sent_settles_nothing(index: int) -> None:
    """Nobody can tell which payloads it is about, so that none of them is a success."""
    settled = dc.MultiStatus(2)
    with pytest.raises(dc.PermanentError, match=f"payload {index} of a batch of 2"):
        settled.accept(index)
