"""Do once what a mapping needs at its destination, and return what is kept with it."""

from typing import Any

from destination_core.connection import CompiledSubscription, Connection
from destination_core.context import Context, Scope
from destination_core.engine import Engine
from destination_core.errors import PluginError
from destination_core.schema import Payload


async def save_mapping(
    engine: Engine, connection: Connection[Any], one: CompiledSubscription
) -> dict[str, Any]:
    """Call ``on_mapping_save`` for a subscription with inputs; return the outputs as JSON.

    Empty where the action saves nothing, or no inputs are given. Raises what the plugin raises,
    ``InvalidPayload`` for the inputs, ``PluginError`` when it returns something else than it said.
    """
    saving, saved = one.action.saving, one.saved
    if saving is None or saved is None:
        return {}
    given = saving.input.validate(saved.inputs)

    async def call(ctx: Context[Any]) -> Payload:
        ctx.within(Scope(one.usage, connection.audiences))
        return await connection.relay.on_mapping_save(ctx, one.action, given)

    kept = await engine.ask(connection.name, call)
    if not isinstance(kept, saving.output.model):
        raise PluginError(
            f"on_mapping_save of action {one.action.slug!r} must return a"
            f" {saving.output.model.__name__}, not {type(kept).__name__}"
        )
    outputs: dict[str, Any] = kept.to_json()
    return outputs
