"""The shapes that a subscription may have in a configuration file."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from destination_core.connection.config import SubscriptionConfig
from destination_core.connection.subscription import Subscription
from destination_core.errors import ConfigurationError
from destination_core.features import Saved
from destination_core.relay import Relay


def subscription_of(relay: Relay[Any], config: SubscriptionConfig) -> Subscription:
    """Make a subscription out of any of the accepted shapes; raises ``ConfigurationError``."""
    given = config.model_dump(exclude_none=True, exclude_unset=True)
    _check_shape(given)
    trigger = config.subscribe if config.trigger is None else config.trigger
    if config.preset is not None:
        base = Subscription.from_preset(relay.destination, config.preset)
        return Subscription(
            config.name or base.name,
            config.action or base.action,
            base.trigger if trigger is None else trigger,
            base.mapping if config.mapping is None else config.mapping,
            config.enabled,
            config.sync_mode,
            _saved(config),
        )
    if config.action is None:
        if config.partnerAction is None and config.actionSlug is None:
            raise ConfigurationError("subscription needs `preset`, or `action` with `trigger`")
        one = Subscription.from_segment(given)
        return replace(one, sync_mode=config.sync_mode, saved=_saved(config) or one.saved)
    if trigger is None:
        action = relay.destination.action(config.action)
        trigger = action.subscribe if action else ""
    if trigger is None:
        raise ConfigurationError(
            f"subscription {config.name or config.action!r} needs a `trigger`: its action has none"
        )
    return Subscription(
        config.name or config.action,
        config.action,
        trigger,
        config.mapping,
        config.enabled,
        config.sync_mode,
        _saved(config),
    )


def _check_shape(given: Mapping[str, Any]) -> None:
    """Refuse keys of two shapes: those of one would count for nothing, unsaid."""
    ours = next((key for key in ("preset", "action") if key in given), None)
    theirs = next(
        (key for key in ("partnerAction", "actionSlug", "settings") if key in given), None
    )
    if ours and theirs:
        raise ConfigurationError(
            f"subscription has {ours!r} and {theirs!r}, which is Segment's; write one of the two"
            + (", or `mapping`" if theirs == "settings" else "")
        )


def _saved(config: SubscriptionConfig) -> Saved | None:
    given = config.on_mapping_save
    return None if given is None else Saved(given.inputs, given.outputs, given.digest)
