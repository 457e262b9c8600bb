"""Events of every type with odd identifiers and attributes, for the presets of Customer.io."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.conformance.reading import vectors
from tests.differential.made.dates import date

RECORDED: Final = Path(__file__).parents[2] / "conformance" / "vectors" / "customerio.jsonl.gz"
IDS: Final[tuple[Any, ...]] = (
    "u-1", "U 1", "a@b.co", "A@B.CO", "cio_12", "a/b", "日本", "u-1@", "x+y@example.com", "0",
    "null", " u", "u ", 5, 0, 5.5, True, False, None, "", [], ["u-1"], {}, {"a": 1}, 1e21, "a@b",
)  # fmt: skip
ATTRIBUTES: Final[tuple[Any, ...]] = (
    "x", None, 5, 5.5, True, False, [], [1, "a"], {}, {"a": None}, "é🎈", 'a"b\\c\n', "<b>", 1e21,
    {"deep": {"at": "2022-01-01T00:00:00Z", "k": [1]}}, "1646370367", 1646370367, 1e-7,
)  # fmt: skip
KEYS: Final = (
    "email", "first_name", "createdAt", "created_at", "plan", "a.b", "id", "anonymous_id",
    "cio_id", "objectId", "objectTypeId", "object_type_id", "person_id", "timestamp", "url",
    "name", "deliveryId", "metric", "actionType", "recipient", "reason", "href", "actionName",
    "actionValue", "userId", "type", "event", "$y",
)  # fmt: skip
NAMES: Final = (
    "Order Completed", "Application Installed", "Application Uninstalled", "Device Deleted",
    "Relationship Deleted", "User Deleted", "User Suppressed", "User Unsuppressed", "Zzz",
    "Object Deleted", "Report Delivery Event", "Report Content Event", 5, None,
)  # fmt: skip
ANSWERS: Final[tuple[dict[str, Any], ...]] = (
    {"status": 200, "json": {}}, {"status": 204}, {"status": 400, "json": {"e": 1}},
    {"status": 401}, {"status": 404}, {"status": 408}, {"status": 429}, {"status": 500},
    {"status": 503, "body": "x"}, {"timeout": True}, {"network_error": "ECONNRESET"},
)  # fmt: skip


def event(random: Random) -> dict[str, Any]:
    """Return an event for one preset, as of several the first fault hides all, and an answer."""
    return {**_one(random), "event": _event(random), "responses": [random.choice(ANSWERS)]}


def batch(random: Random) -> dict[str, Any]:
    """Return a batch for one preset."""
    events = [_event(random) for _ in range(random.choice((1, 2, 3, 6)))]
    return {**_one(random), "op": "onBatch", "events": events}


def _one(random: Random) -> dict[str, Any]:
    every = _presets()
    return {**every, "subscriptions": [random.choice(every["subscriptions"])]}


@cache
def _presets() -> dict[str, Any]:
    every = (one["input"] for one in vectors(RECORDED) if one["feature"] == "all-presets")
    return {key: value for key, value in next(every).items() if key != "event"}


def _event(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": random.choice(("track", "track", "identify", "group", "page", "screen", "alias")),
        "event": random.choice(NAMES),
        "userId": random.choice(("u-1", random.choice(IDS))),
        "anonymousId": random.choice(("anon-1", random.choice(IDS))),
        "groupId": random.choice(("grp-1", random.choice(IDS))),
        "previousId": random.choice(IDS),
        "timestamp": random.choice(("2022-03-04T05:06:07.890Z", date(random), None)),
        "messageId": random.choice(("msg-1", 5, None)),
        "name": random.choice(("Home", 5, None)),
        "traits": _values(random),
        "properties": _values(random),
        "context": {"device": {"token": random.choice(("tok", "t/k", 5)), "type": "ios"}},
    }
    for key in random.sample(list(made)[1:], random.choice((0, 1, 3, 5))):
        del made[key]
    return made


def _values(random: Random) -> Mapping[str, Any]:
    made: dict[str, Any] = {}
    for key in random.sample(KEYS, random.choice((0, 2, 4, 8))):
        if key.lower().endswith(("id", "email")):
            made[key] = random.choice(IDS)
        else:
            made[key] = random.choice((*ATTRIBUTES, date(random), "opened", "viewed_content"))
    return made
