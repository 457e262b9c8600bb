"""What the simulated workspace holds: people, devices, events, objects, deliveries, failures."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Device:
    """A push device of one person; ``last_used`` in Unix seconds."""

    token: str
    platform: str
    last_used: float
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Event:
    """An event, page or screen; ``cio_id`` is its person, None while it is anonymous.

    ``timestamp`` is when it happened, ``received`` when it came in, both in Unix seconds.
    """

    kind: str
    name: str
    attributes: dict[str, Any]
    timestamp: float
    received: float
    id: str | None = None
    cio_id: str | None = None
    anonymous_id: str | None = None


@dataclass(slots=True)
class Person:
    """A profile: its identifiers by kind, attributes, devices by token and events in order."""

    cio_id: str
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stamps: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the profile for ``GET /_simulator/state``; its events are listed apart."""
        return {
            "cio_id": self.cio_id,
            "identifiers": self.identifiers,
            "attributes": self.attributes,
            "devices": list(self.devices.values()),
        }


@dataclass(slots=True)
class Object:
    """A custom object, such as an account, and its attributes."""

    cio_object_id: str
    object_type_id: str
    object_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A person's tie to an object."""

    cio_id: str
    cio_object_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A metric reported for one message; ``details`` is the rest of the report."""

    delivery_id: str
    metric: str
    timestamp: float
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was answered 200 and yet not applied, as the activity log would show it."""

    kind: str
    subject: dict[str, Any]
    reason: str


def write_attributes(held: dict[str, Any], given: dict[str, Any]) -> None:
    """Add or replace attributes; null or an empty text removes one."""
    for name, value in given.items():
        if value is None or value == "":
            held.pop(name, None)
        else:
            held[name] = value
