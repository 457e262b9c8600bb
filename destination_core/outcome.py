"""What became of one payload, as a batch handler reports it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from destination_core.errors import DeliveryError, PluginFault


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


def require_nothing(answer: object, what: str) -> None:
    """Raise ``PluginFault`` for what was returned and must be raised; ``what`` returned it.

    A sequence of them, too, as a batch handler returns it. Anything else, such as a response, says
    nothing.
    """
    first = answer[0] if isinstance(answer, list | tuple) and answer else answer
    if isinstance(first, Outcome | BaseException):
        raise PluginFault(
            f"{what} returned {type(first).__name__}; a handler returns nothing and raises instead"
        )


def checked(outcomes: Sequence[Outcome] | None, wanted: int) -> Sequence[Outcome]:
    """Return an outcome per payload; raises ``PluginFault`` when it is not clear which is whose."""
    if outcomes is None:
        return [ACCEPTED] * wanted
    if len(outcomes) != wanted or not all(isinstance(one, Outcome) for one in outcomes):
        raise PluginFault(
            f"perform_batch must return None or one Outcome per item: {wanted} items,"
            f" got {len(outcomes)} results"
        )
    return outcomes
