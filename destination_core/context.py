"""What a handler is handed beside the payload."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from destination_core.audiences import Audience, membership
from destination_core.credentials import AccessToken
from destination_core.errors import PluginError
from destination_core.features import Usage
from destination_core.http import Client
from destination_core.schema import Payload, Settings

Kept = TypeVar("Kept", bound=Payload)
S_co = TypeVar("S_co", bound=Settings, covariant=True)


@dataclass(frozen=True, slots=True)
class Scope:
    """What only some actions ask for: the subscription's words, the audiences, the events."""

    usage: Usage
    audiences: Mapping[str, Audience]
    events: Sequence[Mapping[str, Any]] = ()


class Context(Generic[S_co]):
    """The settings of the connection and a request client that belongs to this attempt.

    A context lives as long as one attempt; what its client sends is recorded on the attempt.
    """

    __slots__ = ("_access_token", "_scope", "http", "now", "settings", "warnings")

    def __init__(self, settings: S_co, http: Client, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.http = http
        #: the clock, in Unix seconds; a test may set it
        self.now = now
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Tell the customer that a payload is sent, but not as it came.

        The message ends up in ``Delivery.warnings``; in a batch, on every payload of it (report
        a warning about a single payload through its ``Outcome`` or ``Encoded``).
        """
        self.warnings.append(message)

    # What only some destinations use lies in slots that are empty elsewhere: to fill them would
    # cost every event.

    @property
    def access_token(self) -> AccessToken | None:
        """The token of a destination that authenticates with OAuth 2.

        In ``refresh_access_token`` it is the old one, or None when there was none yet.
        """
        return getattr(self, "_access_token", None)

    @access_token.setter
    def access_token(self, token: AccessToken | None) -> None:
        self._access_token = token

    def within(self, scope: Scope) -> None:
        """Say what the attempt is about; called by the engine."""
        self._scope = scope

    @property
    def sync_mode(self) -> str | None:
        """The subscription's sync mode; None for an action that declares none."""
        scope: Scope | None = getattr(self, "_scope", None)
        return None if scope is None else scope.usage.sync_mode

    @property
    def matching_key(self) -> str | None:
        """Which identifier users are matched by, where the subscription says so (Segment's key)."""
        scope: Scope | None = getattr(self, "_scope", None)
        return None if scope is None else scope.usage.matching_key

    def saved(self, model: type[Kept]) -> Kept | None:
        """Return what was saved with the mapping, as its model; None when it was not saved.

        Raises ``PluginError`` when the action saves something else.
        """
        scope: Scope | None = getattr(self, "_scope", None)
        found = None if scope is None else scope.usage.saved
        if found is None or isinstance(found, model):
            return found
        raise PluginError(f"the mapping saves a {type(found).__name__}, not a {model.__name__}")

    def saved_inputs(self, model: type[Kept]) -> Kept | None:
        """Return what was given when the mapping was saved, as its model; None when nothing was.

        Raises ``PluginError`` when the action asks for something else.
        """
        scope: Scope | None = getattr(self, "_scope", None)
        found = None if scope is None else scope.usage.inputs
        if found is None or isinstance(found, model):
            return found
        raise PluginError(f"the mapping was given a {type(found).__name__}, not a {model.__name__}")

    @property
    def audiences(self) -> Mapping[str, Audience]:
        """The audiences of the connection, by key."""
        scope: Scope | None = getattr(self, "_scope", None)
        return {} if scope is None else scope.audiences

    @property
    def memberships(self) -> Sequence[bool | None]:
        """Whether each payload's user comes (True) or goes (False), or neither is said (None)."""
        scope: Scope | None = getattr(self, "_scope", None)
        if scope is None:
            return ()
        return [membership(event, scope.usage.sync_mode) for event in scope.events]

    @property
    def membership(self) -> bool | None:
        """Whether the user of the one payload comes or goes; see ``memberships``."""
        found = self.memberships
        return found[0] if found else None
