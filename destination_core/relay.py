"""Typed calls to one destination: its plugin, the ambient plugins, the built-in dispatcher."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import pluggy

from destination_core import hookspecs
from destination_core.actions import Action
from destination_core.audiences import Audience
from destination_core.context import Context
from destination_core.credentials import AccessToken
from destination_core.destination import Destination
from destination_core.dispatch import Dispatcher
from destination_core.errors import PluginError
from destination_core.features import ChoiceQuery, Choices
from destination_core.hookspecs import PROJECT
from destination_core.http import RequestOptions
from destination_core.outcome import Outcome, require_nothing
from destination_core.schema import Payload, Settings
from destination_core.work import Attempt, Deletion, Delivery, Event, Item, Plan

S = TypeVar("S", bound=Settings)

log: Final = logging.getLogger(__name__)

DISPATCHER: Final = "destination_core.dispatch"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plugin comes from: the distribution that declares its entry point.

    ``distribution`` and ``version`` are "" for a plugin that was handed in by a program.
    """

    name: str
    value: str = ""
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        where = f"{self.distribution} {self.version}".strip()
        return f"{self.name} ({where})" if where else self.name


class Relay(Generic[S]):
    """Typed calls to one destination: its plugin, the ambient plugins and the dispatcher.

    Each destination has a plugin manager of its own. Other destinations' plugins are not
    filtered out of a call; they were never registered there.
    """

    def __init__(
        self, plugin: object, destination: Destination[S], origin: Origin, ambient: Iterable[object]
    ) -> None:
        self.destination = destination
        self.origin = origin
        manager = plugin_manager()
        manager.register(Dispatcher(), name=DISPATCHER)
        for one in ambient:
            manager.register(one)
        manager.register(plugin, name=origin.name)
        hook = manager.hook
        self._validate_settings: Callable[..., Sequence[None]] = hook.validate_settings
        self._extend_request: Callable[..., RequestOptions | None] = hook.extend_request
        self._refresh: Callable[..., Awaitable[AccessToken]] = hook.refresh_access_token
        self._test: Callable[..., Awaitable[None] | None] = hook.test_authentication
        self._perform: Callable[..., Awaitable[object]] = hook.perform
        self._perform_batch: Callable[..., Awaitable[Sequence[Outcome] | None]] = hook.perform_batch
        self._on_delete: Callable[..., Awaitable[object] | None] = hook.on_delete
        self._choices: Callable[..., Awaitable[Choices]] = hook.dynamic_choices
        self._save: Callable[..., Awaitable[Payload]] = hook.on_mapping_save
        self._create: Callable[..., Awaitable[str] | None] = hook.create_audience
        self._get: Callable[..., Awaitable[str | None] | None] = hook.get_audience
        self._event_planned = _observers(manager, "event_planned")
        self._attempt_finished = _observers(manager, "attempt_finished")
        self._delivery_settled = _observers(manager, "delivery_settled")
        self.watches_plans = bool(self._event_planned)
        self.watches_attempts = bool(self._attempt_finished)
        self.watches_deliveries = bool(self._delivery_settled)
        # where nothing answers or wraps `perform` but the dispatcher, its one line is done here:
        # 1.4 µs of pluggy per event on the machine it was measured on
        self._direct = len(hook.perform.get_hookimpls()) == 1
        self._batches = any(
            implementation.plugin_name != DISPATCHER
            for implementation in hook.perform_batch.get_hookimpls()
        )

    def validate_settings(self, settings: S) -> None:
        """Let the plugin refuse settings that the model accepted; raises ``InvalidSettings``."""
        self._validate_settings(settings=settings)

    def extend_request(self, settings: S, token: AccessToken | None = None) -> RequestOptions:
        """Return what the plugin adds to every request of a connection.

        Raises ``PluginError`` when that is no ``RequestOptions``.
        """
        options = self._extend_request(settings=settings, token=token)
        if not isinstance(options, RequestOptions | None):
            raise PluginError(
                f"{self.destination.slug}: extend_request must return a"
                f" destination_core.RequestOptions, not {type(options).__name__}"
            )
        return options or RequestOptions()

    def refresh_access_token(self, ctx: Context[S]) -> Awaitable[AccessToken]:
        """Get a new access token."""
        return self._refresh(ctx=ctx)

    async def test_authentication(self, ctx: Context[S]) -> bool:
        """Ask the destination about the credentials; False when the plugin has no such hook."""
        call = self._test(ctx=ctx)
        if call is None:
            return False
        await call
        return True

    def perform(
        self, ctx: Context[S], action: Action[S, Any], payload: Payload
    ) -> Awaitable[object]:
        """Send one payload."""
        if self._direct:
            return action.handler(ctx, payload)
        return self._perform(ctx=ctx, action=action, payload=payload)

    def perform_batch(
        self, ctx: Context[S], items: Sequence[Item]
    ) -> Awaitable[Sequence[Outcome] | None]:
        """Send a batch."""
        return self._perform_batch(ctx=ctx, items=items)

    def can_batch(self, action: Action[S, Any]) -> bool:
        """Tell whether anything would answer ``perform_batch`` for this action."""
        return self._batches or action.batch_handler is not None

    async def on_delete(self, ctx: Context[S], deletion: Deletion) -> bool:
        """Forget a user; False when the plugin has no such hook."""
        call = self._on_delete(ctx=ctx, deletion=deletion)
        if call is None:
            return False
        require_nothing(await call, f"{self.destination.slug}: on_delete")
        return True

    def dynamic_choices(
        self, ctx: Context[S], action: Action[S, Any], field: str, query: ChoiceQuery
    ) -> Awaitable[Choices]:
        """Ask for the values that a field may have."""
        return self._choices(ctx=ctx, action=action, field=field, query=query)

    def on_mapping_save(
        self, ctx: Context[S], action: Action[S, Any], given: Payload
    ) -> Awaitable[Payload]:
        """Do what a mapping needs once."""
        return self._save(ctx=ctx, action=action, given=given)

    async def create_audience(self, ctx: Context[S], audience: Audience) -> str | None:
        """Make an audience; None when the plugin has no such hook."""
        call = self._create(ctx=ctx, audience=audience)
        return None if call is None else await call

    async def get_audience(self, ctx: Context[S], audience: Audience) -> str | None:
        """Look for an audience; what the configuration says when the plugin has no such hook."""
        call = self._get(ctx=ctx, audience=audience)
        return audience.external_id if call is None else await call

    def event_planned(self, event: Event, plan: Plan) -> None:
        """Tell the observers what will be done with an event."""
        for observer in self._event_planned:
            observer(event=event, plan=plan)

    def attempt_finished(self, attempt: Attempt) -> None:
        """Tell the observers about one call."""
        for observer in self._attempt_finished:
            observer(attempt=attempt)

    def delivery_settled(self, delivery: Delivery) -> None:
        """Tell the observers what became of one event at one subscription."""
        for observer in self._delivery_settled:
            observer(delivery=delivery)


def plugin_manager() -> pluggy.PluginManager:
    """Make a plugin manager that knows the hooks, and no plugin yet."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _observers(manager: pluggy.PluginManager, name: str) -> tuple[Callable[..., None], ...]:
    """Return one guarded callable per observer: one that raises does not stop the others."""
    caller = getattr(manager.hook, name)
    return tuple(
        _guarded(name, implementation.plugin_name, implementation.function, implementation.argnames)
        for implementation in reversed(caller.get_hookimpls())
    )


def _guarded(
    hook: str, plugin: str, function: Callable[..., None], wanted: Sequence[str]
) -> Callable[..., None]:
    def observe(**given: object) -> None:
        try:
            function(*[given[name] for name in wanted])
        except Exception:
            log.exception("plugin %r: observer %s raised", plugin, hook)

    return observe
