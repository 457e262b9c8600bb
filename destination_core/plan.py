"""Decide what a connection does with an event: pure, synchronous, nothing is sent."""

from typing import Any

from destination_core.connection import CompiledSubscription, Connection
from destination_core.errors import InvalidPayload
from destination_core.work import Event, Plan, Rejection, Task


def plan(event: Event, connection: Connection[Any]) -> Plan:
    """Return the tasks and rejections of an event, in subscription order.

    Every subscription that matches has its step; one whose mapping or payload fails does not
    disturb the others. No step means that no subscription matched.
    """
    return Plan(connection.name, [_step(event, one) for one in connection.matching(event)])


def _step(event: Event, one: CompiledSubscription) -> Task | Rejection:
    try:
        return Task(event, one.name, one.action, one.read(event), one.usage)
    except InvalidPayload as error:
        return Rejection(event, one.name, one.action, error)
