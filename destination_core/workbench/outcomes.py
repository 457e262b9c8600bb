"""What came of a call, as JSON."""

from collections.abc import Sequence
from typing import Any

from destination_core import fql
from destination_core.actions import Action
from destination_core.errors import (
    ConfigurationError,
    DeliveryError,
    InvalidMapping,
    InvalidPayload,
    InvalidSubscription,
)
from destination_core.work import Delivery, DeliveryStatus

Answer = dict[str, Any]


def outcome_of(action: Action[Any, Any], delivery: Delivery) -> Answer:
    """Return what became of one event at an action."""
    subscribe = action.subscribe
    selected = subscribe is not None and fql.parse(subscribe).matches(delivery.event)
    payload = delivery.payload
    return {
        "selectedByDefaultTrigger": selected,
        "payload": None if payload is None else payload.to_json(),
        "warnings": list(delivery.warnings),
        "outcome": settled(delivery),
    }


def settled(delivery: Delivery) -> Answer:
    """Return the status of a delivery, and its error."""
    error = {} if delivery.error is None else {"error": shown(delivery.error)}
    return {"status": str(delivery.status), **error}


def shown(error: DeliveryError) -> Answer:
    """Return an error as JSON: its class is the retry policy."""
    answer: Answer = {"type": type(error).__name__, "code": error.code, "message": str(error)}
    found = {
        "status": error.status,
        "detail": error.detail,
        "retryAfter": getattr(error, "retry_after", None),
    }
    answer.update({key: value for key, value in found.items() if value is not None})
    if isinstance(error, InvalidPayload) and error.problems:
        answer["problems"] = [
            {"place": one.pointer or "/", "message": one.message} for one in error.problems
        ]
    return answer


def status_of(deliveries: Sequence[Delivery]) -> int:
    """Return 200 when all were delivered, 422 when those that were not are invalid, else 502."""
    found = {one.status for one in deliveries}
    if found <= {DeliveryStatus.DELIVERED}:
        return 200
    return 422 if found <= {DeliveryStatus.DELIVERED, DeliveryStatus.REJECTED} else 502


def failed(error: DeliveryError) -> tuple[int, Answer]:
    """Return the answer to a call that raised."""
    return (422 if isinstance(error, InvalidPayload) else 502), {"error": shown(error)}


def code_of(error: ConfigurationError) -> tuple[str, str]:
    """Return a code for what is wrong before anything is sent, and where it was asked for."""
    if isinstance(error, InvalidMapping):
        return "INVALID_MAPPING", "mapping"
    if isinstance(error, InvalidSubscription):
        return "INVALID_SUBSCRIPTION", "body"
    return "PLUGIN_ERROR", ""
