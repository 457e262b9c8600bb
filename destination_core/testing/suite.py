"""The standard checks of a destination, one test per check and action."""

import asyncio
import copy
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from destination_core import fql
from destination_core.catalogue import with_action_table
from destination_core.engine import Engine
from destination_core.errors import (
    DeliveryError,
    InvalidAuthentication,
    InvalidPayload,
    PermanentError,
    RetryableError,
    SetupError,
)
from destination_core.hookspecs import PROJECT, hookimpl
from destination_core.http import Exchange, RoutedTransport
from destination_core.lint import lint
from destination_core.testing.events import standard_event
from destination_core.testing.expectation import expect
from destination_core.testing.golden import Golden
from destination_core.testing.recording import RecordingServer, Reply
from destination_core.testing.subject import PATIENCE, Subject, run, several, until
from destination_core.work import Delivery, Plan

NEVER = 600.0
"""Seconds after which a server answers that nobody waits for."""

ANSWERS: dict[str, tuple[Reply, type[DeliveryError]]] = {
    "400": (Reply(400), PermanentError),
    "401": (Reply(401), InvalidAuthentication),
    "403": (Reply(403), SetupError),
    "408": (Reply(408), RetryableError),
    "413": (Reply(413), PermanentError),
    "429": (Reply(429, headers={"Retry-After": "7"}), RetryableError),
    "500": (Reply(500), RetryableError),
    "502": (Reply(502), RetryableError),
    "503": (Reply(503), RetryableError),
    "504": (Reply(504), RetryableError),
    "timeout": (Reply(delay=NEVER), RetryableError),
    "reset": (Reply(reset=True), RetryableError),
}
"""What a destination may answer, and the class that it stands for (the errors are the policy)."""

IMPATIENCE = 0.2
"""Seconds after which an answer that never comes is given up."""


class DestinationSuite(Subject):
    """Inherit, name the ``plugin`` and valid ``settings``, and every standard check runs.

    What else a plugin may say:

    - ``samples``: by action, an event (or several) that its default mapping makes a valid payload
      of. Each stands for the standard event of its type; without them all of those that the
      default trigger selects must make one.
    - ``mappings``: by action and field, what a customer has to fill in beside the default mapping.
    - ``subscriptions``: by action, what its subscription needs beside that: ``sync_mode``,
      ``saved``; ``audiences``: those of the connection.
    - ``reply``: what the destination answers when all is well, or a function of the request.
    - ``partial``: a function that makes the answer to a batch of which some payloads are refused,
      from the request and their positions, or None where the endpoint has no such answer.
    - ``exempt``: required fields without a default mapping, as ``action.field``, with the reason.
    - ``golden``: the folder of golden requests; ``readme``: a page with a table of the actions.
    """

    exempt: ClassVar[dict[str, str]] = {}
    golden: ClassVar[Path | None] = None
    readme: ClassVar[Path | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run a check once per action, per answer and per golden file, with their names as ids."""
        slugs = [one.slug for one in self.destination.actions]
        if "case" in metafunc.fixturenames:
            folder = type(self).golden
            found = [] if folder is None else _cases(Golden(folder, update=False), slugs)
            metafunc.parametrize("case", found, ids=found)
        if "action" in metafunc.fixturenames:
            metafunc.parametrize("action", slugs, ids=slugs)
        if "answer" in metafunc.fixturenames:
            metafunc.parametrize("answer", list(ANSWERS), ids=list(ANSWERS))

    # -- the definition ----------------------------------------------------------------------

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
        if not names:
            pytest.skip(f"no entry point names {value!r}; install the plugin: pip install -e .")
        slug = self.destination.slug
        expect(names == [slug], f"entry point {', '.join(names)} should be named {slug!r}")

    def test_the_definition(self) -> None:
        """Slugs, presets, secrets and batch keys: what `destinations lint` checks of the whole."""
        self._expect_no_fault(
            "", {"actions", "batch-key", "default", "preset", "secret", "slug", "title"}
        )

    def test_titles_and_descriptions(self, action: str) -> None:
        """People see them: those of the action, and the title of each field."""
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

    def test_the_readme_lists_the_actions(self) -> None:
        """As `destinations describe` writes them into it."""
        if self.readme is None:
            pytest.skip("the suite names no readme")
        page = self.readme.read_text("utf-8")
        wanted = with_action_table(page, self.destination)
        hint = f"destinations describe {self.destination.slug} --into {self.readme.name}"
        expect(wanted, f"{self.readme} has no <!-- actions --> with its <!-- /actions -->")
        expect(wanted == page, f"{self.readme} does not list the actions as they are; run: {hint}")

    def _expect_no_fault(self, action: str, rules: set[str]) -> None:
        found = [
            one
            for one in lint(self.destination, exempt=self.exempt)
            if one.level == "error" and one.action == action and one.rule in rules
        ]
        expect(not found, "; ".join(map(str, found)))

    # -- events and payloads -----------------------------------------------------------------

    def test_an_event_that_matches_makes_a_payload(self, action: str) -> None:
        """Every standard event that the default trigger selects (or its sample) is a payload."""
        events, subscribe = self.events(action), self.action(action).subscribe
        expect(events, f"trigger {subscribe!r} of {action!r} selects no standard event; give one"
               f" that it does: samples = {{{action!r}: {{...}}}}")  # fmt: skip
        trigger = None if subscribe is None else fql.parse(subscribe)
        for event in events:
            selected = trigger is None or trigger.matches(event)
            expect(selected, f"sample of {action!r} is not selected by its trigger {subscribe!r}")
            try:
                self.payload(action, event)
            except InvalidPayload as error:
                raise AssertionError(
                    f"a {event['type']} event that {subscribe!r} selects makes no valid payload of"
                    f" {action!r}: {error}; narrow the trigger, relax the field, or give a sample"
                ) from error

    def test_no_payload_is_changed(self, action: str) -> None:
        """An event is handed to every subscription, a payload to every attempt: none changes."""
        event = self.sample(action)
        before = copy.deepcopy(event)
        for batch in (False, True):
            watcher = _Watcher()
            self.delivered(
                action, [event, event], batch=batch, relay=self.watched(watcher)
            )  # fmt: skip
            expect(event == before, f"{action!r} changed the event that it was given")
            expect(not watcher.changed(), f"{action!r} changed its payload; a second attempt"
                   f" would send something else: {watcher.changed()}")  # fmt: skip

    # -- requests and answers ----------------------------------------------------------------

    def test_perform_sends_a_request(self, action: str) -> None:
        """A valid payload goes out, and is delivered when the destination says so."""
        (delivery,), server = self.delivered(action, [self.sample(action)])
        expect(
            delivery.ok,
            f"{action!r} was answered well, and yet: {delivery.reason}; if it reads the answer,"
            " say what the destination answers: `reply`",
        )
        expect(server.requests, f"{action!r} sent nothing")

    def test_an_answer_has_its_class(self, action: str, answer: str) -> None:
        """What the destination answers decides whether it is tried again."""
        reply, wanted = ANSWERS[answer]
        (delivery,), _ = self.delivered(
            action, [self.sample(action)], reply, patience=_patience(answer)
        )
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
        good, other = several(self.sample(action), 2)
        bad = {"type": good["type"], "event": good.get("event", "")}
        deliveries, _ = self.delivered(action, [good, bad, other], batch=True)
        first, middle, last = (one.ok for one in deliveries)
        said = "; ".join(one.reason for one in deliveries if not one.ok)
        expect(first and last, f"{action!r}: good payloads of a batch are not delivered: {said}")
        try:
            self.payload(action, bad)
        except InvalidPayload:
            expect(not middle, f"{action!r}: an invalid payload counts as delivered")

    def test_a_partial_answer_settles_each_payload(self, action: str) -> None:
        """Exactly the payloads that the destination refused are not delivered."""
        partial = type(self).partial
        if partial is None or not self.relay.can_batch(self.action(action)):
            pytest.skip("no batches of this action, or the suite names no partial answer")
        events, refused = several(self.sample(action), 5), (1, 3)
        _, server = self.delivered(action, events, batch=True)
        if len(server.requests) != 1:
            pytest.skip("five payloads of this action do not share a request")
        if (answer := partial(server.requests[0], refused)) is None:
            pytest.skip("the endpoint of this action has no partial answer, as the suite says")
        deliveries, _ = self.delivered(
            action, events, lambda request: partial(request, refused) or answer, batch=True
        )
        found = tuple(number for number, one in enumerate(deliveries) if not one.ok)
        expect(
            found == refused,
            f"{action!r}: payloads {refused} were refused, {found} count as so; return an Outcome"
            " per payload, or None from `partial` where the endpoint refuses all or nothing",
        )

    def test_a_batch_that_is_refused_is_not_delivered(self, action: str, answer: str) -> None:
        """No payload counts as delivered when the destination refused the whole batch."""
        reply, wanted = ANSWERS[answer]
        events = several(self.sample(action), 2)
        deliveries, _ = self.delivered(
            action, events, reply, batch=True, patience=_patience(answer)
        )
        for one in deliveries:
            expect(isinstance(one.error, wanted), f"{action!r}, {answer}: {one.error!r}")

    def test_cancelling_leaves_no_connection(self, action: str) -> None:
        """Whoever gives up waiting leaves nothing open, and does not go on as if delivered."""
        event = self.sample(action)
        batches = (False, True) if self.relay.can_batch(self.action(action)) else (False,)

        async def cancel(*, batch: bool) -> None:
            async with (
                RecordingServer(Reply(delay=NEVER)) as server,
                RoutedTransport(server.url, timeout=NEVER) as transport,
                Engine([self.connection(action)], transport=transport) as engine,
            ):
                sending = engine.send_batch(several(event, 2)) if batch else engine.send(event)
                task: asyncio.Task[object] = asyncio.create_task(sending)
                await until(lambda: bool(server.requests), f"{action!r} sent nothing")
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                said = f"{action!r} left a connection open when it was cancelled"
                await until(lambda: not server.open_connections, said)
                expect(task.cancelled(), f"{action!r} swallowed its cancellation: at a deadline or"
                       " a stop it must end; let asyncio.CancelledError through")  # fmt: skip

        for batch in batches:
            run(cancel(batch=batch))

    def test_a_user_can_be_forgotten(self) -> None:
        """``on_delete``, where the plugin has it, sends a request."""
        if not hasattr(self.plugin, "on_delete"):
            pytest.skip("the plugin has no on_delete")

        async def delete() -> tuple[list[Delivery], int]:
            async with (
                RecordingServer(type(self).reply) as server,
                RoutedTransport(server.url) as transport,
                Engine([self.connection()], transport=transport) as engine,
            ):
                return await engine.delete(standard_event("delete")), len(server.requests)

        (delivery,), requests = run(delete())
        expect(delivery.ok, f"on_delete failed: {delivery.reason}")
        expect(requests, "on_delete sent nothing")

    def test_golden_requests(self, case: str, request: pytest.FixtureRequest) -> None:
        """What goes out equals what is written down, alone and in a batch."""
        golden = self._golden(request)
        slug = case.partition(".")[0]
        event = self.sample(slug) if case == slug else golden.event(case)
        (delivery,), _ = self.delivered(slug, [event])
        expect(delivery.ok, f"golden case {case!r} was not delivered: {delivery.reason}")
        more = {}
        if self.relay.can_batch(self.action(slug)):
            batched, _ = self.delivered(slug, several(event, 2), batch=True)
            more = {"batch": _sent(batched)}
        golden.check(case, event, _sent([delivery]), **more)

    def test_golden_files_are_used(self, request: pytest.FixtureRequest) -> None:
        """A file of no action compares nothing."""
        stray = self._golden(request).unused([one.slug for one in self.destination.actions])
        expect(not stray, f"golden files of no action: {', '.join(map(str, stray))}; delete them")

    def _golden(self, request: pytest.FixtureRequest) -> Golden:
        folder = type(self).golden
        if folder is None:
            pytest.skip("the suite names no folder of golden requests")
        return Golden(folder, update=request.config.getoption("--update-requests"))


class _Watcher:
    """Remembers the payloads that were planned, and what they were then."""

    def __init__(self) -> None:
        self.planned: list[tuple[Any, Any]] = []

    @hookimpl
    def event_planned(self, plan: Plan) -> None:
        """Keep a copy of each payload."""
        self.planned += [(one.payload, one.payload.model_copy(deep=True)) for one in plan.tasks]

    def changed(self) -> str:
        """Return what the payloads that changed are now."""
        return "; ".join(repr(now) for now, before in self.planned if now != before)


def _patience(answer: str) -> float:
    return IMPATIENCE if answer == "timeout" else PATIENCE


def _cases(golden: Golden, slugs: Sequence[str]) -> list[str]:
    return [case for slug in slugs for case in golden.cases(slug)]


def _sent(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return the requests of deliveries, each once, as JSON without credentials.

    Without what changes by itself, too: the version in `User-Agent`.
    """
    exchanges: dict[int, tuple[Exchange, Delivery]] = {}
    for one in deliveries:
        exchanges.update({id(exchange): (exchange, one) for exchange in one.exchanges})
    requests = [one.redacted(delivery.secrets)["request"] for one, delivery in exchanges.values()]
    for request in requests:
        kept = request["headers"].items()
        request["headers"] = {key: value for key, value in kept if key.lower() != "user-agent"}
    return requests
