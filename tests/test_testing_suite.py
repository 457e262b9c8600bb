"""The kit's suite: it passes a sound plugin, and finds what is wrong with others."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

import destination_core as dc
from destination_core.testing import (
    Clock,
    DestinationSuite,
    RecordingServer,
    Reply,
    RoutedTransport,
    standard_event,
    standard_events,
)
from tests import acme


class TestAcme(DestinationSuite):
    """Four lines run every standard check."""

    plugin = acme
    settings: ClassVar = {"api_key": "key-of-the-suite"}


class Payload(dc.Payload):
    """A payload with a mapping for its one field."""

    id: Annotated[str, dc.path("$.userId"), Field(title="ID")]


class Unmapped(dc.Payload):
    """A payload whose required field has no mapping."""

    id: Annotated[str, Field(title="ID")]


Handler = Callable[..., Any]


def suite(
    handler: Handler,
    payload: type[dc.Payload] = Payload,
    *,
    batch: Handler | None = None,
    **options: Any,
) -> DestinationSuite:
    """Make the suite of a plugin with one action."""
    trigger = options.pop("subscribe", 'type = "identify"')
    made = dc.Action(
        "act", handler, payload=payload, subscribe=trigger, title="Act",
        description=options.pop("description", "Does something."),
        sync_modes=options.pop("sync_modes", None),
    )  # fmt: skip
    if batch is not None:
        made.batch(size=10)(batch)
    destination = dc.Destination(
        "odd", title="Odd", settings=acme.Settings, actions=[made], **options
    )
    plugin = ModuleType("odd")
    plugin.register_destination = dc.hookimpl(lambda: destination)  # type: ignore[attr-defined]
    plugin.extend_request = acme.extend_request  # type: ignore[attr-defined]
    return type("Suite", (DestinationSuite,), {"plugin": plugin, "settings": {"api_key": "k"}})()


async def sound(ctx: dc.Context[Any], payload: Payload) -> None:
    """Send the payload."""
    await ctx.http.post("/things", json={"id": payload.id})


async def silent(_: dc.Context[Any], __: Payload) -> None:
    """Send nothing."""


async def careless(ctx: dc.Context[Any], payload: Payload) -> None:
    """Take every answer for a success."""
    await ctx.http.post("/things", json={"id": payload.id}, raise_for_status=False)


async def clumsy(ctx: dc.Context[Any], payload: Payload) -> None:
    """Make its own error out of every other."""
    try:
        await ctx.http.post("/things", json={"id": payload.id})
    except dc.DeliveryError as error:
        raise dc.PermanentError("something went wrong") from error


class Nested(dc.Payload):
    """A payload with the event's own traits in it."""

    traits: Annotated[dict[str, Any], dc.path("$.traits"), Field(title="Traits")]


async def changing(ctx: dc.Context[Any], payload: Nested) -> None:
    """Change what belongs to the event."""
    payload.traits["address"]["city"] = "Paris"
    await ctx.http.post("/things", json=payload.traits)


class Listed(dc.Payload):
    """A payload with something of its own to change."""

    ids: Annotated[list[Any], dc.literal(["a"]), Field(title="IDs")]


async def adding(ctx: dc.Context[Any], payload: Listed) -> None:
    """Change what belongs to the payload."""
    payload.ids.append("x")
    await ctx.http.post("/things", json=payload.ids)


class Grouped(dc.Payload):
    """A payload that only some events make."""

    id: Annotated[str, dc.path("$.groupId"), Field(title="ID")]


async def group_only(ctx: dc.Context[Any], payload: Grouped) -> None:
    """Send the group."""
    await ctx.http.post("/groups", json={"id": payload.id})


async def synced(ctx: dc.Context[Any], payload: Payload) -> None:
    """Tell the sync mode."""
    await ctx.http.post("/things", json={"mode": ctx.sync_mode})


async def patient(ctx: dc.Context[Any], payload: Payload) -> None:
    """Wait longer than the suite does."""
    await ctx.http.post("/things", json={"id": payload.id}, timeout=3)


@pytest.mark.parametrize(
    ("check", "more"),
    [
        ("test_perform_sends_a_request", ()),
        ("test_an_answer_has_its_class", ("429",)),
        ("test_no_payload_is_changed", ()),
        ("test_cancelling_leaves_no_connection", ()),
    ],
)
def test_a_sound_plugin_passes(check: str, more: tuple[str, ...]) -> None:
    """The checks that find faults in the plugins below say nothing about this one."""
    said = ""
    try:
        getattr(suite(sound), check)("act", *more)
    except AssertionError as error:
        said = str(error)
    assert said == ""


@pytest.mark.parametrize(
    ("made", "check", "said"),
    [
        (lambda: suite(silent), "test_perform_sends_a_request", "sent nothing"),
        (lambda: suite(sound, description=""), "test_titles_and_descriptions", "no description"),
        (
            lambda: suite(sound, Unmapped),
            "test_required_fields_have_a_default_mapping",
            "required field act.id has no default mapping",
        ),
        (
            lambda: suite(sound, Unmapped),
            "test_an_event_that_matches_makes_a_payload",
            "makes no valid payload of 'act': .* missing the required field 'id'",
        ),
        (lambda: suite(changing, Nested), "test_no_payload_is_changed", "changed the event"),
        (lambda: suite(adding, Listed), "test_no_payload_is_changed", "changed its payload.*'x'"),
        (
            lambda: suite(sound, presets=[dc.Preset("P", "act", 'type = "track"', {"no": 1})]),
            "test_the_fields_of_an_action_are_sound",
            "preset 'P' maps 'no', which is no field",
        ),
    ],
    ids=["silent", "words", "unmapped", "invalid", "event", "payload", "preset"],
)
def test_a_fault_is_found(made: Callable[[], DestinationSuite], check: str, said: str) -> None:
    """Each by the check that is for it, with a sentence that says what is wrong."""
    with pytest.raises(AssertionError, match=said):
        getattr(made(), check)("act")


async def swallowing(ctx: dc.Context[Any], payload: Payload) -> None:
    """Take a cancellation for an answer."""
    with contextlib.suppress(asyncio.CancelledError):
        await sound(ctx, payload)


async def batch_swallowing(ctx: dc.Context[Any], payloads: Sequence[Payload]) -> None:
    """Take a cancellation of a batch for an answer."""
    with contextlib.suppress(asyncio.CancelledError):
        await batch_of_all(ctx, payloads)


@pytest.mark.parametrize(
    ("handler", "batch"), [(swallowing, None), (sound, batch_swallowing)], ids=["single", "batch"]
)
def test_a_cancellation_that_is_swallowed_is_found(handler: Handler, batch: Handler | None) -> None:
    """What its deadline ended would count as delivered, or hold up a stop."""
    with pytest.raises(AssertionError, match="'act' swallowed its cancellation"):
        suite(handler, batch=batch).test_cancelling_leaves_no_connection("act")


@pytest.mark.parametrize("answer", ["400", "401", "429", "500"])
def test_a_refusal_that_counts_as_success_is_found(answer: str) -> None:
    """The worst that a plugin can do."""
    with pytest.raises(AssertionError, match=answer):
        suite(careless).test_an_answer_has_its_class("act", answer)


@pytest.mark.parametrize("answer", ["401", "429", "503", "timeout", "reset"])
def test_an_error_of_the_wrong_class_is_found(answer: str) -> None:
    """It would be dead where it should be tried again."""
    with pytest.raises(AssertionError, match="PermanentError"):
        suite(clumsy).test_an_answer_has_its_class("act", answer)


def test_an_event_type_that_makes_no_payload_is_found() -> None:
    """Also where another type that the trigger selects does; a sample stands for its type."""
    both = 'type = "identify" or type = "group"'
    made = suite(group_only, Grouped, subscribe=both)
    with pytest.raises(AssertionError, match=r"a identify event .* no valid payload of 'act'"):
        made.test_an_event_that_matches_makes_a_payload("act")
    type(made).samples = {"act": standard_event("identify", groupId="g-1")}
    made.test_an_event_that_matches_makes_a_payload("act")
    type(made).samples = {"act": standard_event("track", groupId="g-1")}
    with pytest.raises(AssertionError, match="is not selected by its trigger"):
        made.test_an_event_that_matches_makes_a_payload("act")


def test_a_trigger_that_no_standard_event_meets_is_found() -> None:
    """It asks for a sample."""
    made = suite(sound, subscribe='type = "identify" and traits.plan = "none"')
    with pytest.raises(AssertionError, match="selects no standard event; give one"):
        made.test_an_event_that_matches_makes_a_payload("act")


async def batch_of_all(ctx: dc.Context[Any], payloads: Sequence[Payload]) -> None:
    """Send a batch, and take no notice of what the answer says of each."""
    await ctx.http.post("/things", json=[one.id for one in payloads])


async def batch_of_each(ctx: dc.Context[Any], payloads: Sequence[Payload]) -> list[dc.Outcome]:
    """Send a batch, and read what the answer says of each."""
    response = await ctx.http.post("/things", json=[one.id for one in payloads])
    return [
        dc.Outcome(dc.PermanentError("refused") if number in response.json() else None)
        for number, _ in enumerate(payloads)
    ]


@pytest.mark.parametrize(
    ("handler", "said"),
    [(batch_of_each, None), (batch_of_all, r"\(1, 3\) were refused, \(\) count")],
    ids=["reads", "ignores"],
)
def test_a_partial_answer_that_is_not_read_is_found(handler: Handler, said: str | None) -> None:
    """Payloads that the destination refused would count as delivered."""
    made = suite(sound, batch=handler)
    type(made).partial = lambda request, refused: Reply(body=list(refused))
    if said is None:
        made.test_a_partial_answer_settles_each_payload("act")
        return
    with pytest.raises(AssertionError, match=said):
        made.test_a_partial_answer_settles_each_payload("act")


def test_an_endpoint_without_partial_answers_is_passed_over() -> None:
    """One suite is for all actions; not all endpoints refuse single payloads."""
    made = suite(sound, batch=batch_of_all)
    type(made).partial = lambda request, refused: None
    with pytest.raises(pytest.skip.Exception, match="has no partial answer, as the suite says"):
        made.test_a_partial_answer_settles_each_payload("act")


def test_an_action_that_no_standard_event_is_for_says_why() -> None:
    """What is missing, and both ways to give it."""
    made = suite(sound, Unmapped)
    with pytest.raises(AssertionError) as caught:
        made.sample("act")
    for said in ("(identify: The root value is missing the required field 'id'.)", "samples = ",
                 "mappings = "):  # fmt: skip
        assert said in str(caught.value)


def test_an_action_that_needs_a_sync_mode_is_given_one() -> None:
    """Its first one, unless the suite says which; the handler sees it."""
    modes = dc.SyncModes(choices=("update", "upsert"))
    made = suite(synced, sync_modes=modes)
    for chosen, wanted in (({}, "update"), ({"act": {"sync_mode": "upsert"}}, "upsert")):
        type(made).subscriptions = chosen
        _, server = made.delivered("act", [made.sample("act")])
        assert server.requests[0].json() == {"mode": wanted}


def test_a_time_out_of_the_plugin_s_own_does_not_hold_up_the_suite() -> None:
    """A handler that waits for longer is given up like any other."""
    made = suite(patient)
    never = Reply(delay=600)
    (delivery,), _ = made.delivered("act", [made.sample("act")], never, patience=0.2)
    assert delivery.reason.endswith("no answer within 0.2 s")
    made.test_an_answer_has_its_class("act", "timeout")


def test_there_is_an_event_of_every_type() -> None:
    """Each call gives its own, and members can be replaced or taken out."""
    assert {one["type"] for one in standard_events()} == {
        "track", "identify", "page", "screen", "group", "alias",
    }  # fmt: skip
    one = standard_event("track", event="X", userId=None)
    one["properties"]["total"] = 0
    assert (one["event"], "userId" in one) == ("X", False)
    assert standard_event("track")["properties"]["total"] == 59.9


async def test_the_recording_server_answers_by_script() -> None:
    """In order, the last one again; a function of the request; a cut connection."""
    replies = [Reply(503), lambda asked: Reply(body={"path": asked.path}), Reply(reset=True)]
    async with RecordingServer(*replies) as server, RoutedTransport(server.url) as transport:

        async def post(path: str) -> dc.Response:
            return await transport.send(dc.Request("POST", f"https://far.example{path}", {}))

        assert (await post("/a")).status == 503
        assert (await post("/b?c=d")).json() == {"path": "/b?c=d"}
        with pytest.raises(dc.RetryableError):
            await post("/e")
        assert [one.path for one in server.requests] == ["/a", "/b?c=d", "/e"]
        await asyncio.sleep(0.01)
        assert server.open_connections <= 1


def test_the_fake_clock(fake_clock: Clock) -> None:
    """It stands still until it is told otherwise."""
    before = fake_clock()
    fake_clock.advance(60)
    assert fake_clock() == before + 60


def test_the_pytest_plugin_costs_nothing_until_it_is_used() -> None:
    """Every pytest run of an environment loads it."""
    program = (
        "import sys, destination_core.testing.plugin;"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in"
        " ('aiohttp', 'aioresponses', 'destination_core', 'orjson', 'pydantic')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    names = ["destination_core", "destination_core.testing", "destination_core.testing.plugin"]
    assert done.stdout == f"{names}\n"


def test_what_a_customer_fills_in_is_mapped() -> None:
    """An action that needs a choice is checked with the one that the plugin names."""
    checks = suite(sound, Unmapped)
    with pytest.raises(AssertionError, match="no standard event"):
        checks.sample("act")
    type(checks).mappings = {"act": {"id": "chosen-1"}}
    checks.test_perform_sends_a_request("act")
    _, server = checks.delivered("act", [checks.sample("act")])
    assert server.requests[0].json() == {"id": "chosen-1"}
