"""What a receiver gets, over real sockets."""

import json
from typing import Any

import pytest

import destination_core as dc
import destination_webhook
from destination_core.testing import RecordingServer, Reply
from destination_webhook.blame import blamed
from plugins.webhook.tests.receiving import deliver, event, webhook


async def test_an_event_is_posted_as_json() -> None:
    """Without a mapping of one's own the whole event goes out."""
    async with RecordingServer() as server:
        (delivery,) = await deliver(server, event())
    (request,) = server.requests
    assert delivery.ok
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-id"] == "m1"
    assert request.json() == event()


async def test_url_method_and_headers_come_from_the_mapping() -> None:
    """Each is a field that a mapping fills for every event."""
    async with RecordingServer() as server:
        (delivery,) = await deliver(
            server,
            event(),
            url={"@template": f"{server.url}/users/{{{{userId}}}}"},
            method="PUT",
            headers={"X-User": {"@path": "$.userId"}, "X-Number": 7, "X-Flag": True},
            data={"id": {"@path": "$.userId"}},
        )
    (request,) = server.requests
    assert delivery.ok
    assert (request.method, request.path) == ("PUT", "/users/u1")
    sent = [request.headers[f"x-{name}"] for name in ("user", "number", "flag")]
    assert sent == ["u1", "7", "true"]
    assert request.json() == {"id": "u1"}


async def test_a_templated_text_takes_the_place_of_the_data() -> None:
    """Any receiver can be spoken to: the text goes out as it is, with its own content type."""
    body = {"@template": "<order user='{{userId}}'/>"}
    async with RecordingServer() as server:
        await deliver(server, event(), body=body, content_type="application/xml")
    (request,) = server.requests
    assert request.body == b"<order user='u1'/>"
    assert request.headers["Content-Type"] == "application/xml"


async def test_get_has_no_body() -> None:
    """A GET asks; what it is about stands in its URL."""
    async with RecordingServer() as server:
        (delivery,) = await deliver(server, event(), method="GET")
    assert (delivery.ok, server.requests[0].body) == (True, b"")


@pytest.mark.parametrize("batch_format", ["array", "ndjson"])
async def test_a_batch_is_an_array_or_lines(batch_format: str) -> None:
    """Many events share a request, in order, in the format that the mapping names."""
    events = [event(number, note="é\u2028") for number in range(5)]
    async with RecordingServer() as server:
        settled = await deliver(server, *events, enable_batching=True, batch_format=batch_format)
    (request,) = server.requests
    assert all(one.ok for one in settled)
    lines = request.body.decode().removesuffix("\n").split("\n")
    sent = request.json() if batch_format == "array" else [json.loads(line) for line in lines]
    assert sent == events
    kind = {"array": "application/json", "ndjson": "application/x-ndjson"}[batch_format]
    assert request.headers["Content-Type"] == kind


async def test_batches_are_cut_where_requests_differ() -> None:
    """Events for another URL or with other headers never share a request, nor more than asked."""
    url = {"@template": "{{properties.url}}"}
    async with RecordingServer() as server:
        events = [
            event(number, properties={"url": f"{server.url}/{number % 2}"}) for number in range(6)
        ]
        await deliver(server, *events, url=url, enable_batching=True, batch_size=2)
    users = {(one.path, *(item["userId"] for item in one.json())) for one in server.requests}
    assert users == {("/0", "u0", "u2"), ("/0", "u4"), ("/1", "u1", "u3"), ("/1", "u5")}


async def test_a_batch_stays_below_a_megabyte() -> None:
    """Bodies are counted in bytes, exactly as they are sent."""
    events = [event(number, note="é" * 150_000) for number in range(4)]
    async with RecordingServer() as server:
        settled = await deliver(server, *events, enable_batching=True)
    assert all(one.ok for one in settled)
    assert sorted(len(one.json()) for one in server.requests) == [1, 3]
    assert max(len(one.body) for one in server.requests) <= 1_000_000


async def test_texts_do_not_share_a_request() -> None:
    """A batch is made of objects; what is a text goes out alone."""
    async with RecordingServer() as server:
        await deliver(server, event(1), event(2), enable_batching=True, body="hello")
    assert [one.body for one in server.requests] == [b"hello", b"hello"]


async def test_a_receiver_may_settle_each_event_by_itself() -> None:
    """207 with a status per event, in order: each has the policy of its status."""
    async with RecordingServer(Reply(207, body=[200, 400, 503])) as server:
        settled = await deliver(server, event(1), event(2), event(3), enable_batching=True)
    assert [str(one.status) for one in settled] == ["delivered", "refused", "retryable"]


@pytest.mark.parametrize("body", [{}, [200], [200, 200, 200], b"<ok/>", ["200", None]], ids=repr)
async def test_a_207_that_says_something_else_counts_for_nothing(body: Any) -> None:
    """An answer that cannot be read is never a success: the events are tried again."""
    async with RecordingServer(Reply(207, body=body)) as server:
        settled = await deliver(server, event(1), event(2), enable_batching=True)
    assert {str(one.status) for one in settled} == {"retryable"}


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Webhook-Id"])
async def test_headers_of_the_connection_cannot_be_mapped(name: str) -> None:
    """Data could otherwise end a request early, and begin another, or name another message."""
    async with RecordingServer() as server:
        (delivery,) = await deliver(server, event(), headers={name: "1"})
    assert (str(delivery.status), server.requests) == ("rejected", [])
    assert name in delivery.reason


async def test_secret_headers_go_to_their_host_only() -> None:
    """A mapping that names another host does not get the credentials of the first one."""
    settings = {"headers": {"Authorization": "Bearer s3cret-token"}}
    async with RecordingServer() as own, RecordingServer() as other:
        await deliver(own, event(), settings=settings)
        await deliver(own, event(), settings=settings, url=f"{own.url}/elsewhere")
        await deliver(own, event(), settings=settings, url=f"{other.url}/hook")
    assert [one.headers["Authorization"] for one in own.requests] == ["Bearer s3cret-token"] * 2
    assert "Authorization" not in other.requests[0].headers


async def test_secrets_are_shown_nowhere() -> None:
    """Neither a representation nor the recorded request nor an error holds one."""
    settings = {"headers": {"X-Api-Key": "s3cret-token"}, "signing_secret": "s3cret" * 5}
    async with RecordingServer(Reply(400, body={"you sent": "s3cret-token"})) as server:
        (delivery,) = await deliver(server, event(), settings=settings)
        connection = webhook(server.url, settings=settings)
    shown = repr((connection.settings, delivery.requests(), delivery.reason, delivery.error))
    assert delivery.error is not None
    assert "s3cret" not in shown + str(delivery.error.detail)


INSIDE = [
    "http://127.0.0.1:1/",
    "http://localhost:1/",
    "http://[::1]:1/",
    "http://169.254.169.254/",
]


@pytest.mark.parametrize("url", INSIDE)
async def test_the_inside_of_the_network_is_not_reached(url: str) -> None:
    """Without the operator's leave only public addresses are connected to; the events wait."""
    async with dc.Engine([webhook(url, allowed=())]) as engine:
        (delivery,) = await engine.send(event())
    assert str(delivery.status) == "setup_error"
    assert "not public" in delivery.reason


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.0.0.1/x", "POST 10.0.0.1/x: its address is not public"),
        ("http://[::1]:1/", "its address is not public"),
        ("hooks.example.com/x", "is not a URL to send to"),
        ("https://u:p@{host}/", "would carry credentials in its URL"),
    ],
)
@pytest.mark.parametrize("batching", [False, True])
async def test_a_wrong_url_of_a_mapping_ends_its_event_alone(
    url: str, said: str, batching: bool
) -> None:
    """Whoever may send events could otherwise pause the destination for everybody."""
    async with RecordingServer() as server:
        connection = webhook(
            f"{server.url}/hook",
            url={"@path": "$.properties.url"},
            enable_batching=batching,
        )
        given = url.format(host=server.url.removeprefix("http://"))
        events = [event(1, properties={"url": given}), event(2)]
        async with dc.Engine([connection]) as engine:
            (first,), (second,) = await engine.send_batch(events)
    assert (str(first.status), str(second.status)) == ("rejected", "delivered")
    assert said in first.reason
    assert "operator" not in first.reason


@pytest.mark.parametrize("status", [401, 403, 410, 307])
async def test_what_a_mappings_url_answers_ends_its_event_alone(status: int) -> None:
    """A host of the settings that refuses credentials pauses; a stranger's host does not."""
    reply = Reply(status, headers={"Location": "/elsewhere"})
    async with RecordingServer(reply) as own, RecordingServer(reply) as other:
        (settings,) = await deliver(own, event())
        (path,) = await deliver(own, event(), url=f"{own.url}/elsewhere")
        (stranger,) = await deliver(own, event(), url=f"{other.url}/hook")
    credentials = status in (401, 403)
    assert str(settings.status) == "setup_error"
    assert str(path.status) == ("setup_error" if credentials else "refused")
    assert str(stranger.status) == "refused"
    assert "settings" not in stranger.reason


async def test_what_a_mappings_url_settles_ends_its_event_alone() -> None:
    """Also where it settles each event of a batch by itself."""
    reply = Reply(207, body=[401, 200])
    async with RecordingServer(reply) as own, RecordingServer(reply) as other:
        ours = await deliver(own, event(1), event(2), enable_batching=True)
        url = f"{other.url}/hook"
        theirs = await deliver(own, event(1), event(2), enable_batching=True, url=url)
    assert [str(one.status) for one in ours] == ["setup_error", "delivered"]
    assert [str(one.status) for one in theirs] == ["refused", "delivered"]


async def test_only_the_host_of_the_settings_is_waited_for_as_long_as_it_asks() -> None:
    """All events of a destination wait for that; one for another host is tried again later."""
    reply = Reply(429, headers={"Retry-After": "86400"})
    async with RecordingServer(reply) as own, RecordingServer(reply) as other:
        (path,) = await deliver(own, event(), url=f"{own.url}/elsewhere")
        (stranger,) = await deliver(own, event(), url=f"{other.url}/hook")
    assert isinstance(path.error, dc.RetryableError)
    assert isinstance(stranger.error, dc.RetryableError)
    assert (path.error.retry_after, stranger.error.retry_after) == (86_400, None)
    assert (stranger.error.status, stranger.error.code) == (429, "TOO_MANY_REQUESTS")


def test_what_has_not_begun_stays_as_it_was() -> None:
    """A runner that stops, or leaves the destination alone, has asked nobody anything."""
    paused = dc.RetryableError("deliveries stop", code="PAUSED", retry_after=0.0)
    assert blamed(paused, "https://other.test/hook", "https://own.test/hook") is paused


async def test_a_redirect_is_not_followed() -> None:
    """It would lead signed data, and the request, wherever the receiver likes."""
    async with RecordingServer() as inner:
        reply = Reply(307, headers={"Location": f"{inner.url}/hook"})
        async with RecordingServer(reply) as server:
            (delivery,) = await deliver(server, event())
    assert (str(delivery.status), inner.requests) == ("setup_error", [])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://example.com"}, "must begin with https"),
        ({"signing_secret": "short"}, "signing_secret cannot sign: it has 5 bytes"),
        ({"signing_secret": "whsec_?"}, "not Base64"),
        ({"previous_signing_secret": "short"}, "previous_signing_secret cannot sign"),
        ({"timeout": 0}, "timeout"),
    ],
    ids=["scheme", "short", "no-base64", "previous", "timeout"],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    """When the connection is opened, with the reason and without the secret."""
    relay = dc.Registry.of(destination_webhook).relay("webhook")
    with pytest.raises(dc.InvalidSettings, match=said):
        dc.Connection("hook", relay, settings={"url": "https://example.com/", **settings})


@pytest.mark.parametrize("data", [{"a": float("nan")}, {"a": "\ud800"}], ids=["nan", "surrogate"])
async def test_what_is_no_json_is_rejected(data: dict[str, Any]) -> None:
    """Nothing is sent that a receiver could not read."""
    async with RecordingServer() as server:
        (delivery,) = await deliver(server, event(), data=data)
    assert (str(delivery.status), server.requests) == ("rejected", [])
