"""What an author declares: the destination, with its actions, presets and demonstration."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass
from importlib.resources.abc import Traversable
from typing import Any, Generic, TypeVar

from destination_core.actions import Action, Batching
from destination_core.audiences import Audiences
from destination_core.credentials import OAuth2
from destination_core.errors import PluginError
from destination_core.schema import Settings

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Preset:
    """A prebuilt subscription; ``mapping`` None means the action's default mapping.

    ``quick_setup`` presets are those that ``destinations init`` writes enabled.
    """

    name: str
    action: str
    subscribe: str
    mapping: Mapping[str, Any] | None = None
    quick_setup: bool = True


@dataclass(frozen=True, slots=True)
class DemoTarget:
    """A running stand-in for the destination: how to reach it and what it holds.

    ``summary`` gives labelled counts of what the destination would now hold, most telling first.
    """

    settings: Mapping[str, Any]
    summary: Callable[[], Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Demo:
    """What ``destinations demo`` runs: bundled events (NDJSON) against a stand-in."""

    title: str
    events: Callable[[], Traversable]
    target: Callable[[], AbstractAsyncContextManager[DemoTarget]]


@dataclass(frozen=True)
class Destination(Generic[S]):
    """A destination: its settings, its actions in order, and its prebuilt subscriptions.

    With ``batching`` its batches mix actions: they go to the plugin's ``perform_batch`` hook as
    ``Item`` objects. Without it each action is batched by its own batch handler.
    ``replay_warning`` says what becomes of old events that are sent again, where that is not what
    one would expect; `destinations replay` shows it. ``authentication`` is for OAuth 2,
    ``audiences`` for a destination that keeps audiences.

    Raises ``PluginError`` when settings or actions are something else, a slug is taken twice or a
    preset names no action.
    """

    slug: str
    _: KW_ONLY
    title: str
    settings: type[S]
    actions: Sequence[Action[S, Any]]
    presets: Sequence[Preset] = ()
    description: str = ""
    batching: Batching[S] | None = None
    demo: Demo | None = None
    replay_warning: str = ""
    authentication: OAuth2 | None = None
    audiences: Audiences | None = None

    def __post_init__(self) -> None:
        """Refuse what is no definition, and what no configuration could name without ambiguity."""
        if not (isinstance(self.settings, type) and issubclass(self.settings, Settings)):
            raise PluginError(
                f"{self.slug}: settings must be a class that inherits destination_core.Settings,"
                f" got {self.settings!r}"
            )
        given: object = self.actions
        if not (isinstance(given, Sequence) and all(isinstance(one, Action) for one in given)):
            raise PluginError(
                f"{self.slug}: actions must be a list of what @dc.action makes, got {given!r}"
            )
        for slug, times in Counter(one.slug for one in self.actions).items():
            if times > 1:
                raise PluginError(f"{self.slug}: action {slug!r} is declared {times} times")
        for name, times in Counter(one.name for one in self.presets).items():
            if times > 1:
                raise PluginError(f"{self.slug}: preset {name!r} is declared {times} times")
        for preset in self.presets:
            if self.action(preset.action) is None:
                declared = ", ".join(one.slug for one in self.actions)
                raise PluginError(
                    f"{self.slug}: preset {preset.name!r} names action {preset.action!r}, which is"
                    f" not declared; declared are {declared}"
                )

    def action(self, slug: str) -> Action[S, Any] | None:
        """Return the action with this slug, or None."""
        return next((one for one in self.actions if one.slug == slug), None)

    def preset(self, name: str) -> Preset | None:
        """Return the preset with this name, or None."""
        return next((one for one in self.presets if one.name == name), None)
