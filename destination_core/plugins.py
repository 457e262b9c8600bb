"""Find plugins, check them, and hand each destination its own."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Final, Generic, TypeVar

import pluggy

from destination_core import hookspecs
from destination_core.context import Context
from destination_core.destination import Action, Destination
from destination_core.dispatch import Dispatcher
from destination_core.errors import ConfigurationError, PluginError
from destination_core.hookspecs import DELIVERY_HOOKS, OBSERVERS, PROJECT, SETUP_HOOKS
from destination_core.http import RequestOptions
from destination_core.outcome import Outcome
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


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that was found and cannot be used, with the reason."""

    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.origin} cannot be used: {self.reason}"


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
        manager = _manager()
        manager.register(Dispatcher(), name=DISPATCHER)
        for one in ambient:
            manager.register(one)
        manager.register(plugin, name=origin.name)
        hook = manager.hook
        self._validate_settings: Callable[..., Sequence[None]] = hook.validate_settings
        self._extend_request: Callable[..., RequestOptions | None] = hook.extend_request
        self._test: Callable[..., Awaitable[None] | None] = hook.test_authentication
        self._perform: Callable[..., Awaitable[object]] = hook.perform
        self._perform_batch: Callable[..., Awaitable[Sequence[Outcome] | None]] = hook.perform_batch
        self._on_delete: Callable[..., Awaitable[None] | None] = hook.on_delete
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

    def extend_request(self, settings: S) -> RequestOptions:
        """Return what the plugin adds to every request of a connection."""
        return self._extend_request(settings=settings) or RequestOptions()

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
        await call
        return True

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


class Registry:
    """The plugins that are there: destinations by slug, ambient plugins, and failures."""

    def __init__(self, plugins: Iterable[tuple[Origin, object]]) -> None:
        self.failures: list[PluginFailure] = []
        self.ambient: list[tuple[Origin, object]] = []
        found: dict[str, list[tuple[Origin, object, Destination[Any]]]] = {}
        for origin, plugin in plugins:
            try:
                destination = _checked(origin, plugin)
            except ConfigurationError as error:
                self.failures.append(PluginFailure(origin, str(error)))
                continue
            if destination is None:
                self.ambient.append((origin, plugin))
            else:
                found.setdefault(destination.slug, []).append((origin, plugin, destination))
        self._relays: dict[str, Relay[Any]] = {}
        observers = [plugin for _, plugin in self.ambient]
        for slug, candidates in sorted(found.items()):
            if len(candidates) > 1:
                self._refuse_duplicates(slug, [origin for origin, _, _ in candidates])
                continue
            origin, plugin, destination = candidates[0]
            self._relays[slug] = Relay(plugin, destination, origin, observers)

    @classmethod
    def discover(cls) -> "Registry":
        """Load every plugin that is installed, by the entry-point group ``destination_core``.

        pluggy's own loader stops at the first plugin that does not import and skips a second
        plugin with the same name in silence, so the entry points are walked here. What cannot be
        used is in ``failures``; nothing is raised.
        """
        loaded: list[tuple[Origin, object]] = []
        failures: list[PluginFailure] = []
        for entry in sorted(entry_points(group=PROJECT), key=_entry_order):
            origin = _origin(entry)
            try:
                loaded.append((origin, entry.load()))
            except Exception as error:  # noqa: BLE001  a stranger's import may raise anything
                failures.append(PluginFailure(origin, f"importing {entry.value!r}: {error!r}"))
            except SystemExit as error:
                failures.append(PluginFailure(origin, f"importing {entry.value!r}: {error!r}"))
        registry = cls(loaded)
        registry.failures[:0] = failures
        return registry

    @classmethod
    def of(cls, *plugins: object) -> "Registry":
        """Register plugins that a program hands in; raises ``PluginError`` when one is broken."""
        registry = cls([(Origin(_name_of(plugin)), plugin) for plugin in plugins])
        registry.require_sound()
        return registry

    @property
    def relays(self) -> Mapping[str, Relay[Any]]:
        """The destinations that can be used, by slug, in alphabetical order."""
        return self._relays

    @property
    def slugs(self) -> list[str]:
        """The slugs of the destinations that can be used, in alphabetical order."""
        return list(self._relays)

    def relay(self, slug: str) -> Relay[Any]:
        """Return the destination with this slug; raises ``PluginError`` when there is none."""
        if slug in self._relays:
            return self._relays[slug]
        for failure in self.failures:
            if failure.origin.name == slug:
                raise PluginError(str(failure))
        there = ", ".join(self._relays) or "none"
        raise PluginError(
            f"destination {slug!r} is not installed; installed: {there}."
            f" Install its plugin with pip; `destinations plugins` lists what is found"
        )

    def require_sound(self) -> None:
        """Raise ``PluginError`` when any plugin that was found cannot be used."""
        if self.failures:
            raise PluginError("\n".join(str(failure) for failure in self.failures))

    def _refuse_duplicates(self, slug: str, origins: Sequence[Origin]) -> None:
        names = " and ".join(str(origin) for origin in origins)
        for origin in origins:
            reason = f"slug {slug!r} is declared by {names}; uninstall all but one"
            self.failures.append(PluginFailure(origin, reason))


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _entry_order(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.dist.name if entry.dist else ""


def _origin(entry: EntryPoint) -> Origin:
    dist = entry.dist
    return Origin(entry.name, entry.value, dist.name if dist else "", dist.version if dist else "")


def _name_of(plugin: object) -> str:
    name = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__name__
    return name.rpartition(".")[2]


def _checked(origin: Origin, plugin: object) -> Destination[Any] | None:
    """Return the plugin's destination, None for an ambient one; raises ``PluginError``."""
    manager = _manager()
    try:
        manager.register(plugin)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(_plain(error)) from error
    implementations = [
        (caller.name, implementation)
        for caller in manager.get_hookcallers(plugin) or ()
        for implementation in caller.get_hookimpls()
    ]
    if not implementations:
        raise PluginError("it implements no hook; mark its functions with @hookimpl")
    has_destination = any(name == "register_destination" for name, _ in implementations)
    for name, implementation in implementations:
        wraps = implementation.wrapper or implementation.hookwrapper
        _check_shape(name, implementation.function, wraps=wraps, ambient=not has_destination)
    if not has_destination:
        return None
    return _destination_of(origin, manager)


def _check_shape(name: str, function: Callable[..., Any], *, wraps: bool, ambient: bool) -> None:
    if name in DELIVERY_HOOKS:
        if wraps:
            return
        if not inspect.iscoroutinefunction(function):
            raise PluginError(f"hook {name!r} must be `async def`")
    elif inspect.iscoroutinefunction(function) or wraps:
        kind = "an observer" if name in OBSERVERS else "a set-up hook"
        raise PluginError(f"hook {name!r} is {kind}: it must be a plain function")
    if ambient and name in DELIVERY_HOOKS | SETUP_HOOKS:
        raise PluginError(
            f"hook {name!r} belongs to a destination, and this plugin has no"
            f" register_destination; it may only observe, or wrap delivery hooks"
        )


def _destination_of(origin: Origin, manager: pluggy.PluginManager) -> Destination[Any]:
    try:
        destination = manager.hook.register_destination()
    except Exception as error:
        raise PluginError(f"register_destination raised {error!r}") from error
    if not isinstance(destination, Destination):
        raise PluginError(
            f"register_destination must return a destination_core.Destination, not"
            f" {type(destination).__name__}"
        )
    if origin.distribution and destination.slug != origin.name:
        raise PluginError(
            f"its destination has slug {destination.slug!r}, but the entry point is named"
            f" {origin.name!r}; they must be equal"
        )
    return destination


def _plain(error: Exception) -> str:
    """Say what pluggy found, in one line and without its representation of the plugin."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line)


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
