"""The built-in plugin: run the action that was declared."""

from collections.abc import Awaitable, Sequence
from typing import Any

from destination_core.context import Context
from destination_core.destination import Action
from destination_core.errors import PluginError
from destination_core.hookspecs import hookimpl
from destination_core.outcome import Outcome
from destination_core.schema import Payload
from destination_core.work import Item


class Dispatcher:
    """Answer ``perform`` and ``perform_batch`` last, with the declared handlers.

    It hands back the handler's own awaitable: one coroutine less per event.
    """

    @hookimpl(trylast=True)
    def perform(
        self, ctx: Context[Any], action: Action[Any, Any], payload: Payload
    ) -> Awaitable[object]:
        """Run the action's handler."""
        return action.handler(ctx, payload)

    @hookimpl(trylast=True)
    def perform_batch(
        self, ctx: Context[Any], items: Sequence[Item]
    ) -> Awaitable[Sequence[Outcome] | None]:
        """Run the batch handler of the one action that the items belong to."""
        action = items[0].action
        if action.batch_handler is None:
            raise PluginError(
                f"action {action.slug!r} has no batch handler, and the plugin no perform_batch hook"
            )
        return action.batch_handler(ctx, [item.payload for item in items])
