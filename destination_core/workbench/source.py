"""The plugin on the bench: imported anew when one of its files has changed."""

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

from destination_core.errors import PluginError
from destination_core.hookspecs import PROJECT
from destination_core.plugins import Registry
from destination_core.relay import Relay

Stamp = dict[Path, tuple[int, int]]
"""When each file was changed, and its size."""


class Broken(Exception):
    """The plugin cannot be used as it is now; ``place`` is the line that is to blame, if any."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class Source:
    """The files of one installed plugin, found by its slug, and what they declare now.

    Raises ``PluginError`` when no plugin of that slug is installed, or more than one is.
    """

    def __init__(self, slug: str) -> None:
        found = [one for one in entry_points(group=PROJECT) if one.name == slug]
        if len(found) != 1:
            Registry.discover().relay(slug)  # which says why not
            raise PluginError(f"destination {slug!r} is not installed")
        self.slug = slug
        self._entry: EntryPoint = found[0]
        self._top = self._entry.module.partition(".")[0]
        self._stamp: Stamp = {}
        self._state: Relay[Any] | Broken | None = None
        self.changed: list[Path] = []

    def relay(self) -> Relay[Any]:
        """Return the plugin as its files are now; raises ``Broken``.

        ``changed`` are the files for which it was imported anew, empty when it was not.
        """
        stamp = self._look()
        both = stamp.keys() | self._stamp.keys()
        changed = sorted(path for path in both if stamp.get(path) != self._stamp.get(path))
        self.changed = [] if self._state is None else changed
        if self._state is None or changed:
            self._stamp = stamp
            self._state = self._load()
        if isinstance(self._state, Broken):
            raise self._state.with_traceback(None)
        return self._state

    def _look(self) -> Stamp:
        stamp: Stamp = {}
        for path in self._files():
            try:
                seen = path.stat()
            except OSError:  # removed since the folder was read
                continue
            stamp[path] = (seen.st_mtime_ns, seen.st_size)
        return stamp

    def _files(self) -> Iterator[Path]:
        importlib.invalidate_caches()
        spec = find_spec(self._top)
        if spec is None:
            return
        for folder in spec.submodule_search_locations or ():
            yield from Path(folder).rglob("*.py")
        if spec.submodule_search_locations is None and spec.origin:
            yield Path(spec.origin)

    def _load(self) -> Relay[Any] | Broken:
        self._forget()
        registry = Registry.discover(self.slug)
        for failure in registry.failures:
            return Broken(failure.reason, failure.place)
        try:
            return registry.relay(self.slug)
        except PluginError as error:  # it observes, and has no destination
            return Broken(str(error))

    def _forget(self) -> None:
        """Let every module of the plugin be imported again, from its text."""
        for name in [one for one in sys.modules if one.partition(".")[0] == self._top]:
            del sys.modules[name]
        for path in self._stamp:
            # a compiled file is taken for current when only the second and the size are the same
            Path(cache_from_source(str(path))).unlink(missing_ok=True)
