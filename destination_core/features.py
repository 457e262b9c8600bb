"""What an action may declare beside its payload: sync modes, choices, what is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from destination_core.errors import PluginError
from destination_core.schema import Choice, Payload

Mode = Literal["add", "update", "upsert", "delete", "mirror"]
MODES: Final[tuple[str, ...]] = get_args(Mode)
"""Segment's sync modes; ``mirror`` also removes what is gone."""


@dataclass(frozen=True, slots=True)
class SyncModes:
    """The sync modes that an action knows, and the one it has unless a subscription says.

    Without a ``default`` every subscription must choose. Raises ``PluginError`` for a mode that is
    none, or a default that is not offered.
    """

    default: Mode | None = None
    choices: Sequence[Mode] = MODES  # type: ignore[assignment]  # the tuple of all of them
    label: str = "How to sync records"
    description: str = ""

    def __post_init__(self) -> None:
        for mode in (*self.choices, *filter(None, [self.default])):
            if mode not in MODES:
                raise PluginError(f"sync mode {mode!r} is unknown; modes are {', '.join(MODES)}")
        if self.default is not None and self.default not in self.choices:
            raise PluginError(f"sync mode {self.default!r} is the default and not offered")

    def to_segment(self) -> dict[str, Any]:
        """Return Segment's JSON of the declaration."""
        default = {} if self.default is None else {"default": self.default}
        choices = [{"label": mode.capitalize(), "value": mode} for mode in self.choices]
        said = {"label": self.label, "description": self.description or self.label}
        return {**said, **default, "choices": choices}


@dataclass(frozen=True, slots=True)
class ChoiceQuery:
    """What is asked for: the first page or a later one, a word to search for, what is known.

    ``page`` is what ``Choices.next_page`` said; ``payload`` are the values that were chosen for
    other fields already.
    """

    page: str | None = None
    search: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """One page of the values that a field may have at the destination.

    ``next_page`` is what asks for the page after it, None when there is none.
    """

    choices: Sequence[Choice]
    next_page: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What was given and what came of it when a mapping was saved: plain JSON values.

    ``outputs`` is None as long as it has not been saved; ``digest`` is that of the inputs it was
    saved with.
    """

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """What a subscription says to its action beside the payload; compared by identity.

    Payloads of two usages never share a batch.
    """

    sync_mode: str | None = None
    matching_key: str | None = None
    saved: Payload | None = None
    inputs: Payload | None = None


PLAIN: Final = Usage()
