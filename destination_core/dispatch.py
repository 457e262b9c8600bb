"""The built-in plugin: run the action that was declared."""

from collections.abc import Awaitable, Sequence
from typing import Any

from destination_core.actions import Action
from destination_core.context import Context
from destination_core.errors import PluginError
from destination_core.features import ChoiceQuery, Choices
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

    @hookimpl(trylast=True)
    def dynamic_choices(
        self, ctx: Context[Any], action: Action[Any, Any], field: str, query: ChoiceQuery
    ) -> Awaitable[Choices]:
        """Run the handler that was declared for the field."""
        handler = action.choice_handlers.get(action.key_of(field) or field)
        if handler is None:
            known = ", ".join(sorted(action.choice_handlers)) or "none"
            raise PluginError(
                f"field {field!r} of action {action.slug!r} has no choices to ask for;"
                f" fields that have some: {known}"
            )
        return handler(ctx, query)

    @hookimpl(trylast=True)
    def on_mapping_save(
        self, ctx: Context[Any], action: Action[Any, Any], given: Payload
    ) -> Awaitable[Payload]:
        """Run what was declared for a mapping that is saved."""
        if action.saving is None:
            raise PluginError(f"action {action.slug!r} does nothing when a mapping is saved")
        return action.saving.handler(ctx, given)
