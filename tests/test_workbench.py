"""The bench: what is asked of a plugin, what comes back, and what is never shown."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from destination_core.testing import Recorded, RecordingServer, Reply
from destination_core.workbench import Bench, BenchServer, Source, Target
from destination_core.workbench.asked import Fault, read
from tests import bench

SECRET = "canary-secret-of-the-client"
TOKEN = "canary-fresh-token"
NEVER = (SECRET, TOKEN)


def answer(request: Recorded) -> Reply:
    """Answer as the destination of the bench's plugin does."""
    path = request.path.partition("?")[0]
    if path == "/v1/token":
        return Reply(body={"access_token": TOKEN, "expires_in": 3600})
    if path == "/v1/contacts" and request.json()["id"] == "refused":
        return Reply(422, {"error": "no such list", "sent": request.headers["Authorization"]})
    if path == "/v1/lists" and request.method == "GET":
        return Reply(body={"lists": [{"id": "7", "name": "VIPs"}], "next": "2"})
    return Reply(body={"id": "l-1"})


@dataclass
class Curl:
    """A client of a bench that sends to ``server``; nothing it gets may hold a secret."""

    url: str
    server: RecordingServer
    session: aiohttp.ClientSession
    told: list[str] = field(default_factory=list)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """POST a body, and decode the answer."""
        return await self.request("POST", path, json=body, **options)

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Send a request, and decode the answer."""
        async with self.session.request(method, self.url + path, **options) as response:
            text = await response.text()
            assert not [one for one in NEVER if one in text], text
            return response.status, await response.json()

    @property
    def asked(self) -> list[tuple[str, str]]:
        """What the destination was asked, without the token."""
        found = [(one.method, one.path) for one in self.server.requests]
        return [one for one in found if one[1] != "/v1/token"]


@pytest_asyncio.fixture
async def curl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Curl]:
    """Serve the plugin of the bench; its secret is in the environment."""
    bench.install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    told: list[str] = []
    environment = {"EVERY_THING_CLIENT_SECRET": SECRET, "EVERY_THING_REGION": "us"}
    async with RecordingServer(answer) as server, aiohttp.ClientSession() as session:
        made = Bench(Target(server.url), environment)
        async with BenchServer(Source("every-thing"), made, tell=told.append) as serving:
            yield Curl(f"http://127.0.0.1:{serving.port}", server, session, told)
    assert not [line for line in told for one in NEVER if one in line]


EVENT = {"type": "identify", "userId": "u-1"}


async def test_an_action_shows_payload_request_response_and_outcome(curl: Curl) -> None:
    """And where it went; the token was had on the way, with requests that are shown, too."""
    status, answered = await curl.post("/upsert", {"event": EVENT})
    token, request = answered.pop("requests")
    assert (status, answered) == (200, {
        "selectedByDefaultTrigger": True,
        "payload": {"id": "u-1"},
        "warnings": [],
        "outcome": {"status": "delivered"},
        "sent": f"to {curl.server.url}, whatever the host",
    })  # fmt: skip
    assert token["request"]["url"] == "https://us.every.example/v1/token"
    assert request["request"]["url"] == "https://us.every.example/v1/contacts"
    assert request["request"]["headers"]["Authorization"] == "[redacted]"
    assert request["request"]["body"] == {"id": "u-1", "list": None}
    assert (request["response"]["status"], request["response"]["body"]) == (200, {"id": "l-1"})
    assert curl.server.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    await curl.post("/upsert", {"event": EVENT})
    assert [one.path for one in curl.server.requests].count("/v1/token") == 1


async def test_a_refusal_and_a_rejection_have_their_place(curl: Curl) -> None:
    """What the destination said, without the token that it sent back; the field that is wrong."""
    status, refused = await curl.post("/upsert", {"event": {**EVENT, "userId": "refused"}})
    error = refused["outcome"]["error"]
    assert (status, refused["outcome"]["status"], error["type"]) == (
        502,
        "refused",
        "PermanentError",
    )
    assert "no such list" in error["detail"]
    mapping = {"id": {"@path": "$.traits"}}
    status, rejected = await curl.post(
        "/upsert", {"event": {**EVENT, "traits": {"a": 1}}, "mapping": mapping}
    )
    assert (status, rejected["outcome"]["status"]) == (422, "rejected")
    assert rejected["outcome"]["error"]["problems"][0]["place"] == "/id"


async def test_settings_mapping_and_what_was_saved_come_with_a_request(curl: Curl) -> None:
    """They go before those of the environment and the default mapping."""
    await curl.post(
        "/upsert",
        {
            "event": [{"type": "track", "event": "A", "messageId": "m-1"}],
            "settings": {"region": "au"},
            "mapping": {"id": {"@path": "$.messageId"}},
            "inputs": {"name": "VIPs"},
            "saved": {"list": "l-9"},
        },
    )
    assert curl.server.requests[-1].json() == {"id": "m-1", "list": "l-9"}
    _, answered = await curl.post("/upsert", {"event": [EVENT], "settings": {"region": "au"}})
    assert answered["requests"][-1]["request"]["url"].startswith("https://au.every.example/")
    assert answered["outcomes"][0]["outcome"] == {"status": "delivered"}


async def test_what_a_field_may_be_is_asked_for(curl: Curl) -> None:
    """With the page, the search and the other fields."""
    body = {"search": "vip", "page": "1", "payload": {"id": "u-1"}}
    status, found = await curl.post("/upsert/list", body)
    assert (status, found["nextPage"]) == (200, "2")
    assert found["choices"] == [{"value": "7", "label": "VIPs"}]
    assert curl.asked == [("GET", "/v1/lists?q=vip&page=1&of=u-1")]


@pytest.mark.parametrize("path", ["/upsert/hooks/on_mapping_save", "/upsert/hooks/onMappingSave"])
async def test_a_mapping_is_saved(curl: Curl, path: str) -> None:
    """Inputs in, outputs out; wrong inputs have their place."""
    status, saved = await curl.post(path, {"inputs": {"name": "VIPs"}})
    assert (status, saved["outputs"]) == (200, {"list": "l-1"})
    assert curl.server.requests[-1].json() == {"name": "VIPs"}
    status, wrong = await curl.post(path, {"inputs": {}})
    assert (status, wrong["error"]["code"]) == (400, "INVALID_SUBSCRIPTION")
    assert "'name'" in wrong["error"]["message"]


async def test_the_hooks(curl: Curl) -> None:
    """Each under its own name and Segment's."""
    assert (await curl.post("/authenticate"))[1]["ok"] is True
    assert (await curl.post("/refreshAccessToken"))[1]["expiresAt"] > 0
    for path in ("/on_delete", "/delete"):
        _, deleted = await curl.post(path, {"event": {"type": "delete", "userId": "u-1"}})
        assert deleted["outcome"] == {"status": "delivered"}
    audience = {"name": "VIPs", "settings": {"size": 3}}
    for path in ("/create_audience", "/createAudience"):
        assert (await curl.post(path, {"audience": audience}))[1]["externalId"] == "l-1"
    found = await curl.post("/getAudience", {"audience": {"externalId": "l-1"}})
    assert found[1]["externalId"] == "l-1"
    assert curl.asked == [
        ("GET", "/v1/me"), ("DELETE", "/v1/contacts/u-1"), ("DELETE", "/v1/contacts/u-1"),
        ("POST", "/v1/lists"), ("POST", "/v1/lists"), ("GET", "/v1/lists/l-1"),
    ]  # fmt: skip
    assert curl.server.requests[-2].json() == {"name": "VIPs", "size": 3}


async def test_the_manifest_and_the_routes(curl: Curl) -> None:
    """Everything that is declared, and everything that can be asked."""
    _, declared = await curl.request("GET", "/manifest")
    assert declared["actions"][0]["slug"] == "upsert"
    assert "jsonSchemas" in declared
    _, listed = await curl.request("GET", "/")
    paths = [line.split()[1] for line in listed["routes"]]
    assert paths == [
        "/manifest", "/authenticate", "/refreshAccessToken", "/upsert", "/upsert/list",
        "/upsert/hooks/on_mapping_save", "/on_delete", "/create_audience", "/get_audience",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "place"),
    [
        ("/upsert", b"{", 400, "INVALID_JSON", "line 1, column 2"),
        ("/upsert", b"\xff", 400, "INVALID_JSON", None),
        ("/upsert", b"[]", 400, "INVALID_REQUEST", "body"),
        ("/upsert", b"{}", 400, "INVALID_REQUEST", "event"),
        ("/upsert", b'{"event": [1]}', 400, "INVALID_REQUEST", "event.0"),
        ("/upsert", b'{"evnt": {}}', 400, "INVALID_REQUEST", "evnt"),
        ("/upsert", b'{"settings": {"regoin": "x"}}', 400, "INVALID_SETTINGS", "settings"),
        ("/upsert", b'{"mapping": {"id": {"@nope": 1}}}', 400, "INVALID_MAPPING", "mapping"),
        ("/upsert", b'{"syncMode": "x"}', 400, "INVALID_SUBSCRIPTION", "body"),
        ("/upsert/id", b"{}", 400, "PLUGIN_ERROR", None),
        ("/nope", b"{}", 404, "NOT_FOUND", "path"),
        ("/upsert/hooks/nope", b"{}", 404, "NOT_FOUND", "path"),
        ("/on_delete", b"{}", 400, "INVALID_REQUEST", "event"),
        ("/getAudience", b"{}", 400, "INVALID_REQUEST", "audience"),
    ],
    ids=["json", "utf8", "list", "event", "item", "key", "settings", "mapping", "mode", "field",
         "path", "hook", "deletion", "audience"],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_said_with_its_place(
    curl: Curl, path: str, body: bytes, *, status: int, code: str, place: str | None
) -> None:
    """As JSON; nothing was sent but, perhaps, a request for the token."""
    got, answered = await curl.request("POST", path, data=body)
    error = answered["error"]
    assert (got, error["code"], error.get("place")) == (status, code, place)
    assert curl.asked == []


@pytest.mark.parametrize(
    "settings",
    [
        {"client_secret": {"nested": SECRET}},
        {"client_secret": SECRET, "region": [SECRET]},
        {"clientSecret": SECRET},
    ],
    ids=["type", "other", "unknown"],
)
async def test_settings_that_are_wrong_are_not_repeated(curl: Curl, settings: Any) -> None:
    """Whatever is wrong with them, and wherever the secret stands (the client looks for it)."""
    status, answered = await curl.post("/upsert", {"event": EVENT, "settings": settings})
    assert (status, answered["error"]["code"]) == (400, "INVALID_SETTINGS")


async def test_a_setting_that_is_missing_is_named_as_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `destinations init` writes it; a key that is unknown is met with those that are."""
    bench.install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    relay = Source("every-thing").relay()
    asked = read(b'{"event": {"type": "identify", "userId": "u"}}')
    with pytest.raises(Fault, match="or in the environment, as EVERY_THING_CLIENT_SECRET"):
        await Bench(Target(silent=True), {}).answer(relay, ["upsert"], asked)
    with pytest.raises(Fault, match="is not known; known are settings, event, mapping, syncMode"):
        read(b'{"evnt": {}}')


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:4242"}], ids=list
)
async def test_pages_in_browsers_are_not_answered(curl: Curl, headers: dict[str, str]) -> None:
    """They could send with the credentials in the environment."""
    status, answered = await curl.post("/upsert", {"event": EVENT}, headers=headers)
    assert (status, answered["error"]["code"]) == (403, "FORBIDDEN")
    assert curl.server.requests == []


async def test_only_post_changes_anything(curl: Curl) -> None:
    """A GET of an action is refused, and so is a body that is too large."""
    assert (await curl.request("GET", "/upsert"))[0] == 405
    status, answered = await curl.request(
        "POST", "/upsert", data=io.BytesIO(b" " * (8 * 1024 * 1024 + 1))
    )
    assert (status, answered["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
