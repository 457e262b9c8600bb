"""Lists of contacts, which audiences are kept in: who is in it, and who is no longer."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

import destination_core as dc
from destination_hubspot import lists, records
from destination_hubspot.hubspot_api import NOT_FOUND, Ctx
from destination_hubspot.properties import EMAIL, key_of
from destination_hubspot.records import CONTACTS, Record

SYNC_MODES: Final = dc.SyncModes(
    default="mirror",
    choices=("mirror", "add", "delete"),
    description="Mirror: add who comes and remove who goes. Add: only add. Delete: only remove.",
)

AUDIENCE_EVENTS: Final = (
    '(type = "identify" or type = "track") and (context.personas.computation_class = "audience"'
    ' or context.personas.computation_class = "journey_step")'
)

IS_MISSING: Final = "HubSpot knows no such record (any more)"


class Member(dc.Payload):
    """Payload of Update List."""

    email: Annotated[
        str,
        dc.coalesce("$.traits.email", "$.context.traits.email", "$.properties.email"),
        dc.field(format="email"),
        Field(title="Email", description="Of the contact that comes or goes."),
    ]
    list_id: Annotated[
        str | None,
        Field(
            title="List",
            description="The ID of a static list. Leave it empty when it is that of an audience, or"
            " made by saving the mapping.",
        ),
    ] = None
    create_contacts: Annotated[
        bool,
        dc.literal(True),
        Field(
            title="Create Contacts",
            description="Create contacts that come and are not there yet.",
        ),
    ] = True
    external_audience_id: Annotated[
        str | None,
        dc.path("$.context.personas.external_audience_id"),
        dc.field(hidden=True, read_only=True),
        Field(title="External Audience ID", description="The list that Segment made."),
    ] = None
    audience_key: Annotated[
        str | None,
        dc.path("$.context.personas.computation_key"),
        dc.field(hidden=True, read_only=True),
        Field(title="Audience Key", description="Which audience of the configuration it is."),
    ] = None


class Wanted(dc.Payload):
    """What is asked for when the mapping is saved: a list that is there, or the name of one."""

    list_id: Annotated[
        str | None, Field(title="List", description="The ID of a static list that is there.")
    ] = None
    list_name: Annotated[
        str | None,
        dc.field(required_when=dc.Condition("list_id")),
        Field(title="List Name", description="Of a static list; it is made unless it is there."),
    ] = None


class Kept(dc.Payload):
    """What is kept with the mapping."""

    list_id: Annotated[str, Field(title="List", description="The list's ID.")]
    list_name: Annotated[str, Field(title="List Name", description="What it is called.")]


@dc.action(
    "updateList",
    subscribe=AUDIENCE_EVENTS,
    title="Update List",
    sync_modes=SYNC_MODES,
    audience=True,
)
async def update_list(ctx: Ctx, member: Member) -> None:
    """Add a contact to a static list, or remove it."""
    records.raise_for(ctx, await _update(ctx, [member]))


@update_list.batch(
    size=records.BATCH,
    keys=["list_id", "external_audience_id", "audience_key", "create_contacts"],
)
async def update_lists(ctx: Ctx, members: Sequence[Member]) -> list[dc.Outcome]:
    """Add and remove many contacts of one list."""
    return await _update(ctx, members)


@update_list.on_mapping_save
async def prepare(ctx: Ctx, wanted: Wanted) -> Kept:
    """Look the list up, or make it."""
    if wanted.list_id:
        name = await lists.by_id(ctx, wanted.list_id)
        if name is None:
            raise dc.PermanentError(f"list {wanted.list_id!r} is not there; choose another")
        return Kept(list_id=wanted.list_id, list_name=name)
    name = (wanted.list_name or "").strip()
    if not name:
        raise dc.InvalidPayload("list_id or list_name is required")
    return Kept(list_id=await lists.ensure(ctx, name), list_name=name)


@update_list.choices("list_id")
async def list_choices(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the static lists of contacts."""
    return await lists.choices(ctx, query)


async def _update(ctx: Ctx, members: Sequence[Member]) -> list[dc.Outcome]:
    """Change a list's members: of several words about one contact the last one counts."""
    list_id = _list_of(ctx, members[0])
    settled = dc.MultiStatus(len(members))
    keys = [key_of(EMAIL, one.email) for one in members]
    moves = _moves(ctx, len(members))
    wanted: dict[str, bool] = {}
    for index, (key, comes) in enumerate(zip(keys, moves, strict=True)):
        if isinstance(comes, bool):
            wanted.pop(key, None)  # the order is that of the last words
            wanted[key] = comes
        elif isinstance(comes, str):
            settled.accept(index, comes)
        else:
            settled.refuse(index, comes)
    ids, refused = await _contacts(ctx, wanted, create=members[0].create_contacts)
    missing: frozenset[str] = frozenset()
    records_wanted = {ids[key]: comes for key, comes in wanted.items() if key in ids}
    if records_wanted:
        added = [one for one, comes in records_wanted.items() if comes]
        removed = [one for one, comes in records_wanted.items() if not comes]
        missing = await lists.change(ctx, list_id, added, removed)
    for index in settled.left:
        key, comes = keys[index], moves[index]
        is_there = key in ids and ids[key] not in missing
        if is_there:
            settled.accept(index)
        elif not comes:
            settled.accept(index, "nobody to remove: HubSpot has no contact with this email")
        elif key in refused:
            settled.refuse(index, refused[key])
        elif key in ids:
            settled.set(index, NOT_FOUND, f"list {list_id}: {IS_MISSING}")
        else:
            settled.accept(index, "came and went: nobody was added")
    return settled.outcomes()


def _list_of(ctx: Ctx, member: Member) -> str:
    """Return the list's id: mapped, saved, of the audience, or said by Segment."""
    kept = ctx.saved(Kept)
    audience = ctx.audiences.get(member.audience_key or "")
    found = (
        member.list_id
        or (kept and kept.list_id)
        or (audience and audience.external_id)
        or member.external_audience_id
    )
    if not found:
        raise dc.InvalidPayload(
            "list_id is required: map it, save the mapping, or declare the audience"
            f" {member.audience_key!r} in the configuration and run `destinations save`",
            problems=[dc.Problem("/list_id", "no list is known")],
        )
    return found


def _moves(ctx: Ctx, size: int) -> list[bool | str | dc.DeliveryError]:
    """Return for each member whether it comes (True) or goes, or why it does neither."""
    said = list(ctx.memberships) or [None] * size
    return [_move(ctx.sync_mode or "mirror", comes) for comes in said]


def _move(mode: str, comes: bool | None) -> bool | str | dc.DeliveryError:
    if mode == "mirror":
        if comes is None:
            return dc.InvalidPayload(
                "event says neither that its user is in the audience nor that they left it;"
                " choose sync mode 'add' or 'delete' for events that are of no audience"
            )
        return comes
    if comes is None or comes == (mode == "add"):
        return mode == "add"
    return f"nothing to do: sync mode {mode!r} does not {'add' if comes else 'remove'} anybody"


async def _contacts(
    ctx: Ctx, wanted: dict[str, bool], *, create: bool
) -> tuple[dict[str, str], dict[str, dc.DeliveryError]]:
    """Return the contacts' record ids by email, and why those who come have none."""
    ids: dict[str, str] = {}
    refused: dict[str, dc.DeliveryError] = {}
    found = [key for key, comes in wanted.items() if not (comes and create)]
    if found:
        ids.update(await records.find(ctx, CONTACTS, EMAIL, found))
    if create:
        made = [key for key, comes in wanted.items() if comes]
        written = await records.write(ctx, CONTACTS, EMAIL, [Record(key) for key in made], "upsert")
        for key, one in zip(made, written, strict=True):
            if one.outcome.error is not None:
                refused[key] = one.outcome.error
            elif one.id is not None:
                ids[key] = one.id
    for key, comes in wanted.items():
        if comes and key not in ids and key not in refused:
            refused[key] = dc.error_of(NOT_FOUND, "HubSpot has no contact with this email")
    return ids, refused
