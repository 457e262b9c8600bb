"""Answers that speak of every payload of a batch by itself, as outcomes."""

from collections.abc import Iterable, Mapping
from typing import Final

from destination_core.errors import DeliveryError, PermanentError
from destination_core.http import error_of
from destination_core.outcome import ACCEPTED, Outcome

UNSAID: Final = "the destination's answer does not say what became of this payload"


class MultiStatus:
    """Collects what a destination says about each of ``size`` payloads, in any order.

    What nothing was said about is refused, never taken for a success::

        settled = dc.MultiStatus(len(contacts))
        for n, one in enumerate(response.json()["results"]):
            settled.set(n, one["status"], one.get("message", ""))
        return settled.outcomes()
    """

    def __init__(self, size: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * size

    def accept(self, index: int, *warnings: str) -> None:
        """Say that a payload was accepted; ``warnings`` are for the customer."""
        self._outcomes[index] = Outcome(None, warnings) if warnings else ACCEPTED

    def refuse(self, index: int, error: DeliveryError) -> None:
        """Say that a payload was not accepted; the class of the error is the retry policy."""
        self._outcomes[index] = Outcome(error)

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
        missing = Outcome(unsaid or PermanentError(UNSAID, code="INTERNAL_SERVER_ERROR"))
        return [missing if one is None else one for one in self._outcomes]

    @property
    def left(self) -> list[int]:
        """The payloads that nothing was said about yet."""
        return [index for index, one in enumerate(self._outcomes) if one is None]


def places_of(keys: Iterable[object]) -> Mapping[object, list[int]]:
    """Return where each key stands: destinations answer by id, and an id may be there twice."""
    places: dict[object, list[int]] = {}
    for index, key in enumerate(keys):
        places.setdefault(key, []).append(index)
    return places
