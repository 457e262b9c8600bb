"""Events of people who are not known yet, and how they find their person.

Source: https://docs.customer.io/journeys/anonymous-events. Events wait 30 days; when a person
gets their ``anonymous_id`` they are attached, and so are those that come in during the next five
minutes. An anonymous ID belongs to one person only.
"""

from dataclasses import dataclass

from destination_customerio.simulator.records import Event, Person
from destination_customerio.simulator.rules import Rules


@dataclass(slots=True)
class _Claim:
    person: Person
    at: float


class AnonymousEvents:
    """Events by anonymous ID, and the persons who own the IDs; times in Unix seconds."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._waiting: dict[str | None, list[Event]] = {}
        self._claims: dict[str, _Claim] = {}

    def add(self, event: Event) -> None:
        """Attach the event to the person who owns its ID since a moment ago, or let it wait."""
        claim = self._claims.get(event.anonymous_id) if event.anonymous_id else None
        if claim is not None and event.received - claim.at <= self._rules.anonymous_grace_seconds:
            _attach(event, claim.person)
        else:
            self._waiting.setdefault(event.anonymous_id, []).append(event)

    def claim(self, anonymous_id: str, person: Person, now: float) -> bool:
        """Give the ID and what waits for it to a person; False when it belongs to another."""
        if not self._rules.event_merging:
            return True
        held = self._claims.get(anonymous_id)
        if held is not None and held.person is not person:
            return False
        self._claims[anonymous_id] = _Claim(person, now)
        for event in self._waiting.pop(anonymous_id, ()):
            if self._is_kept(event, now):
                _attach(event, person)
        return True

    def owner(self, anonymous_id: str) -> Person | None:
        """Return the person who owns the ID, or None."""
        claim = self._claims.get(anonymous_id)
        return None if claim is None else claim.person

    def release(self, person: Person) -> None:
        """Forget the IDs of a person who is gone."""
        for anonymous_id in [key for key, claim in self._claims.items() if claim.person is person]:
            del self._claims[anonymous_id]

    def hand_over(self, gone: Person, kept: Person) -> None:
        """Give the IDs of a merged person to the one who stays."""
        for claim in self._claims.values():
            if claim.person is gone:
                claim.person = kept

    def waiting(self, now: float) -> list[Event]:
        """Return the events that belong to nobody and are not too old to."""
        return [
            event
            for events in self._waiting.values()
            for event in events
            if event.anonymous_id is None or self._is_kept(event, now)
        ]

    def _is_kept(self, event: Event, now: float) -> bool:
        return now - event.received <= self._rules.anonymous_seconds


def _attach(event: Event, person: Person) -> None:
    event.cio_id = person.cio_id
    person.events.append(event)
