"""Laws of batching, for any sizes and any payloads."""

from types import ModuleType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import destination_core as dc
from destination_core.batching import cut
from destination_core.work import Entry, Task


class Settings(dc.Settings):
    """Nothing to set."""


class Note(dc.Payload):
    """A note of any length; ``box`` is a batch key."""

    text: str = ""
    box: int = 0
    enable_batching: bool = True
    batch_size: int | None = None


def encode(ctx: Any, action: Any, payload: Any) -> dc.Encoded | None:
    """Encode a note as its text; one that says "alone" cannot be batched."""
    return None if payload.text == "alone" else dc.Encoded(payload.text.encode())


async def perform(ctx: dc.Context[Settings], payload: Note) -> None:
    """Do nothing."""


async def perform_batch(ctx: Any, items: Any) -> None:
    """Do nothing."""


notes = st.lists(
    st.builds(
        Note,
        text=st.one_of(st.just("alone"), st.text(max_size=12)),
        box=st.integers(0, 2),
        enable_batching=st.booleans(),
        batch_size=st.one_of(st.none(), st.integers(2, 5)),
    ),
    max_size=40,
)
limits = st.builds(
    dc.Batching,
    size=st.integers(1, 6),
    body_bytes=st.one_of(st.none(), st.integers(20, 60)),
    item_bytes=st.one_of(st.none(), st.integers(0, 18)),
    keys=st.sampled_from([(), ("box",)]),
    encode=st.just(encode),
    envelope=st.sampled_from([(b"[", b"]"), (b"", b"")]),
)


@given(payloads=notes, batching=limits)
def test_batching_loses_and_repeats_nothing_and_keeps_its_limits(
    payloads: list[Note], batching: dc.Batching[Settings]
) -> None:
    """Every entry is in exactly one batch or rejected; order, count, bytes and keys hold."""
    action = dc.action("note")(perform)
    destination = dc.Destination(
        "notes", title="Notes", settings=Settings, actions=[action], batching=batching
    )
    plugin = ModuleType("notes")
    plugin.register_destination = dc.hookimpl(lambda: destination)  # type: ignore[attr-defined]
    plugin.perform_batch = dc.hookimpl(perform_batch)  # type: ignore[attr-defined]
    relay = dc.Registry.of(plugin).relay("notes")
    entries = [
        Entry(Task({}, "s", action, payload), row, 0) for row, payload in enumerate(payloads)
    ]

    result = cut(entries, relay, None)  # type: ignore[arg-type]

    out = [entry.row for batch in result.batches for entry in batch.entries]
    rejected = [entry.row for entry, _ in result.rejected]
    assert sorted(out + rejected) == list(range(len(payloads)))
    for batch in result.batches:
        rows = [entry.row for entry in batch.entries]
        assert rows == sorted(rows)
        if batch.batching is None:
            assert len(rows) == 1
            continue
        chosen = [payloads[row] for row in rows]
        body = batching.join([entry.item.body for entry in batch.entries])
        assert len(rows) <= min([batching.size, *(n.batch_size for n in chosen if n.batch_size)])
        assert all(note.enable_batching and note.text != "alone" for note in chosen)
        assert len(rows) == 1 or batching.body_bytes is None or len(body) <= batching.body_bytes
        assert not batching.keys or len({note.box for note in chosen}) == 1
    for row in rejected:
        assert batching.item_bytes is not None
        assert len(payloads[row].text.encode()) > batching.item_bytes
