"""A connection: one destination with a customer's settings and subscriptions, compiled."""

import copy
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, SecretStr

from destination_core.audiences import Audience
from destination_core.connection.subscription import (
    CompiledSubscription,
    Subscription,
    compile_subscription,
)
from destination_core.credentials import AccessToken, MemoryTokens, TokenStore
from destination_core.errors import ConfigurationError, PluginError, plugin_fault
from destination_core.fql import TriggerIndex
from destination_core.http import RequestOptions
from destination_core.http.redaction import Redactor
from destination_core.relay import Relay
from destination_core.schema import Settings, load_settings
from destination_core.work import Event

S = TypeVar("S", bound=Settings)

SHORTEST_SECRET: Final = 4
"""Shorter secrets are not searched for: they would blank out ordinary text."""


class Connection(Generic[S]):
    """What a customer configures, checked and compiled once.

    ``settings`` is the model or what it is made from; ``tokens`` keeps the access token of an OAuth
    2 destination, by default in memory; ``audiences`` are those that it keeps;
    ``allowed_networks`` (CIDR) may be sent to where only public addresses may otherwise;
    ``secrets`` are blanked out like those that the settings hold. Raises
    ``InvalidSettings``, ``InvalidSubscription`` or ``InvalidMapping``, and ``PluginError`` when a
    hook raises what it did not mean; nothing is sent.
    """

    def __init__(
        self,
        name: str,
        relay: Relay[S],
        *,
        settings: Mapping[str, Any] | S,
        subscriptions: Iterable[Subscription] = (),
        tokens: TokenStore | None = None,
        audiences: Iterable[Audience] = (),
        allowed_networks: Iterable[str] = (),
        secrets: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.relay = relay
        self.settings: S = (
            settings
            if isinstance(settings, Settings)
            else load_settings(relay.destination.settings, settings)
        )
        self.secrets: frozenset[str] = frozenset(_secrets(self.settings)).union(secrets)
        with self._hook("validate_settings"):
            relay.validate_settings(self.settings)
        with self._hook("extend_request"):
            self.options: RequestOptions = replace(
                relay.extend_request(self.settings), allowed_networks=tuple(allowed_networks)
            )
        self.subscriptions: tuple[CompiledSubscription, ...] = tuple(
            compile_subscription(relay.destination, one) for one in subscriptions if one.enabled
        )
        self.index = TriggerIndex([one.trigger for one in self.subscriptions])
        self.audiences: Mapping[str, Audience] = {one.key: one for one in audiences}
        self.tokens: TokenStore = tokens or MemoryTokens()

    @contextmanager
    def _hook(self, name: str) -> Iterator[None]:
        """Turn what a hook did not mean to raise into an error with its line, without secrets."""
        try:
            yield
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            what = f"{self.relay.destination.slug}: {name}"
            fault = plugin_fault(what, error, Redactor(self.secrets).text)
            raise PluginError(str(fault)) from None

    @property
    def origin(self) -> str:
        """What stands for the credentials in the settings, beside a token made with them."""
        return hashlib.blake2b(repr(sorted(self.secrets)).encode(), digest_size=16).hexdigest()

    def matching(self, event: Event) -> list[CompiledSubscription]:
        """Return the subscriptions whose trigger selects the event, in order."""
        subscriptions = self.subscriptions
        return [subscriptions[position] for position in self.index.matching(event)]

    def narrowed(self, subscription: str) -> "Connection[S]":
        """Return the same connection with this one subscription only (or with none)."""
        narrow = copy.copy(self)
        narrow.subscriptions = tuple(one for one in self.subscriptions if one.name == subscription)
        narrow.index = TriggerIndex([one.trigger for one in narrow.subscriptions])
        return narrow

    def limited(self, requests_per_second: float | None) -> "Connection[S]":
        """Return the same connection with another rate; None leaves the plugin's own."""
        if requests_per_second is None:
            return self
        limited = copy.copy(self)
        limited.options = replace(self.options, requests_per_second=requests_per_second)
        return limited

    def kept_in(self, tokens: TokenStore) -> "Connection[S]":
        """Return the same connection with another place for its access token."""
        other = copy.copy(self)
        other.tokens = tokens
        return other

    def offline(self) -> "Connection[S]":
        """Return the same connection with a made-up access token, so that nobody is asked."""
        return self.kept_in(MemoryTokens({self.name: AccessToken("ACCESS-TOKEN")}))

    @property
    def warnings(self) -> list[str]:
        """What is legal in the subscriptions and probably not meant."""
        return [warning for one in self.subscriptions for warning in one.warnings()]

    def __repr__(self) -> str:
        return f"<Connection {self.name!r} to {self.relay.destination.slug!r}>"


def _secrets(value: Any) -> Iterable[str]:
    """Find the secrets in settings, also in lists, objects and models within them."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if len(secret) >= SHORTEST_SECRET:
            yield secret
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        for one in value:
            yield from _secrets(one)
