"""What is wrong with a request, in the words of the Track API."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: ``reason`` is ``invalid`` or ``required``, ``field`` a dotted path."""

    reason: str
    field: str
    message: str

    def as_json(self, batch_index: int | None = None) -> dict[str, Any]:
        """Return one entry of ``errors``: with ``batch_index`` in a 207, without in a 400."""
        entry: dict[str, Any] = {} if batch_index is None else {"batch_index": batch_index}
        return entry | {"reason": self.reason, "field": self.field, "message": self.message}


def invalid(field: str, message: str) -> Problem:
    """Return the fault of a value that is there and wrong."""
    return Problem("invalid", field, message)


def required(field: str) -> Problem:
    """Return the fault of a missing value, with the message that the API was seen to send."""
    label = field.rpartition(".")[2].replace("_", " ")
    return Problem("required", field, f"{label[:1].upper()}{label[1:]} is required")
