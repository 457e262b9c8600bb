"""Cut batches: by action, batch keys, item count and exact bytes."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from destination_core.context import Context
from destination_core.destination import Batching
from destination_core.errors import DeliveryError, InvalidPayload, plugin_fault
from destination_core.plugins import Relay
from destination_core.work import Batch, Entry, Item


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of the entries: batches to send, and entries that no batch can hold."""

    batches: list[Batch] = field(default_factory=list)
    rejected: list[tuple[Entry, DeliveryError]] = field(default_factory=list)


class _Open:
    """A batch that still takes entries."""

    __slots__ = ("batching", "body_bytes", "entries", "room")

    def __init__(self, batching: Batching[Any]) -> None:
        self.batching = batching
        self.entries: list[Entry] = []
        self.room = batching.size
        self.body_bytes = len(batching.envelope[0]) + len(batching.envelope[1])

    def add(self, entry: Entry, size: int) -> bool:
        """Take the entry, unless the batch would then be over one of its limits."""
        entries = self.entries
        room = min(self.room, size)
        body_bytes = self.body_bytes + len(entry.item.body) + bool(entries)
        limit = self.batching.body_bytes
        if entries and (len(entries) >= room or (limit is not None and body_bytes > limit)):
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
    mixed = relay.destination.batching is not None
    open_batches: dict[Hashable, _Open] = {}
    for entry in entries:
        try:
            batching = _prepare(entry, relay, ctx)
        except DeliveryError as error:
            result.rejected.append((entry, error))
            continue
        if batching is None:
            result.batches.append(Batch((entry,)))
            continue
        key = "" if mixed and not batching.keys else _key(entry, batching, mixed=mixed)
        size = _size(entry, batching)
        batch = open_batches.get(key)
        if batch is not None and batch.add(entry, size):
            continue
        if batch is not None:
            result.batches.append(Batch(batch.entries, batching))
        batch = open_batches[key] = _Open(batching)
        batch.add(entry, size)
    result.batches.extend(Batch(one.entries, one.batching) for one in open_batches.values())
    return result


def _prepare(entry: Entry, relay: Relay[Any], ctx: Context[Any]) -> Batching[Any] | None:
    """Make the entry's item; return how it is batched, or None when it goes out alone."""
    action, payload = entry.task.action, entry.task.payload
    batching = relay.destination.batching or action.batching
    if batching is None or not relay.can_batch(action):
        return None
    if "enable_batching" in action.fields and payload.enable_batching is False:  # type: ignore[attr-defined]
        return None
    body = b""
    warnings: tuple[str, ...] = ()
    if batching.encode is not None:
        try:
            encoded = batching.encode(ctx, action, payload)
        except DeliveryError:
            raise
        except Exception as error:
            raise plugin_fault(f"encoding {action.slug!r}", error) from error
        if encoded is None:
            return None
        body, warnings = encoded.body, encoded.warnings
    elif batching.body_bytes is not None or batching.item_bytes is not None:
        body = orjson.dumps(payload.model_dump(mode="json", exclude_unset=True))
    if batching.item_bytes is not None and len(body) > batching.item_bytes:
        raise InvalidPayload(
            f"payload of action {action.slug!r} is {len(body):,} bytes;"
            f" {relay.destination.title} accepts {batching.item_bytes:,}"
        )
    entry.item = Item(action, payload, body, warnings)
    return batching


def _key(entry: Entry, batching: Batching[Any], *, mixed: bool) -> Hashable:
    slug = "" if mixed else entry.task.action.slug
    if not batching.keys:
        return slug
    payload = entry.task.payload
    # JSON of the values: batch keys may hold lists, which cannot be hashed
    return slug, orjson.dumps([getattr(payload, key, None) for key in batching.keys], default=repr)


def _size(entry: Entry, batching: Batching[Any]) -> int:
    if "batch_size" in entry.task.action.fields:
        wanted = entry.task.payload.batch_size  # type: ignore[attr-defined]
        if wanted:
            return min(batching.size, int(wanted))
    return batching.size
