"""Cut batches: by action, batch keys, item count and exact bytes."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from destination_core.context import Context
from destination_core.destination import Action, Batching
from destination_core.errors import DeliveryError, InvalidPayload, plugin_fault
from destination_core.relay import Relay
from destination_core.work import Batch, Entry, Item


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of the entries: batches to send, and entries that no batch can hold."""

    batches: list[Batch] = field(default_factory=list)
    rejected: list[tuple[Entry, DeliveryError]] = field(default_factory=list)


class _Rule:
    """How payloads of one action are batched."""

    __slots__ = ("batching", "has_size", "has_switch", "keys", "slug")

    def __init__(self, batching: Batching[Any], action: Action[Any, Any], *, mixed: bool) -> None:
        self.batching = batching
        self.keys = batching.keys
        self.slug = "" if mixed else action.slug
        self.has_switch = "enable_batching" in action.fields
        self.has_size = "batch_size" in action.fields

    def key(self, payload: Any) -> Hashable:
        """Return what payloads must have in common to share a batch."""
        if not self.keys:
            return self.slug
        # JSON of the values: batch keys may hold lists, which cannot be hashed
        values = [getattr(payload, key, None) for key in self.keys]
        return self.slug, orjson.dumps(values, default=repr)


class _Open:
    """A batch that still takes entries."""

    __slots__ = ("batching", "body_bytes", "entries", "limit", "room")

    def __init__(self, batching: Batching[Any]) -> None:
        self.batching = batching
        self.entries: list[Entry] = []
        self.room = batching.size
        self.limit = batching.body_bytes
        self.body_bytes = len(batching.envelope[0]) + len(batching.envelope[1])

    def add(self, entry: Entry, size: int) -> bool:
        """Take the entry, unless the batch would then be over one of its limits."""
        entries = self.entries
        room = min(self.room, size)
        body_bytes = self.body_bytes + len(entry.item.body)
        if entries:
            body_bytes += 1  # the comma
            limit = self.limit
            if len(entries) >= room or (limit is not None and body_bytes > limit):
                return False
        entries.append(entry)
        self.room = room
        self.body_bytes = body_bytes
        return True


def cut(entries: Sequence[Entry], relay: Relay[Any], ctx: Context[Any]) -> Cut:
    """Group entries into batches, keeping their order within each.

    An entry goes out alone when its payload says ``enable_batching: false``, when nothing would
    answer for a batch of its action, or when ``Batching.encode`` answers None. One that is over
    ``item_bytes`` is rejected with ``InvalidPayload``. A payload's ``batch_size`` lowers the size
    of the batch it is in.
    """
    result = Cut()
    rules: dict[Action[Any, Any], _Rule | None] = {}
    open_batches: dict[Hashable, _Open] = {}
    for entry in entries:
        action, payload = entry.task.action, entry.task.payload
        if action not in rules:
            rules[action] = _rule(action, relay)
        rule = rules[action]
        try:
            item = None if rule is None else _item(rule, action, payload, ctx, relay)
        except DeliveryError as error:
            result.rejected.append((entry, error))
            continue
        if rule is None or item is None:
            result.batches.append(Batch((entry,)))
            continue
        entry.item = item
        size = rule.batching.size
        if rule.has_size:
            size = int(payload.batch_size or size)  # type: ignore[attr-defined]
        key = rule.key(payload)
        if entry.task.is_scoped:
            key = key, entry.task.usage
        batch = open_batches.get(key)
        if batch is None or not batch.add(entry, size):
            if batch is not None:
                result.batches.append(Batch(batch.entries, batch.batching))
            batch = open_batches[key] = _Open(rule.batching)
            batch.add(entry, size)
    result.batches.extend(Batch(one.entries, one.batching) for one in open_batches.values())
    return result


def _rule(action: Action[Any, Any], relay: Relay[Any]) -> _Rule | None:
    """Return the rule of an action, or None when its payloads always go out alone."""
    mixed = relay.destination.batching
    batching = mixed or action.batching
    if batching is None or not relay.can_batch(action):
        return None
    return _Rule(batching, action, mixed=mixed is not None)


def _item(
    rule: _Rule, action: Action[Any, Any], payload: Any, ctx: Context[Any], relay: Relay[Any]
) -> Item | None:
    """Make the item of a payload; None when it goes out alone."""
    if rule.has_switch and payload.enable_batching is False:
        return None
    batching = rule.batching
    body = b""
    warnings: tuple[str, ...] = ()
    if batching.encode is not None:
        try:
            encoded = batching.encode(ctx, action, payload)
        except DeliveryError:
            raise
        except (Exception, SystemExit) as error:
            raise plugin_fault(f"encoding {action.slug!r}", error) from error
        if encoded is None:
            return None
        body, warnings = encoded
    elif batching.body_bytes is not None or batching.item_bytes is not None:
        body = orjson.dumps(payload.model_dump(mode="json", exclude_unset=True))
    if batching.item_bytes is not None and len(body) > batching.item_bytes:
        raise InvalidPayload(
            f"payload of action {action.slug!r} is {len(body):,} bytes;"
            f" {relay.destination.title} accepts {batching.item_bytes:,}"
        )
    return Item(action, payload, body, warnings)
