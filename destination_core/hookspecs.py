"""The contract between the core and its plugins: the hooks.

A plugin is a module (or an object) named by an entry point of the group ``destination_core``;
the entry point's name is the destination's slug. Delivery hooks are ``async def``; everything
else is a plain function. A plugin without ``register_destination`` is ambient: it observes every
destination and may wrap their delivery hooks, but not answer them.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Final

import pluggy

from destination_core.actions import Action
from destination_core.audiences import Audience
from destination_core.context import Context
from destination_core.credentials import AccessToken
from destination_core.destination import Destination
from destination_core.features import ChoiceQuery, Choices
from destination_core.http import RequestOptions
from destination_core.outcome import Outcome
from destination_core.schema import Payload, Settings
from destination_core.work import Attempt, Deletion, Delivery, Event, Item, Plan

PROJECT: Final = "destination_core"
"""The name of the pluggy project and of the entry-point group."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Mark a function as an implementation of the hook with its name."""

DELIVERY_HOOKS: Final = frozenset(
    {
        "test_authentication",
        "refresh_access_token",
        "perform",
        "perform_batch",
        "on_delete",
        "dynamic_choices",
        "on_mapping_save",
        "create_audience",
        "get_audience",
    }
)
"""The hooks that talk to a destination: ``async def``, and only in a plugin that has one."""

SETUP_HOOKS: Final = frozenset({"register_destination", "validate_settings", "extend_request"})
"""The hooks that describe a destination: plain functions, and only in a plugin that has one."""

OBSERVERS: Final = frozenset({"event_planned", "attempt_finished", "delivery_settled"})
"""The hooks that watch: plain functions, in any plugin."""


@hookspec(firstresult=True)
def register_destination() -> Destination[Any]:
    """Return the plugin's destination.

    Called once, at start-up, when plugins are discovered. A plugin has at most one destination;
    its slug must be the name of the entry point.
    """


@hookspec
def validate_settings(settings: Settings) -> None:
    """Check what the settings model cannot say.

    Called when a connection is opened, after the model accepted the settings. Raise
    ``InvalidSettings`` to refuse them; never put a secret in its message.
    """


@hookspec(firstresult=True)
def extend_request(settings: Settings, token: AccessToken | None) -> RequestOptions:
    """Return base URL, headers and time-outs for every request of the connection.

    Called when a connection is opened, with ``token`` None, and again whenever the access token
    of an OAuth 2 destination has changed. Leave ``token`` out when there is none.
    """


@hookspec(firstresult=True)
def test_authentication(ctx: Context[Any]) -> Awaitable[None]:
    """Ask the destination whether the credentials are good.

    Called by ``destinations check --live`` and before the first delivery when asked. Raise
    ``InvalidAuthentication`` (or any ``SetupError``) when they are not; what a request raises by
    itself need not be caught.
    """


@hookspec(firstresult=True)
def refresh_access_token(ctx: Context[Any]) -> Awaitable[AccessToken]:
    """Get a new access token, for a destination with ``authentication=dc.OAuth2()``.

    Called before the first attempt, shortly before the token ends, and when the destination
    answered 401: once for all attempts that wait for it, which are then made once more.
    ``ctx.access_token`` is the old token, None at the start: use the settings then. Raise
    ``InvalidAuthentication`` when somebody has to authorise the connection anew.
    ``dc.refresh_grant`` sends the usual request.
    """


@hookspec(firstresult=True)
def perform(ctx: Context[Any], action: Action[Any, Any], payload: Payload) -> Awaitable[object]:
    """Send one payload.

    Called once per attempt. Declared actions are run by a built-in plugin; a plugin that
    implements this hook answers for all of its actions. Returning means delivered; raise a
    ``DeliveryError`` otherwise: its class is the retry policy.
    """


@hookspec(firstresult=True)
def perform_batch(ctx: Context[Any], items: Sequence[Item]) -> Awaitable[Sequence[Outcome] | None]:
    """Send a batch of payloads, in order.

    Called once per attempt, with payloads of one action, unless the destination declares that
    its batches mix actions. Return None when all were accepted, else one ``Outcome`` per item, in
    order. A ``DeliveryError`` that is raised settles all items; one with status 400, 413 or 422
    makes the engine halve the batch, to find the item that was meant.
    """


@hookspec(firstresult=True)
def on_delete(ctx: Context[Any], deletion: Deletion) -> Awaitable[None]:
    """Delete what the destination knows of a user who asked to be forgotten.

    Called for events of type ``delete``.
    """


@hookspec(firstresult=True)
def dynamic_choices(
    ctx: Context[Any], action: Action[Any, Any], field: str, query: ChoiceQuery
) -> Awaitable[Choices]:
    """Return the values that a field may have at the destination, a page at a time.

    Called by ``destinations choices``. Handlers declared with ``@action.choices("field")`` are
    run by a built-in plugin. What a request raises by itself need not be caught.
    """


@hookspec(firstresult=True)
def on_mapping_save(
    ctx: Context[Any], action: Action[Any, Any], given: Payload
) -> Awaitable[Payload]:
    """Do once what a mapping needs, and return what is kept with it.

    Called by ``destinations save``, for a subscription with ``on_mapping_save`` in the
    configuration whose inputs are new. What was kept before is in ``ctx.saved(Model)``, here as in
    ``perform``. Handlers declared with ``@action.on_mapping_save`` are run by a built-in plugin.
    """


@hookspec(firstresult=True)
def create_audience(ctx: Context[Any], audience: Audience) -> Awaitable[str]:
    """Make an audience at the destination and return its id there.

    Called by ``destinations save`` for audiences of the configuration without ``external_id``.
    It may be called again when its answer was lost: look for an audience of that name first.
    """


@hookspec(firstresult=True)
def get_audience(ctx: Context[Any], audience: Audience) -> Awaitable[str | None]:
    """Return the id of an audience at the destination, or None when it is not there (any more).

    Called by ``destinations save`` for audiences of the configuration with ``external_id``.
    """


@hookspec
def event_planned(event: Event, plan: Plan) -> None:
    """Watch what will be done with an event.

    Called once per event and connection, also when no subscription matched.
    """


@hookspec
def attempt_finished(attempt: Attempt) -> None:
    """Watch one call of an action or of a batch, whatever became of it."""


@hookspec
def delivery_settled(delivery: Delivery) -> None:
    """Watch what became of one event at one subscription.

    Called once, when the engine will not try again by itself.
    """
