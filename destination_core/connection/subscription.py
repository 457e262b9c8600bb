"""Subscriptions: as a customer writes them, and compiled."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from destination_core import fql, mapping
from destination_core.destination import Action, Destination
from destination_core.errors import ConfigurationError, InvalidMapping, InvalidSubscription
from destination_core.fql import Trigger
from destination_core.mapping import CompiledMapping
from destination_core.schema import PayloadSchema

SEGMENT_KEYS: Final = {
    "action": ("partnerAction", "actionSlug"),
    "trigger": ("subscribe", "trigger"),
    "mapping": ("mapping", "settings"),
}
"""The keys of Segment's runtime shape and of its Public API, most specific first."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription: ``trigger`` (FQL) selects events, ``mapping`` shapes their payload.

    ``mapping`` None means the action's default mapping.
    """

    name: str
    action: str
    trigger: str
    mapping: Mapping[str, Any] | None = None
    enabled: bool = True

    @classmethod
    def from_segment(cls, raw: Mapping[str, Any]) -> "Subscription":
        """Read a subscription in Segment's runtime shape or in that of its Public API.

        Those are ``{name?, partnerAction, subscribe, mapping?}`` and
        ``{name, actionSlug, trigger, settings, enabled}``. Without a mapping nothing is mapped:
        Segment applies the default mapping only while a subscription is being made. Raises
        ``InvalidSubscription`` when the action is missing or the trigger is no text.
        """
        found = {
            name: next((raw[key] for key in keys if key in raw), None)
            for name, keys in SEGMENT_KEYS.items()
        }
        action, trigger = found["action"], found["trigger"]
        if not isinstance(action, str) or not action:
            raise InvalidSubscription("subscription has no `partnerAction`; name the action's slug")
        name = raw.get("name") or action
        if not isinstance(trigger, str):
            raise InvalidSubscription(
                f"subscription {name!r}: `subscribe` must be a trigger in FQL, got {trigger!r}"
            )
        mapping = found["mapping"] or {}
        return cls(str(name), action, trigger, mapping, raw.get("enabled") is not False)

    @classmethod
    def from_preset(cls, destination: Destination[Any], name: str) -> "Subscription":
        """Make the subscription that a preset stands for; raises ``InvalidSubscription``."""
        preset = destination.preset(name)
        if preset is None:
            names = [one.name for one in destination.presets]
            raise InvalidSubscription(
                f"preset {name!r} is unknown to {destination.slug};{_nearest(name, names)}"
                f" presets are {', '.join(map(repr, names)) or 'none'}"
            )
        return cls(name, preset.action, preset.subscribe, preset.mapping)


@dataclass(frozen=True, slots=True)
class CompiledSubscription:
    """A subscription that was checked against its destination, ready to run."""

    name: str
    action: Action[Any, Any]
    trigger: Trigger
    mapping: CompiledMapping
    schema: PayloadSchema[Any]

    def warnings(self) -> Iterator[str]:
        """Say what is legal and probably not meant: unknown fields, required ones unmapped."""
        fields = self.action.schema.fields
        if "__segment_internal_directive" in self.mapping.source:
            return
        for key in self.mapping.source:
            if key not in fields and not key.startswith(("__segment_internal_", "_metadata")):
                yield (
                    f"subscription {self.name!r}: mapping field {key!r} is unknown to action"
                    f" {self.action.slug!r} and will be dropped;{_nearest(key, fields)}"
                )
        for key, field in fields.items():
            if field.get("required") is True and key not in self.mapping.source:
                yield (
                    f"subscription {self.name!r}: required field {key!r} of action"
                    f" {self.action.slug!r} has no mapping; every event will be rejected"
                )


def compile_subscription(
    destination: Destination[Any], subscription: Subscription
) -> CompiledSubscription:
    """Check a subscription against its destination and compile it.

    Raises ``InvalidSubscription`` (unknown action, trigger that does not parse) or
    ``InvalidMapping``, with the subscription's name in front.
    """
    action = destination.action(subscription.action)
    if action is None:
        slugs = [one.slug for one in destination.actions]
        raise InvalidSubscription(
            f"subscription {subscription.name!r}: action {subscription.action!r} is unknown to"
            f" {destination.slug};{_nearest(subscription.action, slugs)}"
            f" actions are {', '.join(slugs)}"
        )
    source = subscription.mapping
    try:
        trigger = fql.parse(subscription.trigger)
        compiled = mapping.compile(action.schema.default_mapping if source is None else source)
    except InvalidMapping as error:
        raise InvalidMapping(
            f"subscription {subscription.name!r}: {error}", problems=error.problems
        ) from error
    except ConfigurationError as error:
        raise type(error)(f"subscription {subscription.name!r}: {error}") from error
    return CompiledSubscription(subscription.name, action, trigger, compiled, action.schema)


def _nearest(name: str, names: object) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)  # type: ignore[call-overload]
    return f" did you mean {close[0]!r}?" if close else ""
