"""Custom objects and who is related to them."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from destination_customerio.simulator.records import Object, Relationship, write_attributes


class Objects:
    """Objects by type and ID or by ``cio_object_id``, with their relationships to people."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[str, str], Object] = {}
        self._by_cio_id: dict[str, Object] = {}
        self._people: dict[str, dict[str, dict[str, Any]]] = {}
        self._waiting: dict[str, dict[str, dict[str, Any]]] = {}
        self._numbers = count(1)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, identifiers: Mapping[str, Any]) -> Object | None:
        """Return the object with these identifiers, or None."""
        if "cio_object_id" in identifiers:
            return self._by_cio_id.get(identifiers["cio_object_id"])
        return self._by_id.get(_key(identifiers))

    def find_or_add(self, identifiers: Mapping[str, Any]) -> Object | None:
        """Return the object, added when unknown; a ``cio_object_id`` adds none."""
        found = self.find(identifiers)
        if found is not None or "cio_object_id" in identifiers:
            return found
        key = _key(identifiers)
        added = Object(f"obb{next(self._numbers):09x}", *key)
        self._by_id[key] = self._by_cio_id[added.cio_object_id] = added
        self._people[added.cio_object_id] = {}
        return added

    def remove(self, found: Object) -> None:
        """Delete an object and its relationships."""
        del self._by_id[found.object_type_id, found.object_id]
        del self._by_cio_id[found.cio_object_id]
        del self._people[found.cio_object_id]
        for waiting in self._waiting.values():
            waiting.pop(found.cio_object_id, None)

    def relate(self, found: Object, cio_id: str, attributes: Mapping[str, Any]) -> None:
        """Tie a person to an object, or update the tie they have."""
        held = self._people[found.cio_object_id].setdefault(cio_id, {})
        write_attributes(held, dict(attributes))

    def unrelate(self, found: Object, cio_id: str) -> None:
        """Cut the tie between a person and an object, if there is one."""
        self._people[found.cio_object_id].pop(cio_id, None)

    def relate_anonymous(
        self, found: Object, anonymous_id: str, attributes: Mapping[str, Any]
    ) -> None:
        """Keep a tie until a person has this anonymous ID."""
        waiting = self._waiting.setdefault(anonymous_id, {})
        write_attributes(waiting.setdefault(found.cio_object_id, {}), dict(attributes))

    def adopt(self, anonymous_id: str, cio_id: str) -> None:
        """Give the ties that waited for an anonymous ID to its person."""
        for cio_object_id, attributes in self._waiting.pop(anonymous_id, {}).items():
            self.relate(self._by_cio_id[cio_object_id], cio_id, attributes)

    def forget_person(self, cio_id: str) -> None:
        """Cut every tie of a person."""
        for people in self._people.values():
            people.pop(cio_id, None)

    @property
    def relationships(self) -> list[Relationship]:
        """Every tie between a known person and an object."""
        return [
            Relationship(cio_id, cio_object_id, attributes)
            for cio_object_id, people in self._people.items()
            for cio_id, attributes in people.items()
        ]


def _key(identifiers: Mapping[str, Any]) -> tuple[str, str]:
    return str(identifiers["object_type_id"]), str(identifiers["object_id"])
