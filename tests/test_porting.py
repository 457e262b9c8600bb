"""The page about porting: its Python is one plugin, which does what its TypeScript says."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

import destination_core as dc
from destination_core.lint import lint
from tests.scripted import ScriptedTransport

PAGE = Path(__file__).parents[1] / "docs" / "porting.md"
BLOCK = re.compile(r"^```(ts|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)

ANN: dict[str, Any] = {
    "type": "identify",
    "userId": "u/1",
    "traits": {"email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"},
}


@pytest.fixture(scope="module", name="relay")
def _relay() -> dc.Relay[Any]:
    """Load the page as the module that it is."""
    module = ModuleType("mailer")
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    source = "\n\n".join(code for kind, code in blocks if kind == "python")
    exec(compile(source, str(PAGE), "exec"), module.__dict__)
    return dc.Registry.of(module).relay("mailer")


def opened(relay: dc.Relay[Any], **more: Any) -> dc.Connection[Any]:
    settings = {"apiKey": "k-s3cret", "region": "eu"}
    saved = dc.Saved({"name": "Mine"}, {"listId": "4 2"})
    subscription = dc.Subscription(
        "Contacts", "syncContact", 'type = "identify"', saved=saved, **more
    )
    return dc.Connection("m", relay, settings=settings, subscriptions=[subscription])


def test_each_construct_has_both_sides() -> None:
    """TypeScript comes first, its port after it; only OAuth 2 is shown elsewhere."""
    kinds = [kind for kind, _ in BLOCK.findall(PAGE.read_text("utf-8"))]
    assert kinds == ["ts", "python"] * 6 + ["ts"]


def test_the_port_has_no_fault(relay: dc.Relay[Any]) -> None:
    """Neither errors nor warnings: it is what an author should write."""
    assert [str(one) for one in lint(relay.destination)] == []


def test_the_default_mapping_is_the_json_of_the_typescript(relay: dc.Relay[Any]) -> None:
    """What a workspace has stored stays valid: the same keys, the same directives."""
    email = {
        "@if": {
            "exists": {"@path": "$.traits.email"},
            "then": {"@path": "$.traits.email"},
            "else": {"@path": "$.properties.email"},
        }
    }
    schema = relay.destination.actions[0].schema
    assert schema.default_mapping == {
        "email": email,
        "name": {"@template": "{{traits.first_name}} {{traits.last_name}}"},
        "attributes": {"@path": "$.traits"},
        "channel": "email",
        "phone": {"@path": "$.traits.phone"},
        "batch_size": 100,
    }
    source = re.sub(r"\s+", "", PAGE.read_text("utf-8"))
    assert "{'@if':{exists:{'@path':'$.traits.email'},then:{'@path':'$.traits.email'}" in source
    fields = schema.fields
    assert fields["email"]["required"] is True
    assert fields["batch_size"]["unsafe_hidden"] is True
    assert [one["value"] for one in fields["channel"]["choices"]] == ["email", "sms"]
    assert set(fields) == set(
        re.findall(r"^    (\w+): \{ label", PAGE.read_text("utf-8"), re.MULTILINE)
    ) - {"apiKey"}


async def test_perform_sends_what_the_typescript_sends(relay: dc.Relay[Any]) -> None:
    """Method, URL, header and body; the id of the list is one segment of the path."""
    transport = ScriptedTransport()
    async with dc.Engine([opened(relay)], transport=transport) as engine:
        (delivery,) = await engine.send(ANN)
    assert delivery.ok, delivery.reason
    (request,) = transport.requests
    assert (request.method, request.url) == (
        "PUT",
        "https://eu.mailer.test/lists/4%202/contacts",
    )
    assert request.headers["Authorization"] == "Bearer k-s3cret"
    assert orjson.loads(request.body or b"") == {
        "email": "ann@example.com",
        "name": "Ann Lee",
        "on": True,
    }


async def test_perform_batch_settles_each_contact(relay: dc.Relay[Any]) -> None:
    """By its status; one that left the audience is taken off."""
    results = [{"status": 200}, {"status": 400, "message": "no such domain"}]
    answer = dc.Response(200, {}, orjson.dumps({"results": results}))
    transport = ScriptedTransport(answer)
    left = {
        **ANN,
        "traits": {**ANN["traits"], "vips": False},
        "context": {"personas": {"computation_class": "audience", "computation_key": "vips"}},
    }
    async with dc.Engine([opened(relay)], transport=transport) as engine:
        ((first,), (second,)) = await engine.send_batch([ANN, left])
    assert (first.ok, second.reason) == (True, "no such domain")
    assert second.error is not None
    assert second.error.code == "BAD_REQUEST"
    assert [one["on"] for one in orjson.loads(transport.requests[0].body or b"")] == [True, False]


async def test_choices_saving_and_deletion(relay: dc.Relay[Any]) -> None:
    """Each asks what its TypeScript asks."""
    said = {"lists": [{"id": "1", "name": "One"}], "next": "2", "id": "9"}
    transport = ScriptedTransport(dc.Response(200, {}, orjson.dumps(said)))
    action = relay.destination.actions[0]
    assert action.saving is not None
    given = action.saving.input.validate({"name": "Mine"})
    async with dc.Engine([opened(relay)], transport=transport) as engine:
        query = dc.ChoiceQuery(page="7")
        page = await engine.ask(
            "m", lambda ctx: relay.dynamic_choices(ctx, action, "list_id", query)
        )
        kept = await engine.ask("m", lambda ctx: relay.on_mapping_save(ctx, action, given))
        (deleted,) = await engine.delete({"type": "delete", "userId": "u/1"})
    assert (page.choices, page.next_page) == ([dc.Choice("1", "One")], "2")
    assert kept.to_json() == {"listId": "9"}
    assert deleted.ok
    assert [(one.method, one.url) for one in transport.requests] == [
        ("GET", "https://eu.mailer.test/lists?page=7"),
        ("POST", "https://eu.mailer.test/lists"),
        ("DELETE", "https://eu.mailer.test/contacts/u%2F1"),
    ]
