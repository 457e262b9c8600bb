"""The client that actions send with, over a scripted transport."""

from typing import Any

import orjson
import pytest

from destination_core import errors
from destination_core.http import Client, Exchange, RequestOptions, Response, Session, segment
from tests.scripted import Answer, ScriptedTransport

BASE = "https://api.acme.test/v1"


class Sent:
    """A client of one connection, with what it sent."""

    def __init__(self, *answers: Answer, secrets: tuple[str, ...] = (), **options: Any) -> None:
        options.setdefault("base_url", BASE)
        self.transport = ScriptedTransport(*answers)
        self.exchanges: list[Exchange] = []
        session = Session(self.transport, RequestOptions(**options), secrets)
        self.client = Client(session, self.exchanges)

    @property
    def last(self):
        return self.transport.requests[-1]


async def test_each_method_sends_its_own_verb():
    """The five conveniences are the verbs of their names."""
    sent = Sent()
    for name in ("get", "post", "put", "patch", "delete"):
        await getattr(sent.client, name)("/x")
    assert [one.method for one in sent.transport.requests] == [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
    ]


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        (BASE, "/people", f"{BASE}/people"),
        (BASE + "/", "/people", f"{BASE}/people"),
        (BASE, "people?x=1", f"{BASE}/people?x=1"),
        (BASE, "//elsewhere.test/x", f"{BASE}//elsewhere.test/x"),
        (BASE, "https://other.test/x", "https://other.test/x"),
        (BASE, "/a/../../b", "https://api.acme.test/b"),
        (BASE, "/a b/ü", f"{BASE}/a%20b/%C3%BC"),
        (BASE, "/a%2Fb", f"{BASE}/a%2Fb"),
        ("", "https://exämple.com", "https://xn--exmple-cua.com/"),
        ("", "HTTPS://Other.TEST:443?q=1", "https://other.test/?q=1"),
    ],
)
async def test_urls_are_absolute_and_encoded(base: str, url: str, expected: str):
    """A path is appended to the base; hosts, blanks and dots are brought into one form."""
    sent = Sent(base_url=base)
    for _ in range(2):  # the second time it is known
        await sent.client.get(url)
        assert sent.last.url == expected


@pytest.mark.parametrize("url", ["/people", "", "ftp://x.test/", "mailto:a@x.test", "http://[/"])
async def test_a_url_without_host_is_a_setup_error(url: str):
    """Nothing can be sent without scheme and host; the message says what to begin with."""
    with pytest.raises(errors.SetupError, match="URL"):
        await Sent(base_url="").client.get(url)


async def test_credentials_in_a_url_are_refused_and_not_shown():
    """User information would end up in logs; `auth` is the place for it."""
    with pytest.raises(errors.SetupError) as caught:
        await Sent().client.get("https://user:hunter22@x.test/y")
    assert "hunter22" not in str(caught.value)


async def test_headers_of_a_request_replace_those_of_the_connection_in_any_case():
    """Header names have no case, and None takes a header away."""
    sent = Sent(headers={"X-One": "a", "X-Two": "b"})
    await sent.client.get("/x", headers={"x-one": "c", "X-TWO": None})
    assert sent.last.headers == {"User-Agent": sent.last.headers["User-Agent"], "x-one": "c"}


async def test_the_user_agent_is_ours_unless_the_plugin_has_one():
    """The default names the distribution; a given one is kept."""
    sent, named = Sent(), Sent(headers={"user-agent": "acme/1"})
    await sent.client.get("/x")
    await named.client.get("/x")
    assert sent.last.headers["User-Agent"].startswith("destination-core/")
    assert named.last.headers == {"user-agent": "acme/1"}


async def test_basic_credentials_are_utf8_and_replace_authorization():
    """The header is made here, and the pair of a request wins."""
    sent = Sent(headers={"authorization": "Bearer x"})
    await sent.client.get("/x", auth=("ünï", "🎉"))
    assert sent.last.headers["Authorization"] == "Basic w7xuw6868J+OiQ=="
    assert "authorization" not in sent.last.headers


async def test_json_is_encoded_and_named():
    """A JSON body has its content type, unless the author gave another; null is a body."""
    sent = Sent()
    await sent.client.post("/x", json={"ü": [1, None, 1e21]})
    assert sent.last.headers["Content-Type"] == "application/json"
    assert orjson.loads(sent.last.body) == {"ü": [1, None, 1e21]}
    await sent.client.post("/x", json=None, headers={"content-type": "application/vnd.api+json"})
    assert sent.last.body == b"null"
    assert sent.last.headers["content-type"] == "application/vnd.api+json"


@pytest.mark.parametrize(
    "value", [float("nan"), {"a": [float("inf")]}, {"a": {"b": (1.0, float("-inf"))}}]
)
async def test_numbers_that_json_does_not_have_are_refused(value: Any):
    """NaN would arrive as null; nothing is sent instead."""
    sent = Sent()
    with pytest.raises(errors.InvalidPayload, match="NaN"):
        await sent.client.post("/x", json=value)
    assert sent.transport.requests == []


@pytest.mark.parametrize("value", [object(), {1: 2}, "\ud800", 1 << 70])
async def test_what_json_cannot_hold_is_refused(value: Any):
    """The message names the request, not the query."""
    with pytest.raises(errors.InvalidPayload, match="POST /x: body cannot be written") as caught:
        await Sent().client.post("/x?api_key=hunter22", json=value)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "get", "HEAD"])
async def test_a_body_with_get_is_refused(method: str):
    """A GET has no body; nothing is sent."""
    sent = Sent()
    with pytest.raises(errors.PermanentError, match="cannot have a body"):
        await sent.client.request(method, "/x", data=b"{}")
    assert sent.transport.requests == []


async def test_parameters_replace_the_query():
    """Lists repeat, None is left out, booleans are lower case, a fragment stays."""
    sent = Sent()
    params = {"a b": "c&d~*", "list": [1, 2], "no": None, "yes": True}
    await sent.client.get("/x?old=1#f", params=params)
    assert sent.last.url == f"{BASE}/x?a+b=c%26d%7E*&list=1&list=2&yes=true#f"
    await sent.client.get("/x?old=1", params={})
    assert sent.last.url == f"{BASE}/x"


async def test_header_names_and_values_cannot_smuggle():
    """A line break in a value would add a header; a blank in a name is no name."""
    sent = Sent()
    with pytest.raises(errors.InvalidPayload, match="line break"):
        await sent.client.get("/x", headers={"X-Id": "a\r\nX-Evil: 1"})
    with pytest.raises(errors.PermanentError, match="X Bad"):
        await sent.client.get("/x", headers={"X Bad": "a"})
    assert sent.transport.requests == []


def test_options_are_checked_when_they_are_made():
    """A pasted line break is the customer's, everything else the plugin's; no value is shown."""
    with pytest.raises(errors.InvalidSettings) as caught:
        RequestOptions(BASE, {"Authorization": "Bearer hunter22\n"})
    assert "hunter22" not in str(caught.value)
    for wrong in ({"timeout": 0}, {"connect_timeout": -1}, {"requests_per_second": 0}):
        with pytest.raises(errors.PluginError, match="above 0"):
            RequestOptions(BASE, **wrong)
    with pytest.raises(errors.PluginError, match="int"):
        RequestOptions(BASE, {"X-N": 1})  # type: ignore[dict-item]


async def test_times_of_a_request_win_over_those_of_the_connection():
    """The transport is told both time-outs."""
    sent = Sent(timeout=3.0, connect_timeout=1.0)
    await sent.client.get("/x")
    await sent.client.get("/x", timeout=7.0)
    assert [(one.timeout, one.connect_timeout) for one in sent.transport.requests] == [
        (3.0, 1.0),
        (7.0, 1.0),
    ]


async def test_exchanges_are_recorded_whatever_happens():
    """Responses, statuses that are errors, and failures: each leaves its exchange."""
    failure = errors.RetryableError("no answer", code="REQUEST_TIMEOUT")
    sent = Sent(200, 500, failure)
    await sent.client.get("/1")
    for url in ("/2", "/3"):
        with pytest.raises(errors.RetryableError):
            await sent.client.get(url)
    one, two, three = sent.exchanges
    assert (one.response.status, one.error) == (200, None)
    assert (two.response.status, two.error.code) == (500, "INTERNAL_SERVER_ERROR")
    assert (three.response, three.error) == (None, failure)


async def test_raise_for_status_can_be_turned_off():
    """Then the response tells."""
    response = await Sent(409).client.get("/x", raise_for_status=False)
    assert (response.status, response.ok) == (409, False)


def test_a_response_reads_itself():
    """JSON, text and headers in any case; a body that was cut is not read as JSON."""
    response = Response(200, {"X-Id": "7"}, b'{"a": 1}')
    assert (response.json(), response.text, response.header("x-ID")) == ({"a": 1}, '{"a": 1}', "7")
    assert response.header("y") is None
    with pytest.raises(ValueError, match="cut"):
        Response(200, {}, b"12", truncated=True).json()


@pytest.mark.parametrize(
    ("value", "expected"), [("a/b?c#d", "a%2Fb%3Fc%23d"), ("ü %", "%C3%BC%20%25"), (7, "7")]
)
def test_a_segment_is_encoded_entirely(value: object, expected: str):
    """Nothing in an id can leave its place in the path."""
    assert segment(value) == expected


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_segment_cannot_climb(value: str):
    """Dots and nothing would name another resource, however they are encoded."""
    with pytest.raises(errors.InvalidPayload, match="path"):
        segment(value)


async def test_the_rate_of_a_connection_is_bounded():
    """Every request asks the limiter first."""
    sent = Sent(requests_per_second=20)
    for _ in range(2):
        await sent.client.get("/x")
    assert sent.client._session.rate._limiter.has_capacity() is False


@pytest.mark.parametrize("url", ["api.acme.test", "ftp://api.acme.test", "https://u:p@acme.test"])
def test_a_base_url_that_is_none_is_found_before_anything_is_sent(url: str):
    """Whoever starts a runner with it hears of it then; no destination is silent instead."""
    with pytest.raises(errors.InvalidSettings, match="base URL, as extend_request gives it: "):
        RequestOptions(url)
