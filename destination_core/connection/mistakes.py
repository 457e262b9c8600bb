"""Mistakes in a configuration file, in the words of the file."""

import copy
import difflib
import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel

from destination_core.connection.config import (
    Config,
    DestinationConfig,
    IngestConfig,
    QueueConfig,
    SourceConfig,
    SubscriptionConfig,
)
from destination_core.connection.policy import Policy
from destination_core.connection.source import Location
from destination_core.errors import ConfigurationError

EXPECTED: Final = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping of keys to values",
    "string_type": "a text",
}
"""What a place in the file must hold, by pydantic's type of error."""

SECONDS: Final = frozenset(
    {
        *("backoff", "backoff_limit", "batch_age", "deadline", "dead_retention", "dedup_window"),
        *("lease", "retry_window"),
    }
)
"""Keys of times; none has a unit."""

_BOUND: Final = re.compile(r"at (?:least|most) \d+ items?\b")
"""How long a list may be, in pydantic's words."""

DECISIVE: Final = ("plugin", "settings")
"""Keys of a destination without which nothing more can be said of it."""


class InvalidConfiguration(ConfigurationError):
    """A configuration file has mistakes; ``problems`` lists them all, each with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def said(error: Any, data: Any) -> str:
    """Say one of pydantic's errors about a configuration's ``data`` in the words of the file."""
    location: Location = error["loc"]
    if not location:
        return "must hold `destinations`; start with what `destinations init SLUG` writes"
    key = location[-1]
    if error["type"] == "extra_forbidden":
        known = _known_keys(location)
        close = difflib.get_close_matches(str(key), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    value: Any = data
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return str(error["msg"])
    subject = f"item {key + 1}" if isinstance(key, int) else repr(key)
    if isinstance(value, list) and (bound := _BOUND.search(error["msg"])):
        return f"{subject} must have {bound[0]}, got {len(value)}"
    wanted = EXPECTED.get(error["type"])
    if wanted == "a number" and key in SECONDS:
        wanted = "a number of seconds"
    if wanted is None:
        return f"{subject}: {error['msg'][:1].lower()}{error['msg'][1:]}, got {_shown(value)}"
    return f"{subject} must be {wanted}, got {_shown(value)}"


def without(data: Any, locations: Iterable[Location]) -> tuple[Any, frozenset[Location]] | None:
    """Return what is left of a configuration without its mistakes, and the parts that are gone.

    Of a subscription with a mistake nothing is left but its place in the list. None when the file
    has no destinations that could be looked at.
    """
    left, gone = copy.deepcopy(data), set()
    for location in locations:
        match location:
            case () | ("destinations",):
                return None
            case ("destinations", name, "subscriptions", int(index), *_):
                left["destinations"][name]["subscriptions"][index] = {}
                gone.add(location[:4])
            case ("destinations", name, key, *_):
                left["destinations"][name].pop(key, None)
                if difflib.get_close_matches(str(key), DECISIVE):  # also misspelt
                    gone.add(location[:2])
            case ("destinations", name):
                left["destinations"].pop(name, None)
            case (key, *_):
                left.pop(key, None)
                gone.add((key,))
    return left, frozenset(gone)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return (
            "nothing" if value is None else f"a {'list' if isinstance(value, list) else 'mapping'}"
        )
    return repr(value)[:60]


def _known_keys(location: Location) -> list[str]:
    """Return the keys that are known where an unknown one was found."""
    model: type[BaseModel] = SubscriptionConfig
    match location:
        case (_,):
            model = Config
        case ("queue", _):
            model = QueueConfig
        case ("ingest", _):
            model = IngestConfig
        case ("sources", _, _):
            model = SourceConfig
        case (_, _, "delivery", _):
            model = Policy
        case (_, _, _):
            model = DestinationConfig
    return list(model.model_fields)
