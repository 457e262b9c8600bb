"""The standard checks of a destination, one test per check and action."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from pydantic import SecretStr

from destination_core import fql, mapping
from destination_core.catalogue import with_action_table
from destination_core.connection import Connection, Subscription
from destination_core.credentials import AccessToken, MemoryTokens
from destination_core.destination import Action, Destination
from destination_core.engine import Engine
from destination_core.errors import (
    DeliveryError,
    InvalidAuthentication,
    InvalidPayload,
    PermanentError,
    RetryableError,
    SetupError,
)
from destination_core.hookspecs import PROJECT
from destination_core.lint import lint
from destination_core.plugins import Registry
from destination_core.relay import Relay
from destination_core.testing.events import standard_event, standard_events
from destination_core.testing.expectation import expect
from destination_core.testing.golden import Golden
from destination_core.testing.recording import RecordingServer, Reply, RoutedTransport
from destination_core.work import Delivery

T = TypeVar("T")

EVERY_EVENT = 'type != ""'

ANSWERS: dict[str, tuple[Reply, type[DeliveryError]]] = {
    "400": (Reply(400), PermanentError),
    "401": (Reply(401), InvalidAuthentication),
    "403": (Reply(403), SetupError),
    "408": (Reply(408), RetryableError),
    "413": (Reply(413), PermanentError),
    "429": (Reply(429, headers={"Retry-After": "7"}), RetryableError),
    "500": (Reply(500), RetryableError),
    "503": (Reply(503), RetryableError),
    "timeout": (Reply(delay=5.0), RetryableError),
    "reset": (Reply(reset=True), RetryableError),
}
"""What a destination may answer, and the class that it stands for (the errors are the policy)."""

TIMEOUT_SECONDS = 0.3


class DestinationSuite:
    """Inherit, name the ``plugin`` and valid ``settings``, and every standard check runs.

    ``samples`` gives, by action, an event that its default mapping makes a valid payload of; by
    default the first standard event that does; ``mappings`` what a customer has to fill in beside
    the default mapping, by action and field. ``reply`` is what the destination answers when all
    is well (a function of the request where it depends on it). ``exempt`` names required fields
    without a default mapping, as ``action.field``, with the reason. ``golden`` is the folder of
    golden requests, ``readme`` a page with a table of the actions; None for none.
    """

    plugin: ClassVar[ModuleType | Any]
    settings: ClassVar[Mapping[str, Any]]
    samples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    mappings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    reply: ClassVar[Reply | Callable[[Any], Reply]] = Reply()
    exempt: ClassVar[Mapping[str, str]] = {}
    golden: ClassVar[Path | None] = None
    readme: ClassVar[Path | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run a check once per action, and once per answer, with their names as ids."""
        if "action" in metafunc.fixturenames:
            slugs = [one.slug for one in self.destination.actions]
            metafunc.parametrize("action", slugs, ids=slugs)
        if "answer" in metafunc.fixturenames:
            metafunc.parametrize("answer", list(ANSWERS), ids=list(ANSWERS))

    # -- what the checks stand on ----------------------------------------------------------

    @property
    def relay(self) -> Relay[Any]:
        """The plugin, registered by itself."""
        return next(iter(Registry.of(self.plugin).relays.values()))

    @property
    def destination(self) -> Destination[Any]:
        """What the plugin registers."""
        return self.relay.destination

    def connection(self, *slugs: str) -> Connection[Any]:
        """Open a connection with these actions subscribed to every event."""
        chosen = [Subscription(slug, slug, EVERY_EVENT, self.mapping(slug)) for slug in slugs]
        return Connection(
            "suite",
            self.relay,
            settings=self.settings,
            subscriptions=chosen,
            tokens=MemoryTokens({"suite": AccessToken("suite-token")}),
        )

    def mapping(self, slug: str) -> dict[str, Any]:
        """Return the action's default mapping, with what ``mappings`` fills in."""
        return {**self._action(slug).schema.default_mapping, **self.mappings.get(slug, {})}

    def sample(self, slug: str) -> dict[str, Any]:
        """Return an event that the action's default mapping makes a valid payload of."""
        if slug in self.samples:
            return copy.deepcopy(dict(self.samples[slug]))
        action = self._action(slug)
        for event in self._selected(action):
            if self._payload(action, event) is not None:
                return event
        raise AssertionError(
            f"no standard event makes a valid payload of action {slug!r}; give one:"
            f" samples = {{{slug!r}: {{...}}}}"
        )

    def delivered(
        self, slug: str, events: Sequence[Mapping[str, Any]], *replies: Any, batch: bool = False
    ) -> tuple[list[Delivery], RecordingServer]:
        """Deliver events to one action over real sockets; return what became of each."""
        return _run(self._delivered(slug, events, replies or (type(self).reply,), batch=batch))

    async def _delivered(
        self,
        slug: str,
        events: Sequence[Mapping[str, Any]],
        replies: Sequence[Any],
        *,
        batch: bool,
    ) -> tuple[list[Delivery], RecordingServer]:
        async with (
            RecordingServer(*replies) as server,
            RoutedTransport(server.url, timeout=TIMEOUT_SECONDS) as transport,
            Engine([self.connection(slug)], transport=transport) as engine,
        ):
            if batch:
                return [one[0] for one in await engine.send_batch(events)], server
            return [(await engine.send(event))[0] for event in events], server

    def _action(self, slug: str) -> Action[Any, Any]:
        found = self.destination.action(slug)
        expect(found, f"there is no action {slug!r}")
        return found  # type: ignore[return-value]  # expect() has seen to it

    def _selected(self, action: Action[Any, Any]) -> list[dict[str, Any]]:
        """Return the standard events that the action's default trigger selects."""
        names = _event_names(action.subscribe) or ["Order Completed"]
        events = [one for one in standard_events() if one["type"] != "track"]
        events += [standard_event("track", event=name) for name in names]
        if action.subscribe is None:
            return events
        trigger = fql.parse(action.subscribe)
        return [one for one in events if trigger.matches(one)]

    def _payload(self, action: Action[Any, Any], event: Mapping[str, Any]) -> Any:
        """Return the payload that the mapping makes, or None when it is invalid."""
        compiled = mapping.compile(self.mapping(action.slug))
        try:
            return action.schema.validate(compiled.resolve(event))
        except InvalidPayload:
            return None

    # -- the checks ------------------------------------------------------------------------

    def test_settings_are_accepted_and_keep_their_secrets(self) -> None:
        """Valid settings open a connection, and no representation shows a secret."""
        one = self.connection()
        shown = f"{one!r} {one.settings!r} {one.options!r}"
        for name in type(one.settings).model_fields:
            value = getattr(one.settings, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                expect(value.get_secret_value() not in shown, f"secret {name!r} is in a repr")

    def test_the_entry_point_is_the_slug(self) -> None:
        """The distribution names its plugin by the slug (checked where it is installed)."""
        value = getattr(self.plugin, "__name__", "")
        names = [one.name for one in entry_points(group=PROJECT) if one.value == value]
        slug = self.destination.slug
        expect(not names or slug in names, f"entry point {names} should be named {slug!r}")

    def test_the_definition(self) -> None:
        """Slugs, presets, secrets and batch keys: what `destinations lint` checks of the whole."""
        self._expect_no_fault("", {"actions", "batch-key", "preset", "secret", "slug", "title"})

    def test_titles_and_descriptions(self, action: str) -> None:
        """People see them: those of the action and of each field."""
        self._expect_no_fault(action, {"title", "description"})

    def test_the_trigger_can_be_read(self, action: str) -> None:
        """The default trigger is FQL."""
        self._expect_no_fault(action, {"trigger"})

    def test_required_fields_have_a_default_mapping(self, action: str) -> None:
        """Or ``dc.field(unmapped=...)``, or ``exempt``, says why not."""
        self._expect_no_fault(action, {"required-field"})

    def test_default_mappings_compile_and_survive_json(self, action: str) -> None:
        """They are stored as JSON, and loaded again."""
        self._expect_no_fault(action, {"default-mapping"})

    def test_the_fields_of_an_action_are_sound(self, action: str) -> None:
        """Presets map fields that exist, batch keys name some, and none is a credential."""
        self._expect_no_fault(action, {"batch-key", "preset", "secret", "slug"})

    def _expect_no_fault(self, action: str, rules: set[str]) -> None:
        found = [
            one
            for one in lint(self.destination, exempt=self.exempt)
            if one.level == "error" and one.action == action and one.rule in rules
        ]
        expect(not found, "; ".join(map(str, found)))

    def test_an_event_that_matches_makes_a_payload(self, action: str) -> None:
        """At least one event that the default trigger selects is a valid payload."""
        event = self.sample(action)
        trigger = self._action(action).subscribe
        selected = trigger is None or fql.parse(trigger).matches(event)
        expect(selected, f"sample of {action!r} is not selected by its trigger {trigger!r}")
        expect(
            self._payload(self._action(action), event), f"sample of {action!r} is no valid payload"
        )

    def test_perform_sends_a_request(self, action: str) -> None:
        """A valid payload goes out, and is delivered when the destination says so."""
        (delivery,), server = self.delivered(action, [self.sample(action)])
        expect(delivery.ok, f"{action!r} was answered well, and yet: {delivery.reason}")
        expect(server.requests, f"{action!r} sent nothing")

    def test_an_answer_has_its_class(self, action: str, answer: str) -> None:
        """What the destination answers decides whether it is tried again."""
        reply, wanted = ANSWERS[answer]
        (delivery,), _ = self.delivered(action, [self.sample(action)], reply)
        error = delivery.error
        expect(
            isinstance(error, wanted),
            f"{action!r} answered with {answer} should be {wanted.__name__}, it is {error!r}",
        )
        if answer == "429":
            asked = error.retry_after if isinstance(error, RetryableError) else None
            expect(asked == 7, f"Retry-After: 7 became {asked!r}")  # noqa: PLR2004  as in ANSWERS

    def test_a_batch_has_an_outcome_per_payload(self, action: str) -> None:
        """In order, also where one payload is invalid."""
        good = self.sample(action)
        bad = {"type": good["type"], "event": good.get("event", "")}
        events = [good, bad, self.sample(action)]
        deliveries, _ = self.delivered(action, events, batch=True)
        first, middle, last = (one.ok for one in deliveries)
        valid = self._payload(self._action(action), bad) is not None
        expect((first, last) == (True, True), f"{action!r}: good neighbours are not delivered")
        expect(valid or not middle, f"{action!r}: an invalid payload counts as delivered")

    def test_a_batch_that_is_refused_is_not_delivered(self, action: str, answer: str) -> None:
        """No payload counts as delivered when the destination refused the whole batch."""
        reply, wanted = ANSWERS[answer]
        events = [self.sample(action), self.sample(action)]
        deliveries, _ = self.delivered(action, events, reply, batch=True)
        for one in deliveries:
            expect(isinstance(one.error, wanted), f"{action!r}, {answer}: {one.error!r}")

    def test_no_payload_is_changed(self, action: str) -> None:
        """An event is handed to every subscription: none may change it."""
        event = self.sample(action)
        before = copy.deepcopy(event)
        for batch in (False, True):
            self.delivered(action, [event, event], batch=batch)
            expect(event == before, f"{action!r} changed the event that it was given")

    def test_cancelling_leaves_no_connection(self, action: str) -> None:
        """Whoever gives up waiting leaves nothing open."""
        event = self.sample(action)

        async def cancel() -> int:
            async with (
                RecordingServer(Reply(delay=30)) as server,
                RoutedTransport(server.url, timeout=30) as transport,
                Engine([self.connection(action)], transport=transport) as engine,
            ):
                task = asyncio.create_task(engine.send(event))
                while not server.requests:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await asyncio.sleep(0.05)
                return server.open_connections

        left = _run(cancel())
        expect(left == 0, f"{action!r} left {left} connections open when it was cancelled")

    def test_a_user_can_be_forgotten(self) -> None:
        """``on_delete``, where the plugin has it, sends a request."""
        if not hasattr(self.plugin, "on_delete"):
            return

        async def delete() -> tuple[list[Delivery], int]:
            async with (
                RecordingServer(type(self).reply) as server,
                RoutedTransport(server.url) as transport,
                Engine([self.connection()], transport=transport) as engine,
            ):
                return await engine.delete(standard_event("delete")), len(server.requests)

        (delivery,), requests = _run(delete())
        expect(delivery.ok, f"on_delete failed: {delivery.reason}")
        expect(requests, "on_delete sent nothing")

    def test_golden_requests(self, action: str, request: Any) -> None:
        """What goes out equals what is written down, byte for byte of JSON."""
        folder = type(self).golden
        if folder is None:
            return
        golden = Golden(folder, update=request.config.getoption("--update-requests"))
        event = self.sample(action)
        _, server = self.delivered(action, [event])
        golden.check(action, event, [_shown(one) for one in server.requests])
        stray = golden.unused([one.slug for one in self.destination.actions])
        expect(not stray, f"golden files of no action: {', '.join(map(str, stray))}; delete them")

    def test_the_readme_lists_the_actions(self) -> None:
        """As `destinations describe` writes them into it."""
        if self.readme is None:
            return
        page = self.readme.read_text("utf-8")
        wanted = with_action_table(page, self.destination)
        hint = f"destinations describe {self.destination.slug} --into {self.readme.name}"
        expect(wanted, f"{self.readme} has no <!-- actions --> with its <!-- /actions -->")
        expect(wanted == page, f"{self.readme} does not list the actions as they are; run: {hint}")


def _run(work: Awaitable[T]) -> T:
    async def run() -> T:
        return await work

    return asyncio.run(run())


def _event_names(trigger: str | None) -> list[str]:
    """Return the event names that a trigger asks for: standard events do not have them."""
    if trigger is None:
        return []
    segment = fql.to_segment(fql.parse(trigger))
    return _names(segment)


def _names(node: Mapping[str, Any]) -> list[str]:
    children = node.get("children")
    if isinstance(children, list):
        return [name for child in children for name in _names(child)]
    is_name = node.get("type") == "event" and node.get("operator") == "="
    return [str(node["value"])] if is_name else []


def _shown(recorded: Any) -> dict[str, Any]:
    """Return a request without what changes from machine to machine, and without credentials."""
    return {"method": recorded.method, "path": recorded.path, "body": recorded.json()}
