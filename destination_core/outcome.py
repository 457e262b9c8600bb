"""What became of one payload, as a batch handler reports it."""

from dataclasses import dataclass
from typing import Final

from destination_core.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payload of a batch.

    ``error`` is None when the destination accepted it; otherwise its class is the retry policy.
    ``warnings`` are for the customer: the payload was accepted, but not as it came.
    """

    error: DeliveryError | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the destination accepted the payload."""
        return self.error is None


ACCEPTED: Final = Outcome()
