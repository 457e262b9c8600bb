"""Answers that speak of every payload of a batch by itself, as outcomes."""

from collections.abc import Iterable
from typing import Final

from destination_core.errors import DeliveryError, PermanentError, RetryableError
from destination_core.http import code_of, error_of
from destination_core.outcome import ACCEPTED, Outcome

UNSAID: Final = "the destination's answer does not say what became of this payload"


class MultiStatus:
    """Collects what a destination says about each of ``size`` payloads, in any order.

    What nothing was said about is tried again, never taken for a success::

        settled = dc.MultiStatus(len(contacts))
        for n, one in enumerate(response.json()["results"]):
            settled.set(n, one["status"], one.get("message", ""))
        return settled.outcomes()
    """

    def __init__(self, size: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * size

    def accept(self, index: int, *warnings: str) -> None:
        """Say that a payload was accepted; ``warnings`` are for the customer."""
        self._settle(index, Outcome(None, warnings) if warnings else ACCEPTED)

    def refuse(self, index: int, error: DeliveryError) -> None:
        """Say that a payload was not accepted; the class of the error is the retry policy."""
        self._settle(index, Outcome(error))

    def set(
        self,
        index: int,
        status: int,
        message: str = "",
        *,
        detail: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Say what status a payload got; outside 2xx it is the error it would be for a request.

        ``code`` is Segment's error code for the status unless given: 429 is TOO_MANY_REQUESTS.
        """
        if 200 <= status < 300:  # noqa: PLR2004  RFC 9110
            self.accept(index)
            return
        said = message or f"the destination answered {status} for this payload"
        code = code or code_of(status)
        self.refuse(
            index, error_of(status, said, detail=detail, code=code, retry_after=retry_after)
        )

    def accept_rest(self, indexes: Iterable[int] | None = None) -> None:
        """Accept the payloads that nothing was said about, all or those at ``indexes``."""
        for index in range(len(self._outcomes)) if indexes is None else indexes:
            if self._outcomes[index] is None:
                self._outcomes[index] = ACCEPTED

    def outcomes(self, *, unsaid: DeliveryError | None = None) -> list[Outcome]:
        """Return one outcome per payload, in order; ``unsaid`` is for those without a word."""
        missing = Outcome(unsaid or RetryableError(UNSAID, code="MULTI_STATUS_INCOMPLETE"))
        return [missing if one is None else one for one in self._outcomes]

    def _settle(self, index: int, outcome: Outcome) -> None:
        """Note an outcome; an answer about a payload that was not sent says nothing of the others.

        Raises ``PermanentError``: nobody can tell which payloads such an answer is about.
        """
        size = len(self._outcomes)
        if not 0 <= index < size:
            raise PermanentError(
                f"the destination's answer speaks of payload {index} of a batch of {size}",
                code="MULTI_STATUS_UNREADABLE",
            )
        self._outcomes[index] = outcome

    @property
    def left(self) -> list[int]:
        """The payloads that nothing was said about yet."""
        return [index for index, one in enumerate(self._outcomes) if one is None]
