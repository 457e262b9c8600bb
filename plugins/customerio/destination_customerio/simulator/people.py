"""The people of the workspace: who is who, what they are called, who may not come back."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from destination_customerio.simulator.records import Failure, Person
from destination_customerio.simulator.rules import Rules

_PREFERENCES = "cio_subscription_preferences"
_CONTROL = frozenset({"_update", "_timestamp", "cio_relationships", "cio_id", "anonymous_id"})
_IDENTIFYING = ("id", "email", "phone")

Identifier = tuple[str, str]


def read_identifier(identifiers: Mapping[str, Any]) -> Identifier:
    """Return the kind and the comparable value of the one identifier: emails ignore case."""
    ((kind, value),) = identifiers.items()
    return kind, normal(kind, value)


def normal(kind: str, value: Any) -> str:
    """Return the value as the workspace compares it."""
    text = str(value)
    return text.lower() if kind == "email" else text


class People:
    """Profiles by identifier; suppressed identifiers; failures to update, in ``failures``."""

    def __init__(self, rules: Rules, failures: list[Failure]) -> None:
        self._rules = rules
        self._failures = failures
        self._by_identifier: dict[Identifier, Person] = {}
        self._suppressed: dict[Identifier, frozenset[Identifier]] = {}
        self._numbers = count(1)

    def __iter__(self) -> Iterator[Person]:
        for (kind, _), person in self._by_identifier.items():
            if kind == "cio_id":
                yield person

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def find(self, identifier: Identifier) -> Person | None:
        """Return the person with this identifier, or None."""
        return self._by_identifier.get(identifier)

    def is_suppressed(self, identifier: Identifier) -> bool:
        """Tell whether calls for this identifier are ignored."""
        return identifier in self._suppressed

    def find_or_add(self, identifier: Identifier) -> Person | None:
        """Return the person, added when unknown; None where nobody can be added.

        Nobody is added for a suppressed identifier or an unknown ``cio_id``.
        """
        person = self._by_identifier.get(identifier)
        if person is not None or identifier in self._suppressed:
            return person
        if identifier[0] == "cio_id":
            self.fail("Dropped", identifier, "no person has this cio_id")
            return None
        return self._add(identifier)

    def _add(self, identifier: Identifier) -> Person:
        person = Person(cio_id=f"{next(self._numbers):012x}")
        self._by_identifier["cio_id", person.cio_id] = person
        self._own(person, identifier)
        return person

    def _own(self, person: Person, identifier: Identifier) -> None:
        kind, value = identifier
        if kind in person.identifiers:
            del self._by_identifier[kind, person.identifiers[kind]]
        person.identifiers[kind] = value
        self._by_identifier[identifier] = person

    def identify(
        self, identifier: Identifier, attributes: Mapping[str, Any], stamp: float
    ) -> Person | None:
        """Add or update a person; attributes older than what is held are ignored.

        Returns None when nobody was added: suppressed, an unknown ``cio_id``, or ``_update``.
        """
        if identifier in self._suppressed:
            return None
        person = self._by_identifier.get(identifier)
        if person is None and identifier[0] != "cio_id":
            person = self._owner_of_attributes(attributes)
            if person is not None:
                # Same email, new id: the person is updated and gets the new id.
                self._own(person, identifier)
        if person is None:
            if attributes.get("_update") is True:
                self.fail("Failed Attribute Change", identifier, "_update: nobody to update")
                return None
            person = self.find_or_add(identifier)
        if person is not None:
            self._assign(person, identifier, attributes)
            self._write(person, attributes, stamp)
        return person

    def _owner_of_attributes(self, attributes: Mapping[str, Any]) -> Person | None:
        for kind in _IDENTIFYING:
            if attributes.get(kind) not in (None, ""):
                owner = self._by_identifier.get((kind, normal(kind, attributes[kind])))
                if owner is not None:
                    return owner
        return None

    def _assign(
        self, person: Person, identifier: Identifier, attributes: Mapping[str, Any]
    ) -> None:
        """Give the person the identifiers among the attributes, as far as the rules allow."""
        for kind in _IDENTIFYING:
            if attributes.get(kind) in (None, ""):
                continue
            wanted = kind, normal(kind, attributes[kind])
            owner = self._by_identifier.get(wanted)
            if owner is person:
                continue
            if owner is not None:
                self.fail("Attribute Update Failure", wanted, "belongs to another person")
            elif wanted in self._suppressed:
                self.fail("Attribute Update Failure", wanted, "is suppressed")
            elif kind in person.identifiers and not self._may_change(kind, identifier[0]):
                self.fail("Attribute Update Failure", wanted, "is set; change it by cio_id")
            else:
                self._own(person, wanted)

    def _may_change(self, kind: str, named_by: str) -> bool:
        if named_by == "cio_id":
            return True
        return kind == "email" and named_by == "id" and self._rules.update_email_by_id

    def _write(self, person: Person, attributes: Mapping[str, Any], stamp: float) -> None:
        held, stamps = person.attributes, person.stamps
        for name, value in attributes.items():
            if name in _CONTROL or name in _IDENTIFYING or stamp < stamps.get(name, 0):
                continue
            stamps[name] = stamp
            if name.startswith(_PREFERENCES + "."):
                _set_preference(held, name, value)
            elif value is None or value == "":
                held.pop(name, None)
            else:
                held[name] = value
        if len(held) > self._rules.attributes:
            limit = self._rules.attributes
            for name in list(held)[limit:]:
                del held[name]
            self.fail(
                "Attribute Update Failure",
                ("cio_id", person.cio_id),
                f"more than {limit} attributes",
            )

    def merge(self, primary: Identifier, secondary: Identifier, since: float) -> Person | None:
        """Move the secondary into the primary, delete it, and return the primary.

        What moves is what the API's page lists: attributes that the primary lacks, and events
        received since ``since``. Without a primary or a secondary nothing happens.
        """
        kept, gone = self.find(primary), self.find(secondary)
        if kept is None or gone is None or kept is gone:
            missing = primary if kept is None else secondary
            self.fail("Merge ignored", missing, "no such person, or the primary itself")
            return None
        for name, value in gone.attributes.items():
            if name not in kept.attributes:
                kept.attributes[name] = value
                kept.stamps[name] = gone.stamps.get(name, 0)
        self.remove(gone)
        for kind, value in gone.identifiers.items():
            if kind not in kept.identifiers:
                self._own(kept, (kind, value))
        for event in gone.events:
            if event.received >= since:
                event.cio_id = kept.cio_id
                kept.events.append(event)
        return kept

    def remove(self, person: Person) -> None:
        """Forget a person."""
        for identifier in person.identifiers.items():
            del self._by_identifier[identifier]
        del self._by_identifier["cio_id", person.cio_id]

    def suppress(self, identifier: Identifier) -> Person | None:
        """Delete the person and block all their identifiers; give the person that was deleted."""
        person = self.find(identifier)
        group = {identifier}
        if person is not None:
            self.remove(person)
            group |= set(person.identifiers.items())
        for one in group:
            self._suppressed[one] = frozenset(group)
        return person

    def unsuppress(self, identifier: Identifier) -> None:
        """Allow the identifier again, and those that were suppressed with it."""
        for one in self._suppressed.get(identifier, ()):
            self._suppressed.pop(one, None)

    @property
    def suppressed(self) -> list[Identifier]:
        """The identifiers that are blocked."""
        return list(self._suppressed)

    def fail(self, kind: str, identifier: Identifier, reason: str) -> None:
        """Note what a 200 did not do."""
        self._failures.append(Failure(kind, {identifier[0]: identifier[1]}, reason))


def _set_preference(held: dict[str, Any], path: str, value: Any) -> None:
    """Set one topic by its dotted path; the others stay."""
    *outer, last = path.split(".")
    place = held
    for name in outer:
        inner = place.get(name)
        place[name] = dict(inner) if isinstance(inner, dict) else {}
        place = place[name]
    place[last] = value
