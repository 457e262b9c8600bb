"""What the bench does: one call of the plugin for each request, and everything that came of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from destination_core.actions import Action
from destination_core.audiences import Audience
from destination_core.catalogue import catalogue, json_schemas
from destination_core.connection import Connection, Subscription, variable_of
from destination_core.connection.connection import SHORTEST_SECRET
from destination_core.context import Context
from destination_core.credentials import MemoryTokens
from destination_core.destination import Destination
from destination_core.engine import Engine
from destination_core.errors import ConfigurationError, DeliveryError, InvalidSettings
from destination_core.features import ChoiceQuery, Saved
from destination_core.http.redaction import Redactor
from destination_core.relay import Relay
from destination_core.saving import save_mapping
from destination_core.schema import fields_of, load_settings
from destination_core.workbench.asked import Asked, Fault
from destination_core.workbench.outcomes import (
    Answer,
    code_of,
    failed,
    outcome_of,
    settled,
    status_of,
)
from destination_core.workbench.target import Recorder, Target

EVERY_EVENT: Final = 'type != ""'

NAME: Final = "dev"
"""What the one connection is called."""

Call = Callable[[Engine, Connection[Any]], Awaitable[tuple[int, Answer]]]

ALIASES: Final[Mapping[str, str]] = {
    "test_authentication": "authenticate",
    "refresh_access_token": "refreshAccessToken",
    "delete": "on_delete",
    "createAudience": "create_audience",
    "getAudience": "get_audience",
}
"""Segment's names of the paths, and those of the hooks."""


def routes(destination: Destination[Any]) -> list[str]:
    """Return what can be asked of a plugin, one line each."""
    lines = ["GET  /manifest  everything that is declared", "POST /authenticate  test credentials"]
    if destination.authentication is not None:
        lines.append("POST /refreshAccessToken  get a new access token")
    for action in destination.actions:
        lines.append(f"POST /{action.slug}  {action.title}")
        lines += [f"POST /{action.slug}/{field}  choices" for field in action.choice_handlers]
        if action.saving is not None:
            lines.append(f"POST /{action.slug}/hooks/on_mapping_save  save a mapping")
    lines.append("POST /on_delete  forget a user")
    if destination.audiences is not None:
        lines += ["POST /create_audience  make an audience", "POST /get_audience  look for it"]
    return lines


def manifest(destination: Destination[Any]) -> Answer:
    """Return everything that is declared."""
    return {**catalogue(destination), "jsonSchemas": json_schemas(destination)}


class Bench:
    """Answers what is asked about a plugin; requests go to ``target``.

    Settings that a request does not give are taken from ``environment``, by the names that
    `destinations init` writes. Access tokens are kept from one request to the next.
    """

    def __init__(self, target: Target, environment: Mapping[str, str]) -> None:
        self.target = target
        self._environment = environment
        self._tokens = MemoryTokens()

    async def answer(
        self, relay: Relay[Any], path: Sequence[str], asked: Asked
    ) -> tuple[int, bytes]:
        """Make the call that a path stands for; return a status and JSON without secrets.

        Raises ``Fault``.
        """
        call = self._call(relay, path, asked)
        settings = self._settings(relay, asked)
        secrets = _given_secrets(relay, settings)
        try:
            connection = self._connection(relay, path, asked, settings)
            secrets |= connection.secrets
            async with self.target.transport() as transport:
                recorder = Recorder(transport)
                async with Engine([connection], transport=recorder) as engine:
                    status, answer = await call(engine, connection)
        except InvalidSettings as error:
            said = Redactor(secrets).text(f"{error}; {_where_from(relay, settings)}")
            raise Fault(400, "INVALID_SETTINGS", said, "settings") from None
        except ConfigurationError as error:
            said, (code, place) = Redactor(secrets).text(str(error)), code_of(error)
            raise Fault(400, code, said, place) from None
        token = await self._tokens.load(NAME, connection.origin)
        secrets |= token.secrets if token else frozenset()
        answer["sent"] = str(self.target)
        answer["requests"] = [one.redacted(secrets) for one in recorder.exchanges]
        text = orjson.dumps(answer, option=orjson.OPT_INDENT_2, default=str).decode()
        return status, Redactor(secrets).text(text).encode()

    def _call(self, relay: Relay[Any], path: Sequence[str], asked: Asked) -> Call:
        """Find what a path asks for; raises ``Fault``."""
        first = ALIASES.get(path[0], path[0]) if path else ""
        action = relay.destination.action(path[0]) if path else None
        if action is not None:
            match path[1:]:
                case []:
                    return partial(_perform, action, asked)
                case ["hooks", "on_mapping_save" | "onMappingSave"]:
                    return partial(_save, action)
                case [field]:
                    return partial(_choices, action, field, asked)
        elif first in _HOOKS and len(path) == 1:
            return partial(_HOOKS[first], asked)
        said = f"there is nothing at /{'/'.join(path)}; GET / lists what there is"
        raise Fault(404, "NOT_FOUND", said, "path")

    def _settings(self, relay: Relay[Any], asked: Asked) -> Mapping[str, Any]:
        """Return the settings of a request over those of the environment."""
        model = relay.destination.settings
        settings: dict[str, Any] = {}
        for name, info in model.model_fields.items():
            value = self._environment.get(variable_of(relay.destination.slug, info.alias or name))
            if value is not None:
                settings[info.alias or name] = value
            if name in asked.settings:
                settings.pop(info.alias or name, None)
        return {**settings, **asked.settings}

    def _connection(
        self, relay: Relay[Any], path: Sequence[str], asked: Asked, settings: Mapping[str, Any]
    ) -> Connection[Any]:
        """Open the connection of one request; raises ``ConfigurationError``."""
        action = relay.destination.action(path[0])
        chosen = []
        if action is not None and path[1:] in ([], ["hooks", path[-1]]):
            saves = bool(path[1:])
            saved = None
            if saves or asked.saved is not None:
                saved = Saved(asked.inputs, None if saves else asked.saved)
            one = Subscription(action.slug, action.slug, EVERY_EVENT, asked.mapping, True)
            chosen = [replace(one, sync_mode=asked.sync_mode, saved=saved)]
        audiences = [] if asked.audience is None else [_audience(relay, asked)]
        connection = Connection(
            NAME,
            relay,
            settings=settings,
            subscriptions=chosen,
            tokens=self._tokens,
            audiences=audiences,
        )
        return connection.offline() if self.target.silent else connection


def _where_from(relay: Relay[Any], settings: Mapping[str, Any]) -> str:
    """Say how the required settings that are missing can be given."""
    fields = relay.destination.settings.model_fields.items()
    names = [
        variable_of(relay.destination.slug, info.alias or name)
        for name, info in fields
        if info.is_required() and not settings.keys() & {name, info.alias}
    ]
    environment = f"the environment, as {', '.join(names)}" if names else "the environment"
    return f"give them in the body, or in {environment}"


def _given_secrets(relay: Relay[Any], settings: Mapping[str, Any]) -> frozenset[str]:
    """Return the secrets among settings that nobody has checked yet."""
    names = {
        name
        for one in fields_of(relay.destination.settings)
        if one.holds_secrets
        for name in (one.key, one.attribute)
    }
    found = (value for key, value in settings.items() if key in names)
    return frozenset(one for one in found if isinstance(one, str) and len(one) >= SHORTEST_SECRET)


async def _perform(
    action: Action[Any, Any], asked: Asked, engine: Engine, _: Connection[Any]
) -> tuple[int, Answer]:
    event = asked.event
    if event is None:
        raise Fault(400, "INVALID_REQUEST", "an action needs an event, or a list of them", "event")
    if isinstance(event, dict):
        deliveries = await engine.send(event)
        answer = outcome_of(action, deliveries[0])
        return status_of(deliveries), answer
    batches = await engine.send_batch(event)
    deliveries = [one[0] for one in batches]
    return status_of(deliveries), {"outcomes": [outcome_of(action, one) for one in deliveries]}


async def _save(
    action: Action[Any, Any], engine: Engine, connection: Connection[Any]
) -> tuple[int, Answer]:
    if action.saving is None:
        raise Fault(
            404, "NOT_FOUND", f"action {action.slug!r} saves nothing with a mapping", "path"
        )
    try:
        return 200, {"outputs": await save_mapping(engine, connection, connection.subscriptions[0])}
    except DeliveryError as error:
        return failed(error)


async def _choices(
    action: Action[Any, Any],
    field: str,
    asked: Asked,
    engine: Engine,
    connection: Connection[Any],
) -> tuple[int, Answer]:
    query = ChoiceQuery(asked.page, asked.search, asked.payload)
    relay = connection.relay
    try:
        page = await engine.ask(NAME, lambda ctx: relay.dynamic_choices(ctx, action, field, query))
    except DeliveryError as error:
        return failed(error)
    found = [{"value": one.value, "label": one.label} for one in page.choices]
    return 200, {"choices": found, "nextPage": page.next_page}


async def _authenticate(
    _: Asked, engine: Engine, connection: Connection[Any]
) -> tuple[int, Answer]:
    asks = await _asked(engine, connection.relay.test_authentication)
    if isinstance(asks, DeliveryError):
        return failed(asks)
    return 200, {"ok": True, "asked": asks}


async def _refresh(_: Asked, engine: Engine, connection: Connection[Any]) -> tuple[int, Answer]:
    if connection.relay.destination.authentication is None:
        raise Fault(404, "NOT_FOUND", "this destination has no access token", "path")

    async def renew(ctx: Context[Any]) -> float | None:
        token = await connection.relay.refresh_access_token(ctx)
        await connection.tokens.save(NAME, connection.origin, token)
        return token.expires_at

    ends = await _asked(engine, renew)
    return failed(ends) if isinstance(ends, DeliveryError) else (200, {"expiresAt": ends})


async def _delete(asked: Asked, engine: Engine, _: Connection[Any]) -> tuple[int, Answer]:
    event = asked.event
    if not isinstance(event, dict):
        raise Fault(400, "INVALID_REQUEST", "give one event with a userId, an anonymousId or both",
                    "event")  # fmt: skip
    deliveries = await engine.delete(event)
    if not deliveries:
        raise Fault(404, "NOT_FOUND", "the plugin has no on_delete", "path")
    return status_of(deliveries), {"outcome": settled(deliveries[0])}


async def _audience_call(
    hook: str, _: Asked, engine: Engine, connection: Connection[Any]
) -> tuple[int, Answer]:
    if not connection.audiences:
        raise Fault(400, "INVALID_REQUEST", "give an audience with a name", "audience")
    (audience,) = connection.audiences.values()
    call = partial(getattr(connection.relay, hook), audience=audience)
    found = await _asked(engine, call)
    return failed(found) if isinstance(found, DeliveryError) else (200, {"externalId": found})


_HOOKS: Final[Mapping[str, Callable[..., Awaitable[tuple[int, Answer]]]]] = {
    "authenticate": _authenticate,
    "refreshAccessToken": _refresh,
    "on_delete": _delete,
    "create_audience": partial(_audience_call, "create_audience"),
    "get_audience": partial(_audience_call, "get_audience"),
}


async def _asked(engine: Engine, call: Callable[[Context[Any]], Awaitable[Any]]) -> Any:
    """Make a call; return what it answers, or the error that it raises."""
    try:
        return await engine.ask(NAME, call)
    except DeliveryError as error:
        return error


def _audience(relay: Relay[Any], asked: Asked) -> Audience:
    given, declared = asked.audience, relay.destination.audiences
    if given is None or declared is None:
        raise Fault(404, "NOT_FOUND", "this destination keeps no audiences", "path")
    settings = None
    if declared.settings is not None:
        settings = load_settings(declared.settings, given.settings)
    return Audience(given.key, given.name or given.key, settings, given.external_id)
