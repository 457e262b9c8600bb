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


def checked(answer: object, wanted: int, what: str) -> Sequence[Outcome]:
    """Return an outcome per payload; ``what`` answered for so many.

    Raises ``PluginFault`` when it is not clear which outcome is whose.
    """
    if answer is None:
        return [ACCEPTED] * wanted
    came = type(answer).__name__
    if isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        odd = [type(one).__name__ for one in answer if not isinstance(one, Outcome)]
        if len(answer) == wanted and not odd:
            return answer
        came = f"a {came} with {odd[0]} in it" if odd else f"{len(answer)} of them"
    raise PluginFault(
        f"{what} must return None or one Outcome per payload, in order: of a batch of {wanted} it"
        f" returned {came}"
    )
