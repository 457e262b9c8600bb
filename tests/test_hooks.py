"""Every hook, by the example that its page shows: called when it says, with what it says."""

import ast
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core import hookspecs
from destination_core.saving import save_mapping
from destination_core.testing import Recorded, RecordingServer, Reply, RoutedTransport
from tests import hook_examples

ROOT = Path(__file__).parents[1]
HOOKS = sorted(
    name for name, one in vars(hookspecs).items() if hasattr(one, "destination_core_spec")
)
SETTINGS = {"client_secret": "secret-of-the-tests"}
EVENT = {"type": "track", "event": "A", "messageId": "m-1", "userId": "u/1"}


def answer(request: Recorded) -> Reply:
    """Answer as the destination of the examples does."""
    bodies: dict[str, Any] = {
        "/v1/token": {"access_token": "token-1", "expires_in": 60_000},
        "/v1/me": {"scopes": ["read"]},
        "/v1/books": {"books": [{"id": "b-1", "name": "Sales"}], "next": "b-1", "id": "b-2"},
        "/v1/entries/batch": {"results": [{}, {"fault": "is there already"}]},
        "/v1/audiences": {"id": 7},
    }
    path = request.path.partition("?")[0]
    return Reply(404 if path == "/v1/audiences/8" else 200, bodies.get(path, {"id": 7}))


Work = Callable[[dc.Engine, dc.Connection[Any]], Awaitable[Any]]


async def worked(
    work: Work, saved: dc.Saved | None = None
) -> tuple[Any, list[tuple[str, str, Any]]]:
    """Do something with an engine; return its answer, and the requests but that for the token."""
    relay = dc.Registry.of(hook_examples).relay("ledger")
    chosen = dc.Subscription("Entries", "add", 'type = "track"', saved=saved)
    connection = dc.Connection("ledger", relay, settings=SETTINGS, subscriptions=[chosen])
    async with (
        RecordingServer(answer) as server,
        RoutedTransport(server.url) as transport,
        dc.Engine([connection], transport=transport) as engine,
    ):
        result = await work(engine, connection)
    found = [
        (one.method, one.path, one.json()) for one in server.requests if one.path != "/v1/token"
    ]
    return result, found


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the examples of observers have logged."""
    return [one.getMessage() for one in caplog.records if one.name == hook_examples.__name__]


def test_register_destination() -> None:
    """Called once, at start-up; the slug is the destination's."""
    assert dc.Registry.of(hook_examples).slugs == ["ledger"]


def test_validate_settings() -> None:
    """Called when a connection is opened, after the model accepted the settings."""
    relay = dc.Registry.of(hook_examples).relay("ledger")
    with pytest.raises(dc.InvalidSettings, match="needs consent"):
        dc.Connection("ledger", relay, settings={**SETTINGS, "region": "eu"})
    dc.Connection("ledger", relay, settings={**SETTINGS, "region": "eu", "consent": True})


def test_extend_request() -> None:
    """Called when a connection is opened, without a token, and again with one."""
    relay = dc.Registry.of(hook_examples).relay("ledger")
    connection = dc.Connection("ledger", relay, settings=SETTINGS)
    assert connection.options.base_url == "https://us.ledger.example/v1"
    renewed = relay.extend_request(connection.settings, dc.AccessToken("t-1"))
    assert renewed.headers == {"Authorization": "Bearer t-1"}


async def test_test_authentication() -> None:
    """Called when somebody asks about the credentials; what it raises is the answer."""
    found, requests = await worked(lambda engine, _: engine.test_authentication())
    assert "may only read" in str(found["ledger"])
    assert requests == [("GET", "/v1/me", None)]


async def test_refresh_access_token() -> None:
    """Called before the first attempt; what it returns is sent from then on."""

    async def work(engine: dc.Engine, _: dc.Connection[Any]) -> Sequence[Any]:
        return [await engine.send(EVENT), await engine.send(EVENT)]

    ((first,), (second,)), _ = await worked(work)
    assert (first.ok, second.ok) == (True, True)
    assert first.exchanges[0].request.headers["Authorization"] == "Bearer token-1"


async def test_perform() -> None:
    """Called once per attempt, in the place of the declared action."""
    (delivery,), requests = await worked(lambda engine, _: engine.send(EVENT))
    assert delivery.ok
    assert requests == [("POST", "/v1/entries/add", {"id": "u/1"})]


async def test_perform_batch() -> None:
    """Called once per batch; its outcomes are those of the payloads, in order."""
    found, requests = await worked(lambda engine, _: engine.send_batch([EVENT, EVENT]))
    assert [one.reason for (one,) in found] == ["", "is there already"]
    assert [path for _, path, _ in requests] == ["/v1/entries/batch"]


async def test_on_delete() -> None:
    """Called for events of type delete."""
    (delivery,), requests = await worked(lambda engine, _: engine.delete(EVENT))
    assert delivery.ok
    assert requests == [("DELETE", "/v1/people/u%2F1", None)]


async def test_dynamic_choices() -> None:
    """Called when somebody asks what a field may be, for one page."""

    async def work(engine: dc.Engine, connection: dc.Connection[Any]) -> dc.Choices:
        query = dc.ChoiceQuery(page="b-0", search="sal")
        ask = partial(
            connection.relay.dynamic_choices,
            action=hook_examples.add, field="book", query=query,
        )  # fmt: skip
        return await engine.ask("ledger", ask)

    found, requests = await worked(work)
    assert found == dc.Choices([dc.Choice("b-1", "Sales")], "b-1")
    assert requests == [("GET", "/v1/books?name=sal&after=b-0", None)]


async def test_on_mapping_save() -> None:
    """Called when a mapping is saved, with its inputs; what it returns is kept."""
    found, requests = await worked(
        lambda engine, one: save_mapping(engine, one, one.subscriptions[0]),
        dc.Saved({"name": "Sales"}),
    )
    assert found == {"id": "b-2"}
    assert requests == [("POST", "/v1/books", {"name": "Sales"})]


@pytest.mark.parametrize(
    ("hook", "external_id", "wanted"),
    [("create_audience", None, "7"), ("get_audience", "7", "7"), ("get_audience", "8", None)],
    ids=["made", "there", "gone"],
)
async def test_audiences(hook: str, external_id: str | None, wanted: str | None) -> None:
    """Called for an audience that is to be made, and for one that should be there."""
    audience = dc.Audience("vips", "VIPs", external_id=external_id)

    async def work(engine: dc.Engine, connection: dc.Connection[Any]) -> str | None:
        call = getattr(connection.relay, hook)
        found: str | None = await engine.ask("ledger", partial(call, audience=audience))
        return found

    assert (await worked(work))[0] == wanted


test_create_audience = test_get_audience = test_audiences


async def test_event_planned(caplog: pytest.LogCaptureFixture) -> None:
    """Called once per event and connection, before anything is sent."""
    caplog.set_level(logging.INFO)
    await worked(lambda engine, _: engine.send({**EVENT, "userId": None}))
    assert logged(caplog)[0] == "m-1 is no payload of add"


async def test_attempt_finished(caplog: pytest.LogCaptureFixture) -> None:
    """Called after each call, with all of its payloads."""
    caplog.set_level(logging.INFO)
    await worked(lambda engine, _: engine.send_batch([EVENT, EVENT]))
    assert logged(caplog)[0] == "attempt 1 with 2 payloads"


async def test_delivery_settled(caplog: pytest.LogCaptureFixture) -> None:
    """Called once for each event at each subscription, in the end."""
    caplog.set_level(logging.INFO)
    await worked(lambda engine, _: engine.send_batch([EVENT, EVENT]))
    assert logged(caplog)[1:] == ["m-1 at add: delivered", "m-1 at add: refused"]


@pytest.mark.parametrize("hook", HOOKS, ids=HOOKS)
def test_a_hook_has_an_example_on_its_page_and_a_test(hook: str) -> None:
    """A hook that is added without either fails here; the example is code that the tests run."""
    page = (ROOT / "docs/reference/hooks.md").read_text("utf-8")
    _, found, chapter = page.partition(f"\n## {hook}\n")
    assert found, f"docs/reference/hooks.md has no chapter {hook}"
    example = chapter.partition("\n## ")[0].rpartition("```python\n")[2].partition("```")[0]
    (shown,) = ast.parse(example).body
    assert isinstance(shown, ast.FunctionDef | ast.AsyncFunctionDef)
    assert example in Path(hook_examples.__file__).read_text("utf-8")
    body = [one for one in shown.body if not isinstance(one, ast.Pass)]
    assert body, f"the example of {hook} does nothing"
    assert f"test_{hook}" in globals(), f"tests/test_hooks.py has no test_{hook}"
