"""How a configuration file becomes connections: every mistake with its place."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from destination_core import mapping
from destination_core.audiences import Audience
from destination_core.connection.config import (
    AudienceConfig,
    Config,
    DestinationConfig,
    SubscriptionConfig,
)
from destination_core.connection.connection import Connection
from destination_core.connection.mistakes import InvalidConfiguration, said, without
from destination_core.connection.secrets import (
    Resolver,
    concealed,
    has_reference,
    unreferenced,
    variable_of,
)
from destination_core.connection.shapes import subscription_of
from destination_core.connection.source import Location, Source, read
from destination_core.connection.subscription import Subscription, compile_subscription
from destination_core.credentials import FileTokens
from destination_core.errors import (
    ConfigurationError,
    InvalidMapping,
    InvalidSettings,
    PluginError,
)
from destination_core.http.redaction import Redactor
from destination_core.plugins import Registry
from destination_core.relay import Relay
from destination_core.schema import Settings, fields_of, load_settings


def load_connections(
    path: Path, registry: Registry, environment: Mapping[str, str]
) -> list[Connection[Any]]:
    """Read a configuration file and open its connections; nothing is sent.

    Raises ``InvalidConfiguration`` with every mistake and its place, ``ConfigurationError`` when
    the file cannot be read.
    """
    loader = Loader(read(path), registry, environment, path.parent)
    opened = loader.connections()
    loader.finish()
    return opened


class Loader:
    """Collect mistakes instead of stopping at the first.

    What has a mistake of form is passed over, and the rest is looked at all the same.
    """

    def __init__(
        self,
        source: Source,
        registry: Registry,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._source = source
        self._registry = registry
        self._environment = environment
        self._folder = folder
        self._problems: list[tuple[tuple[int, int], str]] = []
        self._gone: frozenset[Location] = frozenset()
        self.config = self._checked()

    def finish(self) -> None:
        """Raise what was found, if anything was, in the order of the file."""
        if self._problems:
            raise self._invalid()

    def _invalid(self) -> InvalidConfiguration:
        ordered = sorted(self._problems, key=lambda problem: problem[0])
        return InvalidConfiguration(said for _, said in ordered)

    def has(self, *location: str | int) -> bool:
        """Tell whether a part of the file has no mistake of form."""
        return location not in self._gone

    def problem(self, location: Location, message: str) -> None:
        """Note a mistake with its place."""
        said = f"{self._source.place(location)}: {message}"
        self._problems.append((self._source.position(location) or (0, 0), said))

    def connections(self) -> list[Connection[Any]]:
        """Return the connections that can be opened."""
        destinations = self.config.destinations
        if not destinations and not self._problems:
            self.problem(("destinations",), "no destination is configured")
        made = [self._connection(name, one) for name, one in destinations.items() if one.enabled]
        return [one for one in made if one is not None]

    def sources(self) -> dict[str, tuple[str, ...]]:
        """Return write keys by source, their references resolved."""
        if not self.has("sources"):
            return {}
        resolver = Resolver(self._environment, self._folder)
        found = {
            name: tuple(resolver.resolve(one.write_keys, ("sources", name, "write_keys")))
            for name, one in self.config.sources.items()
        }
        for location, message in resolver.faults:
            self.problem(location, message)
        for name, own in found.items():
            if not resolver.faults and any(not key.strip() or ":" in key for key in own):
                message = "a write key is empty or holds a colon: no SDK could send it"
                self.problem(("sources", name, "write_keys"), message)
        self._share_nothing(found)
        return found

    def _share_nothing(self, sources: Mapping[str, tuple[str, ...]]) -> None:
        """Note write keys that are there twice, by the names of their sources."""
        owners: dict[str, str] = {}
        for name, own in sources.items():
            for key in own:
                other = owners.setdefault(key, name)
                if other != name:
                    message = f"sources {other!r} and {name!r} share a write key; give each its own"
                    self.problem(("sources", name, "write_keys"), message)
            if len(set(own)) < len(own):
                message = f"source {name!r} has the same write key twice; leave one out"
                self.problem(("sources", name, "write_keys"), message)

    def _checked(self) -> Config:
        """Return the file, or what of it has the form of a configuration."""
        try:
            return Config.model_validate(self._source.data)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
        for one in found:
            self.problem(one["loc"], said(one, self._source.data))
        left = without(self._source.data, [one["loc"] for one in found])
        if left is None:
            raise self._invalid()
        data, self._gone = left
        try:
            return Config.model_validate(data)
        except ValidationError:
            raise self._invalid() from None

    def _connection(self, name: str, config: DestinationConfig) -> Connection[Any] | None:
        here: Location = ("destinations", name)
        if not self.has(*here):
            return None
        try:
            relay = self._registry.relay(config.plugin or name)
        except PluginError as error:
            where = (*here, "plugin") if config.plugin else here
            self.problem(where, str(error))
            return None
        before = len(self._problems)
        resolver = Resolver(self._environment, self._folder)
        settings = self._settings(relay, config.settings, (*here, "settings"), resolver)
        secrets = concealed(resolver.given)
        subscriptions = self._subscriptions(relay, config.subscriptions, (*here, "subscriptions"))
        audiences = self._audiences(relay, config.audiences, (*here, "audiences"))
        if settings is None or len(self._problems) > before:
            return None
        try:
            return Connection(
                name,
                relay,
                settings=settings,
                subscriptions=subscriptions,
                tokens=FileTokens(self._folder / f"{self.config.queue.path}.tokens"),
                audiences=audiences,
                allowed_networks=map(str, config.allowed_networks),
                secrets=secrets,
            )
        except InvalidSettings as error:  # of the plugin's own check, which may quote a value
            found = [Redactor(secrets).text(one) for one in error.problems]
            self._blame(found, (*here, "settings"), config.settings)
        except ConfigurationError as error:
            self.problem(here, Redactor(secrets).text(str(error)))
        return None

    def _settings(
        self, relay: Relay[Any], raw: Mapping[str, Any], here: Location, resolver: Resolver
    ) -> Settings | None:
        """Resolve and check settings; of those whose reference leads nowhere, say only that."""
        model = relay.destination.settings
        for location in unreferenced(fields_of(model), raw, here):
            key = location[-1]
            variable = variable_of(relay.destination.slug, str(key))
            self.problem(
                location,
                f"{key!r} is a secret and must not stand in the file; write"
                f" ${{env:{variable}}} or ${{file:PATH}}",
            )
        resolved: dict[str, Any] = resolver.resolve(raw, here)
        for location, message in resolver.faults:
            self.problem(location, message)
        lost = frozenset(location[len(here)] for location, _ in resolver.faults)
        # What a reference stands for may be a secret, whatever the setting.
        hidden = [key for key, value in raw.items() if has_reference(value)]
        try:
            opened: Settings = load_settings(model, resolved, hidden=hidden)
        except InvalidSettings as error:
            self._blame(error.problems, here, raw, lost)
            return None
        return opened

    def _blame(
        self,
        problems: Iterable[str],
        here: Location,
        raw: Mapping[str, Any],
        told: Collection[str | int] = (),
    ) -> None:
        """Tell of each fault at the setting it is about, save of those ``told`` already."""
        for message in problems:
            about = (key for key in raw if repr(key) in message or message.startswith(f"{key} "))
            key = next(about, None)
            if key is None:
                self.problem(here, message)
            elif key not in told:
                self.problem((*here, key), message)

    def _subscriptions(
        self, relay: Relay[Any], configs: Iterable[SubscriptionConfig], here: Location
    ) -> list[Subscription]:
        made: list[Subscription] = []
        names: set[str] = set()
        for index, config in enumerate(configs):
            if not self.has(*here, index):
                continue
            try:
                one = subscription_of(relay, config)
                if one.enabled:
                    compile_subscription(relay.destination, one)
            except ConfigurationError as error:
                self.problem((*here, index), str(error))
                if not isinstance(error, InvalidMapping) and config.mapping:
                    self._mapping(config.mapping, (*here, index, "mapping"))
                continue
            if one.name in names:
                message = f"subscription {one.name!r} is there twice; give each its own name"
                self.problem((*here, index), message)
            names.add(one.name)
            made.append(one)
        return made

    def _mapping(self, source: Mapping[str, Any], here: Location) -> None:
        """Note what is wrong with the mapping of a subscription in which something else is, too."""
        try:
            mapping.compile(source)
        except InvalidMapping as error:
            self.problem(here, str(error))

    def _audiences(
        self, relay: Relay[Any], configs: Mapping[str, AudienceConfig], here: Location
    ) -> list[Audience]:
        declared = relay.destination.audiences
        if configs and declared is None:
            self.problem(here, f"{relay.destination.title} keeps no audiences; take them out")
            return []
        made = []
        for key, config in configs.items():
            settings = None
            try:
                if declared is not None and declared.settings is not None:
                    settings = load_settings(declared.settings, config.settings)
                elif config.settings:
                    title = relay.destination.title
                    self.problem((*here, key), f"{title} has no settings for an audience")
            except InvalidSettings as error:
                self.problem((*here, key), str(error))
            made.append(Audience(key, config.name or key, settings, config.external_id))
        return made
