"""The plugin on the bench: imported anew when one of its files has changed."""

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from traceback import extract_tb
from typing import Any

from destination_core.errors import PluginError
from destination_core.hookspecs import PROJECT
from destination_core.plugins import Registry
from destination_core.relay import Origin, Relay

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
        self.changed = [
            path for path in stamp.keys() | self._stamp.keys()
            if stamp.get(path) != self._stamp.get(path)
        ]  # fmt: skip
        if self._state is None or self.changed:
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
        entry = self._entry
        try:
            plugin = entry.load()
        except Exception as error:  # noqa: BLE001  an import may raise anything
            return Broken(f"importing {entry.value!r}: {_said(error)}", self._place(error))
        dist = entry.dist
        origin = Origin(entry.name, entry.value, dist.name if dist else "", "")
        registry = Registry([(origin, plugin)])
        if registry.failures:
            return Broken(registry.failures[0].reason, str(getattr(plugin, "__file__", "")))
        return registry.relay(self.slug)

    def _forget(self) -> None:
        """Let every module of the plugin be imported again, from its text."""
        for name in [one for one in sys.modules if one.partition(".")[0] == self._top]:
            del sys.modules[name]
        for path in self._stamp:
            # a compiled file is taken for current when only the second and the size are the same
            Path(cache_from_source(str(path))).unlink(missing_ok=True)

    def _place(self, error: BaseException) -> str:
        """Return the line to blame: of the text that is no Python, or the last one of ours."""
        if isinstance(error, SyntaxError) and error.filename:
            return f"{error.filename}:{error.lineno}"
        own = {str(path) for path in self._stamp}
        frames = [one for one in extract_tb(error.__traceback__) if one.filename in own]
        return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"
