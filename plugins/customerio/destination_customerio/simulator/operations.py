"""What each operation of the v2 API does to the workspace; v1 calls are turned into these."""

from collections.abc import Callable, Mapping
from typing import Any

from destination_customerio.simulator.people import read_identifier
from destination_customerio.simulator.records import (
    DeliveryReport,
    Device,
    Event,
    Object,
    Person,
    write_attributes,
)
from destination_customerio.simulator.rules import EVENT_ACTIONS
from destination_customerio.simulator.state import State

Entity = Mapping[str, Any]


class Operations:
    """Apply accepted entities to a state; ``clock`` gives Unix seconds.

    ``apply`` trusts its entity: validate it first.
    """

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock
        self._apply: Mapping[tuple[str, str], Callable[[Entity, float], None]] = {
            **{("person", action): self._event for action in EVENT_ACTIONS},
            ("person", "identify"): self._identify,
            ("person", "delete"): self._delete,
            ("person", "add_device"): self._add_device,
            ("person", "delete_device"): self._delete_device,
            ("person", "merge"): self._merge,
            ("person", "suppress"): self._suppress,
            ("person", "unsuppress"): self._unsuppress,
            ("person", "add_relationships"): self._relate_person,
            ("person", "delete_relationships"): self._unrelate_person,
            ("object", "identify"): self._identify_object,
            ("object", "identify_anonymous"): self._identify_anonymous,
            ("object", "delete"): self._delete_object,
            ("object", "add_relationships"): self._relate_object,
            ("object", "delete_relationships"): self._unrelate_object,
            ("delivery", "event"): self._report,
        }

    def apply(self, entity: Entity) -> None:
        """Do what an accepted v2 entity asks for."""
        self._apply[entity["type"], entity["action"]](entity, self._clock())

    # People

    def _identify(self, entity: Entity, now: float) -> None:
        attributes = entity.get("attributes") or {}
        stamp = _seconds(entity.get("timestamp"), now)
        person = self._state.directory.identify(
            read_identifier(entity["identifiers"]), attributes, stamp
        )
        if person is None:
            return
        if attributes.get("anonymous_id") not in (None, ""):
            self._adopt(person, str(attributes["anonymous_id"]), now)
        self._relate(person, entity.get("cio_relationships") or ())

    def _adopt(self, person: Person, anonymous_id: str, now: float) -> None:
        """Attach what waits for an anonymous ID; it can belong to one person only."""
        if not self._state.anonymous.claim(anonymous_id, person, now):
            self._state.directory.fail(
                "Attribute Update Failure", ("anonymous_id", anonymous_id), "belongs to another"
            )
            return
        person.attributes["anonymous_id"] = anonymous_id
        self._state.catalogue.adopt(anonymous_id, person.cio_id)

    def _delete(self, entity: Entity, _: float) -> None:
        person = self._state.directory.find(read_identifier(entity["identifiers"]))
        if person is not None:
            self._state.directory.remove(person)
            self._forget(person)

    def _forget(self, person: Person) -> None:
        self._state.catalogue.forget_person(person.cio_id)
        self._state.anonymous.release(person)

    def _suppress(self, entity: Entity, _: float) -> None:
        person = self._state.directory.suppress(read_identifier(entity["identifiers"]))
        if person is not None:
            self._forget(person)

    def _unsuppress(self, entity: Entity, _: float) -> None:
        self._state.directory.unsuppress(read_identifier(entity["identifiers"]))

    def _merge(self, entity: Entity, now: float) -> None:
        primary, secondary = (
            read_identifier(entity["primary"]),
            read_identifier(entity["secondary"]),
        )
        directory = self._state.directory
        gone = directory.find(secondary)
        kept = directory.merge(primary, secondary, now - self._state.rules.anonymous_seconds)
        if kept is not None and gone is not None:
            self._state.catalogue.forget_person(gone.cio_id)
            self._state.anonymous.hand_over(gone, kept)

    def _add_device(self, entity: Entity, now: float) -> None:
        person = self._state.directory.find_or_add(read_identifier(entity["identifiers"]))
        if person is None:
            return
        given = entity["device"]
        token = given["token"]
        device = person.devices.get(token)
        if device is None:
            device = person.devices[token] = Device(token, given["platform"], now)
        device.platform = given["platform"]
        device.last_used = _seconds(given.get("last_used"), now)
        write_attributes(device.attributes, given.get("attributes") or {})

    def _delete_device(self, entity: Entity, _: float) -> None:
        person = self._state.directory.find(read_identifier(entity["identifiers"]))
        if person is not None:
            person.devices.pop(entity["device"]["token"], None)

    # Events

    def _event(self, entity: Entity, now: float) -> None:
        kind, value = read_identifier(entity["identifiers"])
        if self._state.directory.is_suppressed((kind, value)):
            return
        event_id = entity.get("id")
        if event_id is not None:
            if event_id in self._state.event_ids:
                self._state.duplicates += 1
                return
            self._state.event_ids.add(event_id)
        event = Event(
            kind=entity["action"],
            name=entity["name"].strip(),
            attributes=entity.get("attributes") or {},
            timestamp=_seconds(entity.get("timestamp"), now),
            received=now,
            id=event_id,
        )
        if kind == "anonymous_id":
            event.anonymous_id = value or None
            self._state.anonymous.add(event)
            return
        person = self._state.directory.find_or_add((kind, value))
        if person is not None:
            event.cio_id = person.cio_id
            person.events.append(event)

    def _report(self, entity: Entity, now: float) -> None:
        self._state.deliveries.append(
            DeliveryReport(
                delivery_id=entity["identifiers"]["id"],
                metric=entity["name"],
                timestamp=_seconds(entity.get("timestamp"), now),
                details=dict(entity.get("attributes") or {}),
            )
        )

    # Objects and relationships

    def _relate_person(self, entity: Entity, _: float) -> None:
        person = self._state.directory.find_or_add(read_identifier(entity["identifiers"]))
        if person is not None:
            self._relate(person, entity["cio_relationships"])

    def _relate(self, person: Person, relationships: Any) -> None:
        for one in relationships:
            found = self._state.catalogue.find_or_add(one["identifiers"])
            if found is not None:
                given = one.get("relationship_attributes") or {}
                self._state.catalogue.relate(found, person.cio_id, given)

    def _unrelate_person(self, entity: Entity, _: float) -> None:
        person = self._state.directory.find(read_identifier(entity["identifiers"]))
        for one in entity["cio_relationships"]:
            found = self._state.catalogue.find(one["identifiers"])
            if person is not None and found is not None:
                self._state.catalogue.unrelate(found, person.cio_id)

    def _identify_object(self, entity: Entity, now: float) -> None:
        found = self._written(entity)
        if found is not None and entity.get("cio_relationships"):
            self._relate_object(entity, now)

    def _written(self, entity: Entity) -> Object | None:
        found = self._state.catalogue.find_or_add(entity["identifiers"])
        if found is not None:
            write_attributes(found.attributes, entity.get("attributes") or {})
        return found

    def _identify_anonymous(self, entity: Entity, _: float) -> None:
        found = self._written(entity)
        if found is None:
            return
        for one in entity.get("cio_relationships") or ():
            anonymous_id = str(one["identifiers"]["anonymous_id"])
            given = one.get("relationship_attributes") or {}
            owner = self._state.anonymous.owner(anonymous_id)
            if owner is not None:
                self._state.catalogue.relate(found, owner.cio_id, given)
            else:
                self._state.catalogue.relate_anonymous(found, anonymous_id, given)

    def _delete_object(self, entity: Entity, _: float) -> None:
        found = self._state.catalogue.find(entity["identifiers"])
        if found is not None:
            self._state.catalogue.remove(found)

    def _relate_object(self, entity: Entity, _: float) -> None:
        found = self._state.catalogue.find_or_add(entity["identifiers"])
        for one in entity["cio_relationships"]:
            person = self._state.directory.find_or_add(read_identifier(one["identifiers"]))
            if found is not None and person is not None:
                given = one.get("relationship_attributes") or {}
                self._state.catalogue.relate(found, person.cio_id, given)

    def _unrelate_object(self, entity: Entity, _: float) -> None:
        found = self._state.catalogue.find(entity["identifiers"])
        for one in entity["cio_relationships"]:
            person = self._state.directory.find(read_identifier(one["identifiers"]))
            if found is not None and person is not None:
                self._state.catalogue.unrelate(found, person.cio_id)


def _seconds(value: Any, now: float) -> float:
    """Return a timestamp as a number; a missing one is the time of the request."""
    if value is None:
        return now
    number = float(value)
    return int(number) if number.is_integer() else number
