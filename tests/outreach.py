"""Outreach: lists of people to write to, with all that an action may declare beside its payload."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, SecretStr

import destination_core as dc


class Settings(dc.Settings):
    api_key: Annotated[SecretStr, Field(description="Outreach → API.")]


class ListSettings(dc.Settings):
    """What is configured per audience."""

    folder: Annotated[str, Field(description="Where the list is made.")] = "Segment"


class Member(dc.Payload):
    """Somebody on a list, known by the hash of an email address."""

    email: Annotated[
        str,
        dc.path("$.traits.email"),
        dc.field(category="identifiers", description="Hashed before it is sent."),
    ]
    list_id: Annotated[
        str | None,
        dc.field(category="list", description="The saved list, or the audience's, when empty."),
    ] = None
    channel: Annotated[
        str, dc.literal("email"), dc.field(choices=["email", "sms"], category="list")
    ] = "email"
    phone: Annotated[
        str | None,
        dc.path("$.traits.phone"),
        dc.field(
            category="identifiers",
            required_when=dc.Condition("channel", "is", "sms"),
            depends_on=dc.Condition("channel", "is", "sms"),
        ),
    ] = None
    reason: Annotated[
        str | None, dc.field(required_when=dc.Condition("", "is", "delete", type="syncMode"))
    ] = None
    message_id: Annotated[str, dc.path("$.messageId"), dc.field(read_only=True)] = ""
    batch_size: Annotated[int, dc.field(hidden=True)] = 500


class NewList(dc.Payload):
    """What is asked for when a mapping is saved."""

    name: Annotated[str, Field(description="What the list is called.")]


class SavedList(dc.Payload):
    """What is kept with the mapping."""

    list_id: str


@dc.action(
    "syncMember",
    subscribe='type = "identify" or type = "track"',
    sync_modes=dc.SyncModes("mirror", ["add", "delete", "mirror"]),
    audience=True,
)
async def sync_member(ctx: dc.Context[Settings], member: Member) -> None:
    """Put somebody on a list, or take them off it."""
    (outcome,) = await _sent(ctx, [member])
    if outcome.error is not None:
        raise outcome.error


@sync_member.batch(size=500, keys=["list_id", "channel"])
async def sync_members(
    ctx: dc.Context[Settings], members: Sequence[Member]
) -> Sequence[dc.Outcome]:
    return await _sent(ctx, members)


async def _sent(ctx: dc.Context[Settings], members: Sequence[Member]) -> list[dc.Outcome]:
    settled = dc.MultiStatus(len(members))
    target = _list_of(ctx, members[0])
    sent: list[tuple[int, dict[str, object]]] = []
    for place, (member, comes) in enumerate(zip(members, ctx.memberships, strict=True)):
        if comes is None:
            settled.refuse(place, dc.InvalidPayload("the event does not say who comes or goes"))
            continue
        email = dc.hashed(member.email, normalise=str.lower)
        sent.append((place, {"email": email, "on": comes, "channel": member.channel}))
    if sent:
        body = [one for _, one in sent]
        response = await ctx.http.post(f"/lists/{dc.segment(target)}/members", json=body)
        answers = response.json()["results"]
        for (place, _), answer in zip(sent, answers, strict=False):
            settled.set(place, answer["status"], answer.get("message", ""))
    return settled.outcomes()


def _list_of(ctx: dc.Context[Settings], member: Member) -> str:
    """Return the list: the mapping's, the one that was saved with it, or the first audience's."""
    saved = ctx.saved(SavedList)
    made = next((one.external_id for one in ctx.audiences.values()), None)
    found = member.list_id or (saved and saved.list_id) or made
    if not found:
        raise dc.InvalidPayload("no list: choose one, save the mapping, or configure an audience")
    return found


@sync_member.on_mapping_save
async def make_list(ctx: dc.Context[Settings], given: NewList) -> SavedList:
    """Make a list of a name; the one that was made before is renamed."""
    before = ctx.saved(SavedList)
    if before is not None:
        await ctx.http.patch(f"/lists/{dc.segment(before.list_id)}", json={"name": given.name})
        return before
    response = await ctx.http.post("/lists", json={"name": given.name})
    return SavedList(list_id=response.json()["id"])


@sync_member.choices("list_id")
async def lists(ctx: dc.Context[Settings], query: dc.ChoiceQuery) -> dc.Choices:
    """Offer the lists of the account, for the channel that was chosen."""
    asked = {"after": query.page, "q": query.search, "channel": query.payload.get("channel")}
    said = (await ctx.http.get("/lists", params=asked)).json()
    found = [dc.Choice(one["id"], one["name"]) for one in said["lists"]]
    return dc.Choices(found, said.get("next"))


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination(
        "outreach",
        title="Outreach",
        settings=Settings,
        actions=[sync_member],
        audiences=dc.Audiences(ListSettings),
    )


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    key = settings.api_key.get_secret_value()
    return dc.RequestOptions("https://outreach.test", {"Authorization": f"Bearer {key}"})


@dc.hookimpl
async def create_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str:
    configured = audience.settings or ListSettings()
    body = {"name": audience.name, "folder": configured.folder}
    made: str = (await ctx.http.post("/lists", json=body)).json()["id"]
    return made


@dc.hookimpl
async def get_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str | None:
    path = f"/lists/{dc.segment(audience.external_id)}"
    found = await ctx.http.get(path, raise_for_status=False)
    return audience.external_id if found.ok else None
