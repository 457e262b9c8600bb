"""Audiences: groups of users at a destination, and who comes or goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from destination_core.schema import Settings

AUDIENCES: Final = frozenset({"audience", "journey_step"})
"""The classes of Segment's computations that are audiences."""

COMES: Final[Mapping[str, frozenset[str]]] = {
    "add": frozenset({"new"}),
    "update": frozenset({"updated"}),
    "upsert": frozenset({"new", "updated"}),
    "mirror": frozenset({"new", "updated"}),
}
GOES: Final[Mapping[str, frozenset[str]]] = {
    "delete": frozenset({"deleted"}),
    "mirror": frozenset({"deleted"}),
}
"""Which events of a warehouse's sync (its rows) mean what, by sync mode."""


@dataclass(frozen=True, slots=True)
class Audiences:
    """Say that a destination has audiences that can be made and kept up to date.

    ``settings`` is the model of what is configured per audience. With ``mode`` "synced" the
    audience is made at the destination before its members are sent, by ``create_audience``;
    "realtime" needs no audience beforehand.
    """

    settings: type[Settings] | None = None
    mode: Literal["synced", "realtime"] = "synced"


@dataclass(frozen=True, slots=True)
class Audience:
    """One audience of a connection: its key, its settings, its id at the destination.

    ``key`` is what events call it (``context.personas.computation_key``), ``name`` what people do.
    ``external_id`` is None as long as it has not been made there.
    """

    key: str
    name: str
    settings: Any = None
    external_id: str | None = None


def membership(event: Mapping[str, Any], sync_mode: str | None = None) -> bool | None:
    """Tell whether an event says that its user is in an audience (True) or has left it (False).

    Audiences say so in a trait of identify, or a property of track, that is named by
    ``context.personas.computation_key``; rows of a warehouse by the name of the event (new,
    updated, deleted) and the sync mode. None when the event says neither.
    """
    kind = event.get("type")
    context = event.get("context")
    personas = context.get("personas") if isinstance(context, Mapping) else None
    if isinstance(personas, Mapping) and _text(personas.get("computation_class")) in AUDIENCES:
        key = _text(personas.get("computation_key"))
        if key:
            part = {"identify": "traits", "track": "properties"}.get(str(kind))
            values = event.get(part) if part else None
            said = values.get(key) if isinstance(values, Mapping) else None
            if isinstance(said, bool):
                return said
    if kind == "track" and sync_mode is not None:
        name = _text(event.get("event"))
        if name in COMES.get(sync_mode, ()):
            return True
        if name in GOES.get(sync_mode, ()):
            return False
    return None


def _text(value: Any) -> str:
    """Return a text, or none of the ones that mean something."""
    return value if isinstance(value, str) else ""
