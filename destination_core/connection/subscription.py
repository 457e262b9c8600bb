"""Subscriptions: as a customer writes them, and compiled."""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from destination_core import fql, mapping
from destination_core.actions import Action
from destination_core.connection.suspicions import of_constants, of_trigger
from destination_core.destination import Destination
from destination_core.errors import (
    ConfigurationError,
    InvalidMapping,
    InvalidPayload,
    InvalidSubscription,
)
from destination_core.features import MODES, PLAIN, Saved, Usage
from destination_core.fql import Trigger
from destination_core.mapping import CompiledMapping, suspicions
from destination_core.schema import SYNC_MODE_KEY, Payload

SEGMENT_KEYS: Final = {
    "action": ("partnerAction", "actionSlug"),
    "trigger": ("subscribe", "trigger"),
    "mapping": ("mapping", "settings"),
}
"""The keys of Segment's runtime shape and of its Public API, most specific first."""

SAVED_KEY: Final = "onMappingSave"
"""Where Segment keeps in a mapping what was saved with it."""

MATCHING_KEY: Final = "__segment_internal_matching_key"
"""Where Segment keeps in a mapping which identifier users are matched by."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription: ``trigger`` (FQL) selects events, ``mapping`` shapes their payload.

    ``mapping`` None means the action's default mapping, ``sync_mode`` None the mapping's own or the
    action's default; ``saved`` is what was given to, and came of, saving the mapping.
    """

    name: str
    action: str
    trigger: str
    mapping: Mapping[str, Any] | None = None
    enabled: bool = True
    sync_mode: str | None = None
    saved: Saved | None = None

    @classmethod
    def from_segment(cls, raw: Mapping[str, Any]) -> "Subscription":
        """Read a subscription in Segment's runtime shape or in that of its Public API.

        Those are ``{name?, partnerAction, subscribe, mapping?}`` and
        ``{name, actionSlug, trigger, settings, enabled}``. Without a mapping nothing is mapped:
        Segment applies the default mapping only while a subscription is being made. A mapping may
        be JSON in a text, as Terraform has it. Raises ``InvalidSubscription`` when the action is
        missing or the trigger is no text, ``InvalidMapping`` when the mapping is no object.
        """
        if not isinstance(raw, Mapping):
            raise InvalidSubscription(f"subscription must be an object, got {raw!r}")
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
        mapping = _mapping(found["mapping"], str(name))
        hook = mapping.pop(SAVED_KEY, None)
        saved = None
        if isinstance(hook, Mapping):
            saved = Saved(hook.get("inputs") or {}, hook.get("outputs"))
        return cls(
            str(name), action, trigger, mapping, raw.get("enabled") is not False, saved=saved
        )

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


def _mapping(given: Any, name: str) -> dict[str, Any]:
    """Return a mapping that can be changed; raises ``InvalidMapping``."""
    here = f"subscription {name!r}: `mapping`"
    read = {} if given is None else given
    if isinstance(given, str):
        try:
            read = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise InvalidMapping(f"{here} is a text that is no JSON: {error}") from None
    if not isinstance(read, Mapping):
        raise InvalidMapping(f"{here} must be an object, got {given!r}")
    return dict(read)


@dataclass(frozen=True, slots=True)
class CompiledSubscription:
    """A subscription that was checked against its destination, ready to run.

    ``read`` makes the payload of an event, or raises ``InvalidPayload``.
    """

    name: str
    action: Action[Any, Any]
    trigger: Trigger
    mapping: CompiledMapping
    read: Callable[[Mapping[str, Any]], Payload]
    usage: Usage = PLAIN
    saved: Saved | None = None

    def warnings(self) -> Iterator[str]:
        """Say what is legal and probably not meant: unknown fields, required ones unmapped."""
        fields = self.action.schema.fields
        yield from self._unsaved()
        source = self.mapping.source
        for said in of_trigger(self.trigger):
            yield f"subscription {self.name!r}: {said}"
        for path, fault in self.mapping.doomed():
            yield f"subscription {self.name!r}: mapping of {path} fails on every event: {fault}"
        for path, slip in suspicions(source):
            yield f"subscription {self.name!r}: mapping of {path}: {slip}"
        if "__segment_internal_directive" in source:
            return
        for said in of_constants(source, self.action.schema):
            yield f"subscription {self.name!r}: {said}"
        for key in source:
            if key not in fields and not key.startswith(("__segment_internal_", "_metadata")):
                yield (
                    f"subscription {self.name!r}: mapping field {key!r} is unknown to action"
                    f" {self.action.slug!r} and will be dropped;{_nearest(key, fields)}"
                )
        for key, field in fields.items():
            if field.get("required") is True and key not in source:
                yield (
                    f"subscription {self.name!r}: required field {key!r} of action"
                    f" {self.action.slug!r} has no mapping; every event will be rejected"
                )

    def _unsaved(self) -> Iterator[str]:
        """Say that what is saved with the mapping is missing, or older than what was given."""
        saved = self.saved
        if saved is None or self.action.saving is None:
            return
        if saved.outputs is None:
            yield f"subscription {self.name!r}: its mapping is not saved; run `destinations save`"
        elif saved.digest and saved.digest != digest_of(saved.inputs):
            yield (
                f"subscription {self.name!r}: the inputs of on_mapping_save have changed since it"
                f" was saved; run `destinations save`"
            )


def digest_of(inputs: Mapping[str, Any]) -> str:
    """Return what stands for inputs, to tell later whether they are the same."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


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
        usage = _usage(action, subscription)
        trigger = fql.parse(subscription.trigger)
        source = action.schema.default_mapping if source is None else source
        if usage.sync_mode is not None and action.schema.asks_for_sync_mode:
            source = {**source, SYNC_MODE_KEY: usage.sync_mode}
        compiled = mapping.compile(source)
    except InvalidMapping as error:
        raise InvalidMapping(
            f"subscription {subscription.name!r}: {error}", problems=error.problems
        ) from error
    except ConfigurationError as error:
        raise type(error)(f"subscription {subscription.name!r}: {error}") from error
    read = action.schema.reader(compiled)
    return CompiledSubscription(
        subscription.name, action, trigger, compiled, read, usage, subscription.saved
    )


def _usage(action: Action[Any, Any], subscription: Subscription) -> Usage:
    """Read what a subscription says beside its mapping; raises ``InvalidSubscription``."""
    source = subscription.mapping or {}
    inputs, saved = _saved(action, subscription.saved)
    matching_key = str(source.get(MATCHING_KEY) or "") or None
    modes = action.sync_modes
    if modes is None:
        if subscription.sync_mode is not None:
            raise InvalidSubscription(
                f"sync_mode is {subscription.sync_mode!r}, and action {action.slug!r} has none"
            )
        plain = inputs is None and matching_key is None
        return PLAIN if plain else Usage(None, matching_key, saved, inputs)
    mode = subscription.sync_mode
    if mode is None:
        mode = source.get(SYNC_MODE_KEY) if SYNC_MODE_KEY in source else modes.default
    offered = ", ".join(modes.choices)
    if mode is None and SYNC_MODE_KEY not in source:
        raise InvalidSubscription(
            f"action {action.slug!r} needs a `sync_mode`; modes are {offered}"
        )
    if mode is not None and mode not in (modes.choices or MODES):
        raise InvalidSubscription(
            f"sync_mode {mode!r} is unknown to action {action.slug!r}; modes are {offered}"
        )
    return Usage(mode, matching_key, saved, inputs)


def _saved(action: Action[Any, Any], saved: Saved | None) -> tuple[Payload | None, Payload | None]:
    """Read what was given when a mapping was saved, and what came of it, as the action's models."""
    if saved is None:
        return None, None
    saving = action.saving
    if saving is None:
        raise InvalidSubscription(
            f"on_mapping_save is given, and action {action.slug!r} saves nothing"
        )
    try:
        inputs = saving.input.validate(saved.inputs)
        outputs = saved.outputs
        return inputs, None if outputs is None else saving.output.validate(outputs)
    except InvalidPayload as error:
        raise InvalidSubscription(f"on_mapping_save: {error}") from error


def _nearest(name: str, names: object) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)  # type: ignore[call-overload]
    return f" did you mean {close[0]!r}?" if close else ""
