"""What an action may declare beside its payload: modes, keys, fields."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import orjson
import pytest
from pydantic import Field

import destination_core as dc
from destination_core.catalogue import catalogue
from destination_core.lint import lint
from destination_core.schema import catalogue_fields
from tests import outreach
from tests.outreaching import MAPPING, ROW, accepted, opened, saying, sync
from tests.scripted import ScriptedTransport


@pytest.mark.parametrize(
    ("subscription", "mode", "comes"),
    [
        (sync(), "mirror", True),
        (sync(sync_mode="add"), "add", True),
        (sync(mapping={**MAPPING, "__segment_internal_sync_mode": "add"}), "add", True),
    ],
    ids=["the-default", "the-subscriptions", "segments-key"],
)
async def test_the_mode_of_a_subscription_is_told(
    subscription: dc.Subscription, mode: str, comes: bool
) -> None:
    """A subscription's own mode, Segment's key in its mapping, or else the action's default."""
    connection = opened(subscription)
    assert connection.subscriptions[0].usage.sync_mode == mode
    transport = ScriptedTransport(accepted)
    async with dc.Engine([connection], transport=transport) as engine:
        (delivery,) = await engine.send({**ROW, "userId": "a@b.c"})
    assert delivery.ok, delivery.reason
    assert orjson.loads(transport.requests[0].body or b"")[0]["on"] is comes


async def test_a_mirror_also_removes() -> None:
    """Rows that are gone leave the list; with mode add nothing is said about them."""
    gone = {**ROW, "event": "deleted", "userId": "a@b.c"}
    transport = ScriptedTransport(accepted)
    connection = opened(sync("Mirror"), sync("Add", sync_mode="add"))
    async with dc.Engine([connection], transport=transport) as engine:
        mirrored, added = await engine.send(gone)
    assert mirrored.ok
    assert orjson.loads(transport.requests[0].body or b"")[0]["on"] is False
    assert (str(added.status), len(transport.requests)) == ("rejected", 1)


def test_a_mode_that_is_not_offered_is_refused() -> None:
    """When the configuration is loaded, with those that are; so is one for an action without."""
    with pytest.raises(dc.InvalidSubscription, match=r"'update' is unknown.*add, delete, mirror"):
        opened(sync(sync_mode="update"))


def test_without_a_default_every_subscription_must_choose() -> None:
    """Nothing is guessed about what may delete people."""

    @dc.action("choose", sync_modes=dc.SyncModes(choices=["add", "delete"]))
    async def choose(ctx: dc.Context[dc.Settings], member: outreach.NewList) -> None:
        """Do it."""

    class Plugin:
        @dc.hookimpl
        def register_destination(self) -> dc.Destination[dc.Settings]:
            return dc.Destination("choosy", title="C", settings=dc.Settings, actions=[choose])

    relay = dc.Registry.of(Plugin()).relay("choosy")
    chosen = dc.Subscription("S", "choose", 'type = "track"', {}, sync_mode="add")
    dc.Connection("c", relay, settings={}, subscriptions=[chosen])
    unset = dc.Subscription("S", "choose", 'type = "track"', {})
    with pytest.raises(dc.InvalidSubscription, match="needs a `sync_mode`; modes are add, delete"):
        dc.Connection("c", relay, settings={}, subscriptions=[unset])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("insert",), "'insert' is unknown"), (("add", ["delete"]), "default and not offered")],
    ids=["unknown", "not-offered"],
)
def test_modes_that_contradict_themselves_are_refused(arguments: Any, said: str) -> None:
    """The author hears of it when the plugin is loaded."""
    with pytest.raises(dc.PluginError, match=said):
        dc.SyncModes(*arguments)


async def test_a_mode_can_make_a_field_required() -> None:
    """Who deletes has to say why; who adds has not."""
    transport = ScriptedTransport(accepted)
    deleting = opened(sync(sync_mode="delete"), sync("Mirror"))
    async with dc.Engine([deleting], transport=transport) as engine:
        deleted, mirrored = await engine.send({**ROW, "userId": "a@b.c"})
    assert (str(deleted.status), mirrored.ok) == ("rejected", True)
    assert "reason" in deleted.reason.lower()


async def test_the_matching_key_is_told_without_sync_modes() -> None:
    """Segment's key for the identifier that users are matched by reaches any action."""
    told = []

    @dc.action("tell")
    async def tell(ctx: dc.Context[dc.Settings], given: outreach.NewList) -> None:
        """Note it."""
        told.append(ctx.matching_key)

    class Plugin:
        @dc.hookimpl
        def register_destination(self) -> dc.Destination[dc.Settings]:
            return dc.Destination("teller", title="T", settings=dc.Settings, actions=[tell])

    mappings = [{"name": "n"}, {"name": "n", "__segment_internal_matching_key": "email"}]
    connection: dc.Connection[Any] = dc.Connection(
        "t",
        dc.Registry.of(Plugin()).relay("teller"),
        settings={},
        subscriptions=[
            dc.Subscription(str(n), "tell", 'type = "track"', one) for n, one in enumerate(mappings)
        ],
    )
    async with dc.Engine([connection], transport=ScriptedTransport()) as engine:
        await engine.send(ROW)
        await engine.send_batch([ROW])
    assert told == [None, "email"] * 2


async def test_batches_never_mix_subscriptions_that_say_different_things() -> None:
    """Of one action, but with another mode or another saved list: a batch has one of each."""
    transport = ScriptedTransport(accepted)
    connection = opened(sync("Mirror"), sync("Add", sync_mode="add"))
    events = [{**ROW, "userId": f"{n}@b.c"} for n in range(3)]
    async with dc.Engine([connection], transport=transport) as engine:
        settled = await engine.send_batch(events)
    assert all(one.ok for many in settled for one in many)
    assert [len(orjson.loads(one.body or b"")) for one in transport.requests] == [3, 3]


async def test_batch_keys_are_equal_within_a_batch() -> None:
    """Events for another list or channel go out in another request, in order within it."""
    transport = ScriptedTransport(accepted)
    mapping = {**MAPPING, "list_id": {"@path": "$.properties.list"}}
    events = [{**ROW, "userId": f"{n}@b.c", "properties": {"list": str(n % 2)}} for n in range(6)]
    async with dc.Engine([opened(sync(mapping=mapping))], transport=transport) as engine:
        await engine.send_batch(events)
    digests = [hashlib.sha256(f"{n}@b.c".encode()).hexdigest() for n in range(6)]
    sent = {
        one.url: [item["email"] for item in orjson.loads(one.body or b"")]
        for one in transport.requests
    }
    assert sent == {
        "https://outreach.test/lists/0/members": digests[::2],
        "https://outreach.test/lists/1/members": digests[1::2],
    }


async def test_batch_keys_may_hold_anything() -> None:
    """Values that JSON cannot hold are no reason to lose the batch of their neighbours."""
    transport = ScriptedTransport(accepted)
    mapping = {**MAPPING, "list_id": {"@path": "$.properties.list"}}
    lists = ["1", "\ud800", "1"]
    events = [{**ROW, "userId": "a@b.c", "properties": {"list": one}} for one in lists]
    async with dc.Engine([opened(sync(mapping=mapping))], transport=transport) as engine:
        settled = await engine.send_batch(events)
    assert [one.ok for (one,) in settled] == [True, False, True]


class Aliased(dc.Payload):
    list_id: Annotated[str, Field(alias="listId"), dc.path("$.properties.list")]


@pytest.mark.parametrize("name", ["list_id", "listId"])
async def test_a_field_is_known_by_its_key_and_by_its_name(name: str) -> None:
    """Batch keys and choices may use either; both mean the one field."""

    @dc.action("aliased")
    async def aliased(ctx: dc.Context[dc.Settings], payload: Aliased) -> None:
        """Do it."""

    @aliased.batch(keys=[name])
    async def many(ctx: dc.Context[dc.Settings], payloads: Sequence[Aliased]) -> None:
        await ctx.http.post("https://x.test/", json=[one.list_id for one in payloads])

    @aliased.choices(name)
    async def lists(ctx: dc.Context[dc.Settings], query: dc.ChoiceQuery) -> dc.Choices:
        return dc.Choices([dc.Choice("1", "One")])

    class Plugin:
        @dc.hookimpl
        def register_destination(self) -> dc.Destination[dc.Settings]:
            return dc.Destination("aliased", title="A", settings=dc.Settings, actions=[aliased])

    relay = dc.Registry.of(Plugin()).relay("aliased")
    subscription = dc.Subscription("A", "aliased", 'type = "track"')
    connection = dc.Connection("a", relay, settings={}, subscriptions=[subscription])
    transport = ScriptedTransport()
    asked: Any = {"action": aliased, "query": dc.ChoiceQuery()}
    events = [{**ROW, "properties": {"list": str(n % 2)}} for n in range(4)]
    async with dc.Engine([connection], transport=transport) as engine:
        await engine.send_batch(events)
        found = [
            await engine.ask("a", partial(relay.dynamic_choices, **asked, field=field))
            for field in ("list_id", "listId")
        ]
    assert [one.choices for one in found] == [[dc.Choice("1", "One")]] * 2
    sent = sorted(orjson.loads(one.body or b"") for one in transport.requests)
    assert sent == [["0", "0"], ["1", "1"]]
    assert not [one for one in lint(relay.destination) if one.rule == "batch-key"]
    assert catalogue(relay.destination)["actions"][0]["fields"]["listId"]["dynamic"] is True


def test_the_catalogue_says_how_a_form_shows_fields() -> None:
    """Hidden, read-only, category and depends_on are Segment's keys, for whoever draws the form."""
    fields = catalogue_fields(outreach.Member)
    assert fields["batch_size"]["unsafe_hidden"] is True
    assert fields["message_id"]["readOnly"] is True
    assert fields["email"]["category"] == "identifiers"
    condition = {"fieldKey": "channel", "operator": "is", "value": "sms"}
    assert fields["phone"]["depends_on"] == {"match": "all", "conditions": [condition]}
    assert fields["phone"]["required"] == {"match": "all", "conditions": [condition]}


async def test_multi_status_settles_each_payload_with_segments_codes() -> None:
    """Each status is the error that it would be for a request; what is left out is tried again."""
    results = [{"status": 200}, {"status": 401}, {"status": 404, "message": "who?"}]
    transport = saying({"results": results})
    events = [{**ROW, "userId": f"{n}@b.c"} for n in range(4)]
    async with dc.Engine([opened(sync())], transport=transport) as engine:
        settled = await engine.send_batch(events)
    seen = [(str(one.status), one.error and one.error.code) for (one,) in settled]
    assert seen == [
        ("delivered", None),
        ("setup_error", "UNAUTHORIZED"),
        ("refused", "NOT_FOUND"),
        ("retryable", "MULTI_STATUS_INCOMPLETE"),
    ]
    assert settled[2][0].reason == "who?"
