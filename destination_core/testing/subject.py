"""The plugin that a suite is about: opened, given events, delivered over real sockets."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from destination_core import fql, mapping
from destination_core.actions import Action
from destination_core.audiences import Audience
from destination_core.connection import Connection, Subscription
from destination_core.credentials import AccessToken, MemoryTokens
from destination_core.destination import Destination
from destination_core.engine import Engine
from destination_core.errors import InvalidPayload
from destination_core.http import RoutedTransport
from destination_core.plugins import Registry
from destination_core.relay import Relay
from destination_core.schema import Payload
from destination_core.testing.clock import Clock
from destination_core.testing.events import standard_event, standard_events
from destination_core.testing.expectation import expect
from destination_core.testing.recording import Recorded, RecordingServer, Reply
from destination_core.work import Delivery

T = TypeVar("T")

Event = Mapping[str, Any]
Answer = Reply | Callable[[Recorded], Reply]

EVERY_EVENT = 'type != ""'

PATIENCE = 20.0
"""Seconds after which an answer is not waited for, on however busy a machine."""


class Subject:
    """What ``DestinationSuite`` stands on; its attributes are described there."""

    plugin: ClassVar[ModuleType | Any]
    settings: ClassVar[Mapping[str, Any]]
    samples: ClassVar[Mapping[str, Event | Sequence[Event]]] = {}
    mappings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    subscriptions: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    audiences: ClassVar[Sequence[Audience]] = ()
    reply: ClassVar[Answer] = Reply()
    partial: ClassVar[Callable[[Recorded, Collection[int]], Reply | None] | None] = None

    @property
    def relay(self) -> Relay[Any]:
        """The plugin, registered by itself."""
        return self.watched()

    def watched(self, *observers: object) -> Relay[Any]:
        """Return the plugin, registered beside observers."""
        return next(iter(Registry.of(self.plugin, *observers).relays.values()))

    @property
    def destination(self) -> Destination[Any]:
        """What the plugin registers."""
        return self.relay.destination

    def action(self, slug: str) -> Action[Any, Any]:
        """Return a declared action."""
        found = self.destination.action(slug)
        if found is None:
            raise AssertionError(f"there is no action {slug!r}")
        return found

    def connection(self, *slugs: str, relay: Relay[Any] | None = None) -> Connection[Any]:
        """Open a connection with these actions subscribed to every event."""
        chosen = [
            Subscription(slug, slug, EVERY_EVENT, self.mapping(slug), **self._chosen(slug))
            for slug in slugs
        ]
        return Connection(
            "suite",
            relay or self.relay,
            settings=self.settings,
            subscriptions=chosen,
            tokens=MemoryTokens({"suite": AccessToken("suite-token")}),
            allowed_networks=["127.0.0.0/8"],  # where the recording server is
            audiences=self.audiences,
        )

    def _chosen(self, slug: str) -> dict[str, Any]:
        """Return what the subscription of an action says; the first sync mode where it must say."""
        chosen = dict(self.subscriptions.get(slug, {}))
        modes = self.action(slug).sync_modes
        if modes is not None and modes.default is None:
            chosen.setdefault("sync_mode", modes.choices[0])
        return chosen

    def mapping(self, slug: str) -> dict[str, Any]:
        """Return the action's default mapping, with what ``mappings`` fills in."""
        return {**self.action(slug).schema.default_mapping, **self.mappings.get(slug, {})}

    def payload(self, slug: str, event: Event) -> Payload:
        """Make the payload of an event by the mapping; raises ``InvalidPayload``."""
        mapped = mapping.compile(self.mapping(slug)).resolve(event)
        made: Payload = self.action(slug).schema.validate(mapped)
        return made

    def events(self, slug: str) -> list[dict[str, Any]]:
        """Return the events that an action is checked with, the one that is sent first.

        The samples, and the standard events of other types that its default trigger selects.
        """
        given = self.samples.get(slug, ())
        samples = [given] if isinstance(given, Mapping) else given
        events = [copy.deepcopy(dict(one)) for one in samples]
        types = {one.get("type") for one in events}
        return events + [one for one in self._selected(slug) if one["type"] not in types]

    def sample(self, slug: str) -> dict[str, Any]:
        """Return an event that the action's default mapping makes a valid payload of."""
        why = "its default trigger selects none"
        for event in self.events(slug):
            try:
                self.payload(slug, event)
            except InvalidPayload as error:
                why = f"{event['type']}: {error}"
                continue
            return event
        raise AssertionError(
            f"no standard event makes a valid payload of action {slug!r} ({why}); give one:"
            f" samples = {{{slug!r}: {{...}}}}, or what a customer fills in:"
            f" mappings = {{{slug!r}: {{...}}}}"
        )

    def delivered(
        self,
        slug: str,
        events: Sequence[Event],
        *replies: Answer,
        batch: bool = False,
        patience: float = PATIENCE,
        relay: Relay[Any] | None = None,
    ) -> tuple[list[Delivery], RecordingServer]:
        """Deliver events to one action over real sockets; return what became of each.

        The clock stands still: requests that tell the time are the same in every run.
        """
        connection = self.connection(slug, relay=relay)

        async def deliver() -> tuple[list[Delivery], RecordingServer]:
            async with (
                RecordingServer(*replies or (type(self).reply,)) as server,
                RoutedTransport(server.url, timeout=patience) as transport,
                Engine([connection], transport=transport, clock=Clock()) as engine,
            ):
                if batch:
                    return [one[0] for one in await engine.send_batch(events)], server
                return [(await engine.send(event))[0] for event in events], server

        return run(deliver())

    def _selected(self, slug: str) -> list[dict[str, Any]]:
        """Return the standard events that the action's default trigger selects."""
        subscribe = self.action(slug).subscribe
        events = [one for one in standard_events() if one["type"] != "track"]
        names = [] if subscribe is None else _names(fql.to_segment(fql.parse(subscribe)))
        events += [standard_event("track", event=name) for name in names or ["Order Completed"]]
        if subscribe is None:
            return events
        trigger = fql.parse(subscribe)
        return [one for one in events if trigger.matches(one)]


def several(event: Event, number: int) -> list[dict[str, Any]]:
    """Return an event, and others like it of other users: a batch may merge those of one user."""
    return [_other(event, one) if one > 1 else dict(event) for one in range(1, number + 1)]


def _other(event: Event, number: int) -> dict[str, Any]:
    other: dict[str, Any] = copy.deepcopy(dict(event))
    for key in ("messageId", "userId", "anonymousId", "groupId", "previousId"):
        if isinstance(other.get(key), str):
            other[key] += f"-{number}"
    for values in (other.get("traits"), other.get("properties")):
        if isinstance(values, dict) and isinstance(values.get("email"), str):
            values["email"] = f"{number}.{values['email']}"
    return other


def run(work: Awaitable[T]) -> T:
    """Run a coroutine to its end."""

    async def running() -> T:
        return await work

    return asyncio.run(running())


async def until(holds: Callable[[], bool], message: str) -> None:
    """Wait until something holds; raises ``AssertionError`` when it does not in the end."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110  what is outside gives no sign
                await asyncio.sleep(0.005)
    except TimeoutError:
        expect(holds(), message)


def _names(node: Mapping[str, Any]) -> list[str]:
    """Return the event names that a trigger asks for: standard events do not have them."""
    children = node.get("children")
    if isinstance(children, list):
        return [name for child in children for name in _names(child)]
    is_name = node.get("type") == "event" and node.get("operator") == "="
    return [str(node["value"])] if is_name else []
