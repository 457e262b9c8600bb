"""Cut batches: by action, batch keys, item count and exact bytes."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import orjson

from destination_core.actions import Action, Batching, Encoded
from destination_core.context import Context
from destination_core.errors import InvalidPayload, PluginFault
from destination_core.features import PLAIN
from destination_core.relay import Relay
from destination_core.work import Batch, Entry, Item, Task


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of the entries: batches to send, and entries that no batch can hold."""

    batches: list[Batch] = field(default_factory=list)
    rejected: list[tuple[Entry, BaseException]] = field(default_factory=list)


class _Rule:
    """How payloads of one action are batched; without ``batching`` each goes out alone."""

    __slots__ = (
        "action",
        "batching",
        "encode",
        "has_size",
        "has_switch",
        "is_simple",
        "item_bytes",
        "keys",
        "slug",
        "title",
    )

    def __init__(self, action: Action[Any, Any], relay: Relay[Any]) -> None:
        mixed = relay.destination.batching
        batching = mixed or action.batching
        self.batching: Batching[Any] | None = batching if relay.can_batch(action) else None
        self.encode = None if batching is None else batching.encode
        most = None if batching is None else batching.item_bytes
        self.item_bytes = inf if most is None else most
        self.action = action
        self.slug = action.slug if mixed is None else ""
        self.title = relay.destination.title
        self.has_switch = "enable_batching" in action.fields
        self.has_size = "batch_size" in action.fields
        names = {one.key: one.attribute for one in action.schema.specs}
        keys = () if batching is None else batching.keys
        self.keys = tuple(names.get(key, key) for key in keys)
        self.is_simple = not self.keys and not action.is_scoped

    def key(self, task: Task) -> Hashable:
        """Return what tasks must have in common to share a batch."""
        key: Hashable = self.slug
        if self.keys:
            key = key, _written([getattr(task.payload, one, None) for one in self.keys])
        return (key, task.usage) if task.is_scoped else key

    def item(self, batching: Batching[Any], payload: Any, ctx: Context[Any]) -> Item | None:
        """Make the item of a payload; None when it goes out alone."""
        if self.has_switch and payload.enable_batching is False:
            return None
        action, encode = self.action, self.encode
        if encode is None:
            return Item(action, payload, self._measured(batching, payload))
        encoded: object = encode(ctx, action, payload)
        if encoded is None:
            return None
        if not isinstance(encoded, Encoded):
            raise PluginFault(
                f"encoding {action.slug!r} must return a destination_core.Encoded, or None,"
                f" not {type(encoded).__name__}"
            )
        body = encoded.body
        if len(body) > self.item_bytes:
            raise self._too_long(body)
        return Item(action, payload, body, encoded.warnings)

    def _measured(self, batching: Batching[Any], payload: Any) -> bytes:
        """Return the JSON of a payload, where any limit asks for its length."""
        if batching.body_bytes is None and batching.item_bytes is None:
            return b""
        body = orjson.dumps(payload.model_dump(mode="json", exclude_unset=True))
        if len(body) > self.item_bytes:
            raise self._too_long(body)
        return body

    def _too_long(self, body: bytes) -> InvalidPayload:
        return InvalidPayload(
            f"payload of action {self.action.slug!r} is {len(body):,} bytes;"
            f" {self.title} accepts {self.item_bytes:,}"
        )


def _written(values: Sequence[Any]) -> bytes | str:
    """Write batch keys down: they may hold lists, which cannot be hashed."""
    try:
        return orjson.dumps(values, default=repr)
    except TypeError:  # integers beyond 64 bits, halves of surrogate pairs
        return repr(values)


class _Open:
    """A batch that still takes entries, until it has refused one."""

    __slots__ = ("batching", "body_bytes", "entries", "limit", "room")

    def __init__(self, batching: Batching[Any]) -> None:
        self.batching = batching
        self.entries: list[Entry] = []
        self.room = batching.size
        self.limit = inf if batching.body_bytes is None else batching.body_bytes
        opening, closing = batching.envelope
        self.body_bytes = len(opening) + len(closing) - 1  # the first item has no comma before it

    def add(self, entry: Entry, size: float | None) -> bool:
        """Take the entry, unless the batch would then be over one of its limits."""
        entries = self.entries
        body_bytes = self.body_bytes + len(entry.item.body) + 1  # the comma
        if size and size < self.room:
            self.room = int(size)
        if entries and (len(entries) >= self.room or body_bytes > self.limit):
            return False
        entries.append(entry)
        self.body_bytes = body_bytes
        return True


def cut(entries: Sequence[Entry], relay: Relay[Any], ctx: Context[Any]) -> Cut:
    """Group entries into batches, keeping their order within each.

    An entry goes out alone when its payload says ``enable_batching: false``, when nothing would
    answer for a batch of its action, or when ``Batching.encode`` answers None. One that is over
    ``item_bytes`` is rejected with ``InvalidPayload``, one whose ``encode`` raises with just that,
    secrets and all. A payload's ``batch_size`` lowers the size of the batch it is in.
    """
    result = Cut()
    rules: dict[Action[Any, Any], _Rule] = {}
    open_batches: dict[Hashable, _Open] = {}
    for entry in entries:
        task = entry.task
        payload: Any = task.payload
        rule = rules.get(task.action)
        if rule is None:
            rule = rules[task.action] = _Rule(task.action, relay)
        batching = rule.batching
        try:
            item = None if batching is None else rule.item(batching, payload, ctx)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            result.rejected.append((entry, error))
            continue
        if batching is None or item is None:
            result.batches.append(Batch((entry,)))
            continue
        entry.item = item
        size = payload.batch_size if rule.has_size else None
        is_simple = rule.is_simple and task.usage is PLAIN
        key = rule.slug if is_simple else rule.key(task)
        batch = open_batches.get(key)
        if batch is None or not batch.add(entry, size):
            if batch is not None:
                result.batches.append(Batch(batch.entries, batching))
            batch = open_batches[key] = _Open(batching)
            batch.add(entry, size)
    result.batches.extend(Batch(one.entries, one.batching) for one in open_batches.values())
    return result
