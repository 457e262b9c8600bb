"""Find plugins, check them, and hand each destination its own."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import pluggy

from destination_core import hookspecs
from destination_core.destination import Destination
from destination_core.errors import ConfigurationError, PluginError
from destination_core.hookspecs import DELIVERY_HOOKS, OBSERVERS, PROJECT, SETUP_HOOKS
from destination_core.relay import Origin, Relay, plugin_manager

_ARGUMENTS = re.compile(r"for hook '(\w+)' .*Argument\(s\) \{(.*?)\} are declared")
"""What pluggy says of an argument that a hook does not have."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that was found and cannot be used, with the reason.

    ``place`` is the line of its own that is to blame (FILE:LINE), "" when that is not known.
    """

    origin: Origin
    reason: str
    place: str = ""

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return f"plugin {self.origin} cannot be used: {self.reason}{where}"


class Registry:
    """The plugins that are there: destinations by slug, ambient plugins, and failures.

    ``waiting`` are entry points of destinations, named by their slugs, that are loaded when they
    are asked for. ``failed`` are the failures of what was loaded so far.
    """

    def __init__(
        self, plugins: Iterable[tuple[Origin, object]], waiting: Iterable[EntryPoint] = ()
    ) -> None:
        self.ambient: list[tuple[Origin, object]] = []
        self.failed: list[PluginFailure] = []
        self._relays: dict[str, Relay[Any]] = {}
        self._waiting: dict[str, list[EntryPoint]] = {}
        for entry in waiting:
            self._waiting.setdefault(entry.name, []).append(entry)
        self._register(plugins)

    def _register(self, plugins: Iterable[tuple[Origin, object]]) -> None:
        found: dict[str, list[tuple[Origin, object, Destination[Any]]]] = {}
        for origin, plugin in plugins:
            try:
                destination = _checked(origin, plugin)
            except ConfigurationError as error:
                place = _place(error, origin.value)
                self.failed.append(PluginFailure(origin, str(error), place))
                continue
            if destination is None:
                self.ambient.append((origin, plugin))
            else:
                found.setdefault(destination.slug, []).append((origin, plugin, destination))
        observers = [plugin for _, plugin in self.ambient]
        for slug, candidates in sorted(found.items()):
            origins = [origin for origin, _, _ in candidates]
            if earlier := self._relays.pop(slug, None):  # one that did not wait
                origins.insert(0, earlier.origin)
            if len(origins) > 1:
                self._refuse_duplicates(slug, origins)
                continue
            origin, plugin, destination = candidates[0]
            self._relays[slug] = Relay(plugin, destination, origin, observers)

    @classmethod
    def discover(cls, only: str | None = None) -> "Registry":
        """Find every plugin that is installed, by the entry-point group ``destination_core``.

        ``only`` names the one entry point that is wanted. Ambient plugins are loaded at once, and
        destinations when they are asked for: those that a configuration does not name cost nothing.
        pluggy's own loader stops at the first plugin that does not import and skips a second
        plugin with the same name in silence, so the entry points are walked here. What cannot be
        used is in ``failures``; nothing is raised.
        """
        found = sorted(entry_points(group=PROJECT), key=_entry_order)
        wanted = [entry for entry in found if only in (None, entry.name)]
        destinations = [entry for entry in wanted if _is_destination(entry)]
        registry = cls((), destinations)
        registry._load([entry for entry in wanted if entry not in destinations])
        return registry

    def _load(self, entries: Iterable[EntryPoint]) -> None:
        loaded: list[tuple[Origin, object]] = []
        for entry in entries:
            origin = _origin(entry)
            try:
                loaded.append((origin, entry.load()))
            except (Exception, SystemExit) as error:  # noqa: BLE001  an import may raise anything
                place = _place(error, entry.value)
                reason = f"importing {entry.value!r} fails: {_said(error)}"
                self.failed.append(PluginFailure(origin, reason, place))
        self._register(loaded)

    def _load_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        self._load(entry for entries in waiting.values() for entry in entries)

    @classmethod
    def of(cls, *plugins: object) -> "Registry":
        """Register plugins that a program hands in; raises ``PluginError`` when one is broken."""
        registry = cls([(Origin(_name_of(plugin)), plugin) for plugin in plugins])
        registry.require_sound()
        return registry

    @property
    def relays(self) -> Mapping[str, Relay[Any]]:
        """The destinations that can be used, by slug, in alphabetical order; loads them all."""
        self._load_all()
        return dict(sorted(self._relays.items()))

    @property
    def slugs(self) -> list[str]:
        """The slugs of the destinations that can be used, in alphabetical order; loads them all."""
        return list(self.relays)

    @property
    def failures(self) -> Sequence[PluginFailure]:
        """The plugins that cannot be used; loads them all."""
        self._load_all()
        return self.failed

    def relay(self, slug: str) -> Relay[Any]:
        """Return the destination with this slug; raises ``PluginError`` when there is none."""
        self._load(self._waiting.pop(slug, ()))
        if slug in self._relays:
            return self._relays[slug]
        for failure in self.failures:
            if failure.origin.name == slug:
                raise PluginError(str(failure))
        there = ", ".join(self.slugs) or "none"
        close = get_close_matches(slug, self.slugs, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise PluginError(
            f"destination {slug!r} is not installed; {hint}installed: {there}."
            f" Install its plugin with pip; `destinations plugins` lists what is found"
        )

    def require_sound(self) -> None:
        """Raise ``PluginError`` when any plugin that was loaded cannot be used."""
        if self.failed:
            raise PluginError("\n".join(str(failure) for failure in self.failed))

    def _refuse_duplicates(self, slug: str, origins: Sequence[Origin]) -> None:
        names = " and ".join(str(origin) for origin in origins)
        for origin in origins:
            reason = f"slug {slug!r} is declared by {names}; uninstall all but one"
            self.failed.append(PluginFailure(origin, reason))


def _entry_order(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.value


def _is_destination(entry: EntryPoint) -> bool:
    """Tell from a module's names, without running it, whether it registers a destination.

    What cannot be told so may be ambient.
    """
    try:
        loader: Any = getattr(find_spec(entry.module), "loader", None)
        code = loader.get_code(entry.module)
    except (Exception, SystemExit):  # noqa: BLE001  to load it will say what is wrong
        return False
    return not entry.attr and code is not None and "register_destination" in code.co_names


def _origin(entry: EntryPoint) -> Origin:
    dist = entry.dist
    return Origin(entry.name, entry.value, dist.name if dist else "", dist.version if dist else "")


def _name_of(plugin: object) -> str:
    name = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__name__
    return name.rpartition(".")[2]


def _checked(origin: Origin, plugin: object) -> Destination[Any] | None:
    """Return the plugin's destination, None for an ambient one; raises ``PluginError``."""
    manager = plugin_manager()
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
    destination = _destination_of(origin, manager)
    _check_authentication(destination, {name for name, _ in implementations})
    return destination


def _check_authentication(destination: Destination[Any], hooks: set[str]) -> None:
    """Refuse a token that nobody renews, and a renewal of what is no token."""
    has_hook = "refresh_access_token" in hooks
    if destination.authentication is not None and not has_hook:
        raise PluginError("its destination has OAuth 2; implement the hook 'refresh_access_token'")
    if destination.authentication is None and has_hook:
        raise PluginError(
            "it has the hook 'refresh_access_token'; declare authentication=dc.OAuth2()"
        )


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
    except ConfigurationError as error:
        raise PluginError(str(error)) from error
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


def _place(error: BaseException, module: str) -> str:
    """Return the line of a plugin's own files that an error comes from, or ""."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    try:
        spec = find_spec(module.partition(".")[0])
    except (ImportError, ValueError):  # no module, or no name of one
        return ""
    roots = spec and (spec.submodule_search_locations or [spec.origin or ""])
    own: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        for frame in extract_tb(cause.__traceback__):
            # what is compiled names its file from the folder above; a whole path stays as it is
            paths = [(Path(root).parent / frame.filename, root) for root in roots or ()]
            own += [f"{path}:{frame.lineno}" for path, root in paths if path.is_relative_to(root)]
        cause = cause.__cause__
    return own[-1] if own else ""


def _said(error: BaseException) -> str:
    """Say what an import raised: our own errors speak for themselves, others by their class."""
    if isinstance(error, ConfigurationError):
        return str(error)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"


def _plain(error: Exception) -> str:
    """Say what pluggy found, in one line and without its representation of the plugin."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = " ".join(line for line in lines if line)
    if isinstance(error, pluggy.PluginValidationError) and (found := _ARGUMENTS.search(said)):
        name, surplus = found[1], ", ".join(sorted(re.findall(r"'(\w+)'", found[2])))
        allowed = inspect.signature(getattr(hookspecs, name)).parameters
        may = f"it may take {', '.join(allowed)}" if allowed else "it takes none"
        return f"hook {name!r} has no argument {surplus}; {may}"
    unknown = re.match(r"unknown hook '(\w+)'", said)
    if unknown is None:
        return said
    close = get_close_matches(unknown[1], {*SETUP_HOOKS, *DELIVERY_HOOKS, *OBSERVERS}, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{unknown[0]}{hint}"
