"""Decide what a connection does with an event: pure, synchronous, nothing is sent."""

from typing import Any

from destination_core.connection import CompiledSubscription, Connection
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
    matching = connection.matching(event)
    apart = apart or len(matching) > 1
    return Plan(connection.name, [_step(event, one, apart=apart) for one in matching])


def _step(event: Event, one: CompiledSubscription, *, apart: bool) -> Task | Rejection:
    try:
        payload = one.read(copied(event) if apart else event)
        return Task(event, one.name, one.action, payload, one.usage)
    except InvalidPayload as error:
        return Rejection(event, one.name, one.action, error)
