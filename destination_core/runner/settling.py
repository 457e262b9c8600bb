"""Turn what became of an event's deliveries into what the queue has to do."""

import json
import random
import time
from collections.abc import Sequence
from typing import Any

import orjson

from destination_core.attempts import Retry as Backoff
from destination_core.connection import LONGEST_WAIT, Policy
from destination_core.errors import DeliveryError, Paused, RetryableError, SetupError
from destination_core.queue import Dead, Delivered, Filtered, Job, Retry, Settlement
from destination_core.work import Delivery


def settlement(job: Job, deliveries: Sequence[Delivery], policy: Policy, now: float) -> Settlement:
    """Decide: delivered, filtered, to be tried again, or dead.

    While one subscription is to be tried again, those that failed for good wait with it: there is
    one end per event and destination, and it tells of all of them. What was delivered is not
    repeated. A destination that asks to wait or is left alone, or whose set-up is wrong, costs no
    attempt.
    """
    if not deliveries:
        return Filtered(job)
    failed = [one for one in deliveries if one.error is not None]
    if not failed:
        return Delivered(job)
    waiting = [one for one in failed if isinstance(one.error, RetryableError | SetupError)]
    if not waiting:
        return dead(job, failed[0], failed, now)
    asked = [one.error.retry_after for one in waiting if isinstance(one.error, RetryableError)]
    told = max((seconds for seconds in asked if seconds is not None), default=None)
    counts = told is None and not all(isinstance(one.error, SetupError) for one in waiting)
    attempts = job.attempts + counts
    if counts and attempts >= policy.retry_attempts and now - job.received > policy.retry_window:
        return dead(job, waiting[0], failed, now)
    left = frozenset(one.subscription for one in failed)
    untried = all(isinstance(one.error, Paused) for one in waiting)
    if untried and not told:  # nothing was asked of anybody: back to its place
        return Retry(job, min(now, job.received), left, counts=False, crashes=job.crashes)
    wait = Backoff(base=policy.backoff, cap=policy.backoff_limit).delay(max(attempts, 1), None)
    if told is not None:  # and not everybody in the same moment
        wait = max(wait, min(told, LONGEST_WAIT) + random.uniform(0, 0.1 * min(told, 10)))  # noqa: S311
    crashes = job.crashes if untried else 0
    return Retry(job, now + wait, left, counts=counts, crashes=crashes)


def dead(
    job: Job, first: Delivery | None, failed: Sequence[Delivery], now: float, error: str = ""
) -> Dead:
    """Make a dead letter: the event, and of each subscription payload, request and response."""
    record = {
        "event": _event(job),
        "source": job.source,
        "received": _iso(job.received),
        "died": _iso(now),
        "attempts": job.attempts + 1,
        "deliveries": [_told(one) for one in failed],
    }
    cause = first.error if first is not None else None
    return Dead(
        job,
        first.subscription if first is not None and len(failed) == 1 else "",
        first.action if first is not None else "",
        cause.code if cause is not None else "POISON",
        error or (str(cause) if cause is not None else ""),
        _written(record),
    )


def _written(record: dict[str, Any]) -> bytes:
    """Write a record as JSON, whatever a plugin has put into it."""
    try:
        return orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a whole number beyond 64 bits, half of a surrogate pair
        text = json.dumps(record, default=str, skipkeys=True)
        finite = json.loads(text, parse_constant=lambda _: None)
        return json.dumps(finite, ensure_ascii=False).encode("utf-8", "replace")


def _event(job: Job) -> Any:
    try:
        return orjson.loads(job.body)
    except orjson.JSONDecodeError:
        return job.body.decode("utf-8", "replace")


def _told(one: Delivery) -> dict[str, Any]:
    error: DeliveryError | None = one.error
    return {
        "subscription": one.subscription,
        "action": one.action,
        "status": str(one.status),
        "code": error.code if error else "",
        "reason": one.reason,
        "payload": _payload(one),
        "requests": one.requests(),
        "warnings": list(one.warnings),
    }


def _payload(one: Delivery) -> Any:
    if one.payload is None:
        return None
    try:
        return one.payload.to_json()
    except Exception as error:  # noqa: BLE001  a handler may have put anything into it
        return f"cannot be written as JSON: {type(error).__name__}"


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
