"""The simulated workspace: what accepted requests have made of it."""

from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

from destination_customerio.simulator.anonymous import AnonymousEvents
from destination_customerio.simulator.objects import Objects
from destination_customerio.simulator.people import People, read_identifier
from destination_customerio.simulator.records import (
    DeliveryReport,
    Device,
    Event,
    Failure,
    Object,
    Person,
    Relationship,
)
from destination_customerio.simulator.rules import Rules


class State:
    """People, devices, objects, events and deliveries, to be asked for.

    ``Operations`` changes it, through ``directory`` (people by identifier), ``catalogue``
    (objects and relationships) and ``anonymous`` (events without a person). ``clock`` gives
    Unix seconds.
    """

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self.rules = rules
        self._clock = clock
        self.deliveries: list[DeliveryReport] = []
        self.failures: list[Failure] = []
        self.duplicates = 0
        self.directory = People(rules, self.failures)
        self.catalogue = Objects()
        self.anonymous = AnonymousEvents(rules)
        self.event_ids: set[str] = set()

    @property
    def people(self) -> list[Person]:
        """Everybody, in the order they were added."""
        return list(self.directory)

    @property
    def devices(self) -> list[Device]:
        """The devices of everybody."""
        return [device for person in self.directory for device in person.devices.values()]

    @property
    def events(self) -> list[Event]:
        """The events of known people, person by person."""
        return list(chain.from_iterable(person.events for person in self.directory))

    @property
    def anonymous_events(self) -> list[Event]:
        """The events that belong to nobody: they wait for their person, or have no ID at all."""
        return self.anonymous.waiting(self._clock())

    @property
    def objects(self) -> list[Object]:
        """The custom objects."""
        return list(self.catalogue)

    @property
    def relationships(self) -> list[Relationship]:
        """The ties between people and objects."""
        return self.catalogue.relationships

    @property
    def suppressed(self) -> list[dict[str, str]]:
        """The identifiers whose calls are ignored."""
        return [{kind: value} for kind, value in self.directory.suppressed]

    def person(self, **identifier: str) -> Person | None:
        """Return one person: ``person(id="42")``, ``person(email="ann@example.com")``."""
        return self.directory.find(read_identifier(identifier))

    def object(self, object_type_id: str, object_id: str) -> Object | None:
        """Return one object by its type and ID."""
        return self.catalogue.find({"object_type_id": object_type_id, "object_id": object_id})

    def counts(self) -> dict[str, int]:
        """Count what there is, most telling first."""
        people = self.people
        kinds = Counter(event.kind for person in people for event in person.events)
        return {
            "people": len(people),
            "devices": sum(len(person.devices) for person in people),
            "objects": len(self.catalogue),
            "relationships": len(self.catalogue.relationships),
            "events": kinds.total() - kinds["page"] - kinds["screen"],
            "page views": kinds["page"],
            "screen views": kinds["screen"],
            "anonymous events": len(self.anonymous_events),
            "deliveries": len(self.deliveries),
            "suppressed": len(self.directory.suppressed),
            "duplicates": self.duplicates,
            "failures": len(self.failures),
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "counts": self.counts(),
            "people": [person.as_json() for person in self.directory],
            "events": self.events,
            "anonymous_events": self.anonymous_events,
            "objects": self.objects,
            "relationships": self.relationships,
            "deliveries": self.deliveries,
            "suppressed": self.suppressed,
            "failures": self.failures,
        }
