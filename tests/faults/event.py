"""The events of the oracle: everything in them follows from their number."""

import hashlib
import random
from typing import Any

import orjson

USERS = 50
"""Users that the events belong to by default, in turn."""


def event(number: int, users: int = USERS) -> dict[str, Any]:
    """Make the event of a number."""
    return {
        "type": "track",
        "event": "Fault Survived",
        "messageId": identifier(number),
        "userId": f"u{number % users}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "properties": {"sequence": number // users, "body": body(number)},
    }


def identifier(number: int) -> str:
    """Return the ``messageId`` of a number."""
    return f"oracle-{number}"


def number_of(message_id: str) -> int | None:
    """Return the number of a ``messageId``, None when it is none of ours."""
    name, _, digits = message_id.partition("-")
    return int(digits) if name == "oracle" and digits.isdigit() else None


def body(number: int) -> dict[str, Any]:
    """Return what must arrive unchanged: text beyond ASCII, numbers, depth; 0.1 to 1 kB."""
    chance = random.Random(number)
    return {
        "number": number,
        "text": "".join(chance.choices("aä€😀 \n\"\\'<", k=chance.randrange(10, 200))),
        "price": chance.randrange(1_000_000) / 100,
        "large": chance.getrandbits(53),
        "flags": [True, False, [number, {"deep": [{"er": "x" * chance.randrange(100)}]}]],
    }


def digest(value: Any) -> str:
    """Return what two equal bodies share."""
    return hashlib.blake2b(
        orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=12
    ).hexdigest()
