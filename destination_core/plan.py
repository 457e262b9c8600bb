"""Decide what a connection does with an event: pure, synchronous, nothing is sent."""

from typing import Any

from destination_core.connection import Connection
from destination_core.errors import InvalidPayload
from destination_core.mapping import copied
from destination_core.work import Event, Plan, Rejection, Task


def plan(event: Event, connection: Connection[Any], *, apart: bool = False) -> Plan:
    """Return the tasks and rejections of an event, in subscription order.

    Every subscription that matches has its step; one whose mapping or payload fails does not
    disturb the others. No step means that no subscription matched. No two payloads share anything
    that a handler could change; with ``apart`` they share nothing with the event either, for it has
    other readers.
    """
    return Plan(connection.name, steps(event, connection, apart=apart))


def steps(
    event: Event, connection: Connection[Any], *, apart: bool = False
) -> list[Task | Rejection]:
    """Return the steps of the plan alone."""
    matching = connection.index.matching(event)
    apart = apart or len(matching) > 1
    made: list[Task | Rejection] = []
    for position in matching:
        one = connection.subscriptions[position]
        try:
            payload = one.read(_own(event) if apart else event)
            made.append(Task(event, one.name, one.action, payload, one.usage))
        except InvalidPayload as error:
            made.append(Rejection(event, one.name, one.action, error))
    return made


def _own(event: Event) -> Event:
    """Return a copy for one subscription alone; raises ``InvalidPayload`` when there is no end."""
    try:
        own: Event = copied(event)
    except RecursionError:
        raise InvalidPayload("event is nested too deeply", code="MAPPING_ERROR") from None
    return own
