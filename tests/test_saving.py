"""Choices, what is saved with a mapping, audiences: what is asked of a destination at set-up."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

import destination_core as dc
from tests import outreach
from tests.outreaching import MAPPING, RELAY, ROW, VIPS, accepted, opened, saying, sync
from tests.scripted import ScriptedTransport


async def ask(transport: ScriptedTransport, field: str = "list_id", **query: Any) -> dc.Choices:
    connection = opened()
    action = RELAY.destination.actions[0]

    async def call(ctx: dc.Context[Any]) -> dc.Choices:
        return await RELAY.dynamic_choices(ctx, action, field, dc.ChoiceQuery(**query))

    async with dc.Engine([connection], transport=transport) as engine:
        return await engine.ask("o", call)


async def test_choices_come_page_by_page() -> None:
    """A page says what asks for the one after it; a word and other fields narrow it down."""
    first = {"lists": [{"id": "1", "name": "One"}], "next": "p2"}
    transport = saying(first, {"lists": [{"id": "2", "name": "Two"}]})
    page = await ask(transport, payload={"channel": "sms"})
    assert (page.choices, page.next_page) == ([dc.Choice("1", "One")], "p2")
    last = await ask(transport, page=page.next_page, search="tw o")
    assert (last.choices, last.next_page) == ([dc.Choice("2", "Two")], None)
    queries = [one.url.partition("?")[2] for one in transport.requests]
    assert queries == ["q=&channel=sms", "after=p2&q=tw+o"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, dc.InvalidAuthentication), (429, dc.RetryableError), (404, dc.PermanentError)],
    ids=["401", "429", "404"],
)
async def test_choices_fail_like_requests(status: int, kind: type[dc.DeliveryError]) -> None:
    """What the destination answers is the error; the key is not in it."""
    with pytest.raises(kind) as caught:
        await ask(saying({"error": "k-s3cret"}, status=status))
    assert "k-s3cret" not in f"{caught.value} {caught.value.detail}"


async def test_a_field_without_choices_says_which_have_some() -> None:
    """Asking for another field's choices is a mistake of whoever asks."""
    with pytest.raises(dc.PluginError, match=r"'email'.*fields that have some: list_id"):
        await ask(saying({}), field="email")


def test_choices_are_declared_for_a_field_that_exists() -> None:
    """A misspelt field is refused when the plugin is loaded."""
    declare = outreach.sync_member.choices("lst")
    with pytest.raises(dc.PluginError, match="has no field 'lst'"):
        declare(outreach.lists)


async def test_what_was_saved_is_there_in_every_attempt() -> None:
    """A mapping that was saved has its list: single events and batches go to it."""
    saved = dc.Saved({"name": "Mine"}, {"list_id": "42"})
    transport = ScriptedTransport(accepted)
    connection = opened(sync(mapping={"email": {"@path": "$.userId"}}, saved=saved))
    assert connection.warnings == []
    async with dc.Engine([connection], transport=transport) as engine:
        await engine.send({**ROW, "userId": "a@b.c"})
        await engine.send_batch([{**ROW, "userId": "a@b.c"}])
    assert {one.url for one in transport.requests} == {"https://outreach.test/lists/42/members"}


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (lambda ctx: ctx.saved(outreach.SavedList), outreach.SavedList(list_id="42")),
        (lambda ctx: ctx.saved_inputs(outreach.NewList), outreach.NewList(name="Mine")),
    ],
    ids=["outputs", "inputs"],
)
async def test_inputs_and_outputs_are_models(
    read: Callable[[dc.Context[Any]], Any], wanted: dc.Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were checked when the configuration was loaded; another model is a mistake."""
    seen = []

    async def handler(ctx: dc.Context[Any], member: Any) -> None:
        seen.append(read(ctx))
        for method, model in ((ctx.saved, outreach.NewList), (ctx.saved_inputs, outreach.Member)):
            with pytest.raises(dc.PluginError, match=f"not a {model.__name__}"):
                method(model)

    monkeypatch.setattr(outreach.sync_member, "handler", handler)
    saved = dc.Saved({"name": "Mine"}, {"list_id": "42"})
    async with dc.Engine([opened(sync(saved=saved))], transport=ScriptedTransport()) as engine:
        (delivery,) = await engine.send({**ROW, "userId": "a@b.c"})
    assert (delivery.ok, seen) == (True, [wanted]), delivery.reason


def test_segments_shape_of_what_was_saved_is_read() -> None:
    """A subscription of Segment's has it in its mapping, where no field is called so."""
    raw = {
        "partnerAction": "syncMember",
        "subscribe": 'type = "track"',
        "mapping": {
            **MAPPING,
            "onMappingSave": {"inputs": {"name": "N"}, "outputs": {"list_id": "5"}},
        },
    }
    connection = opened(dc.Subscription.from_segment(raw))
    usage = connection.subscriptions[0].usage
    assert (usage.inputs, usage.saved) == (
        outreach.NewList(name="N"),
        outreach.SavedList(list_id="5"),
    )
    assert connection.warnings == []


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (dc.Saved({"name": "N"}), "is not saved; run `destinations save`"),
        (dc.Saved({"name": "N"}, {"list_id": "5"}, "of other inputs"), "have changed since"),
    ],
    ids=["not-yet", "changed"],
)
def test_a_mapping_that_is_to_be_saved_says_so(saved: dc.Saved, said: str) -> None:
    """`destinations check` shows it: without the outputs the action would do something else."""
    (warning,) = opened(sync(saved=saved)).warnings
    assert said in warning


@pytest.mark.parametrize(
    "saved", [dc.Saved({}), dc.Saved({"name": "N"}, {"list": "5"})], ids=["inputs", "outputs"]
)
def test_what_was_saved_must_fit_its_models(saved: dc.Saved) -> None:
    """A required input that is missing is found when the configuration is loaded."""
    with pytest.raises(dc.InvalidSubscription, match=r"on_mapping_save: .*missing the required"):
        opened(sync(saved=saved))


def test_saving_is_declared_with_its_models() -> None:
    """What is kept must be a payload model, said in the annotation; the handler is async."""

    async def untold(ctx: dc.Context[outreach.Settings], given: outreach.NewList) -> Any: ...

    def waiting(ctx: dc.Context[outreach.Settings], given: outreach.NewList) -> Any: ...

    with pytest.raises(dc.PluginError, match=r"must return a destination_core\.Payload"):
        outreach.sync_member.on_mapping_save(untold)
    with pytest.raises(dc.PluginError, match="must be `async def`"):
        outreach.sync_member.on_mapping_save(waiting)


async def test_audiences_are_made_and_looked_for() -> None:
    """The hooks get key, name, settings and id; they are asked with the connection's client."""
    transport = saying({"id": "77"}, {}, {})
    connection = opened(audiences=[VIPS])
    async with dc.Engine([connection], transport=transport) as engine:
        made = await engine.ask("o", lambda ctx: RELAY.create_audience(ctx, VIPS))
        there = await engine.ask("o", lambda ctx: RELAY.get_audience(ctx, VIPS))
        transport.answers = (404,)
        gone = await engine.ask("o", lambda ctx: RELAY.get_audience(ctx, VIPS))
    assert (made, there, gone) == ("77", "77", None)
    assert orjson.loads(transport.requests[0].body or b"") == {"name": "VIPs", "folder": "VIP"}


async def test_members_of_an_audience_come_and_go() -> None:
    """The handler knows the audience's id, and for each payload whether its user is in it."""
    transport = ScriptedTransport(accepted)
    personas = {"computation_class": "audience", "computation_key": "vips"}
    events = [
        {**ROW, "event": "e", "userId": f"{n}@b.c", "context": {"personas": personas}, **more}
        for n, more in enumerate([{"properties": {"vips": True}}, {"properties": {"vips": False}}])
    ]
    events.append({**ROW, "event": "e", "userId": "3@b.c"})
    subscription = sync(mapping={"email": {"@path": "$.userId"}})
    async with dc.Engine([opened(subscription, audiences=[VIPS])], transport=transport) as engine:
        settled = await engine.send_batch(events)
    assert [str(one.status) for (one,) in settled] == ["delivered", "delivered", "rejected"]
    (request,) = transport.requests
    assert request.url == "https://outreach.test/lists/77/members"
    assert [one["on"] for one in orjson.loads(request.body or b"")] == [True, False]
