"""What is shown of an exchange, and that no secret is."""

import base64
from urllib.parse import quote

import orjson
import pytest

from destination_core import errors
from destination_core.http import Client, Exchange, Request, RequestOptions, Response, Session
from destination_core.http.redaction import LONGEST_BODY, MASK, Redactor
from tests.scripted import ScriptedTransport

CANARY = 'c4n4ry/+ü"s3cr3t'
SPELLINGS = ("c4n4ry", "s3cr3t", base64.b64encode(CANARY.encode()).decode()[:12])


def assert_hidden(*shown: object) -> None:
    """Find no part of the canary in what is shown."""
    text = " ".join(one if isinstance(one, str) else repr(one) for one in shown)
    assert not [spelling for spelling in SPELLINGS if spelling in text], text


def test_an_exchange_is_shown_as_json():
    """Bodies are decoded, times are rounded, credentials are masked by their names."""
    exchange = Exchange(
        Request(
            "POST",
            "https://x.test/a?page=2&api_key=abc",
            {"Authorization": "Bearer abcdef", "X-Api-Key": "k", "Idempotency-Key": "01J"},
            b'{"n": 1}',
        ),
        Response(207, {"Set-Cookie": "a=b", "Content-Type": "text/plain"}, b"half done", True),
        seconds=0.12345678,
    )
    assert exchange.redacted() == {
        "request": {
            "method": "POST",
            "url": "https://x.test/a?page=2&api_key=%5Bredacted%5D",
            "headers": {
                "Authorization": MASK,
                "X-Api-Key": MASK,
                "Idempotency-Key": "01J",
            },
            "body": {"n": 1},
        },
        "response": {
            "status": 207,
            "headers": {"Set-Cookie": MASK, "Content-Type": "text/plain"},
            "body": "half done",
            "truncated": True,
        },
        "seconds": 0.123457,
    }
    orjson.dumps(exchange.redacted())


def test_a_failure_is_shown_instead_of_a_response():
    """The customer's message, without secrets."""
    error = errors.RetryableError(f"POST x.test/{CANARY} failed")
    shown = Exchange(Request("POST", "https://x.test/", {}), error=error).redacted({CANARY})
    assert "response" not in shown
    assert shown["error"] == f"POST x.test/{MASK} failed"


def test_long_and_binary_bodies_are_cut_and_shown_as_text():
    """Secrets go before the cut: half of one would not be recognised."""
    body = b"\xff" + b"x" * (LONGEST_BODY - 8) + CANARY.encode() + b"y" * 50
    shown = Exchange(Request("POST", "https://x.test/", {}, body)).redacted({CANARY})
    assert shown["request"]["body"].endswith(f"… ({len(body):,} bytes)")
    assert_hidden(shown)


def test_credentials_are_found_in_an_echo_without_being_named():
    """A server that sends back what it got reveals nothing, even of secrets we were not told."""
    token = base64.b64encode(f"site:{CANARY}".encode()).decode()
    echo = f"you sent Basic {token}, that is {CANARY}".encode()
    request = Request("GET", "https://x.test/", {"authorization": f"Basic {token}"})
    shown = Exchange(request, Response(200, {}, echo)).redacted()
    assert shown["response"]["body"] == f"you sent {MASK}, that is {MASK}"


@pytest.mark.parametrize("authorization", ["Basic %%%", "Basic", "", "Basic /w==", "x"])
def test_strange_credentials_do_not_disturb(authorization: str):
    """A header that cannot be decoded is masked all the same."""
    request = Request("GET", "https://x.test/", {"Authorization": authorization})
    assert Exchange(request).redacted()["request"]["headers"] == {"Authorization": MASK}


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
async def test_no_secret_in_anything_that_is_shown(status: int):
    """Exchange, error, detail and every repr, for a secret in path, query, header and body."""
    answer = Response(
        status,
        {"Location": f"https://x.test/?t={CANARY}", "X-Echo": CANARY},
        orjson.dumps({"echo": CANARY, "token": base64.b64encode(CANARY.encode()).decode()}),
    )
    options = RequestOptions("https://x.test", {"Authorization": f"Bearer {CANARY}"})
    exchanges: list[Exchange] = []
    client = Client(Session(ScriptedTransport(answer), options, {CANARY}), exchanges)
    response = error = None
    try:
        response = await client.post(
            f"/{CANARY}/x", json={"a": CANARY}, params={"token": CANARY, "q": CANARY}
        )
    except errors.DeliveryError as raised:
        error = raised
    (exchange,) = exchanges
    assert_hidden(exchange.redacted({CANARY}), exchange, exchange.request, options, response)
    assert_hidden(str(error), repr(error), str(error and error.detail))


async def test_an_error_of_the_transport_is_cleaned():
    """The transport knows no secrets; the client does."""
    failure = errors.RetryableError(f"GET x.test/{CANARY} failed", detail=f"at {CANARY}")
    session = Session(ScriptedTransport(failure), RequestOptions("https://x.test"), {CANARY})
    with pytest.raises(errors.RetryableError) as caught:
        await Client(session, []).get("/x")
    assert (str(caught.value), caught.value.detail) == (f"GET x.test/{MASK} failed", f"at {MASK}")


@pytest.mark.parametrize("secret", [CANARY, "k%y with/slash"], ids=["utf-8", "plain"])
def test_what_a_plugin_raises_is_cleaned_before_it_is_cut(secret: str):
    """Half a secret, or an encoded one, would not be recognised afterwards."""
    clean = Redactor({secret}).text
    for length in range(errors.LONGEST - 40, errors.LONGEST):
        for spelled in (secret, quote(secret, safe="")):
            raised = ValueError("x" * length + spelled)
            told = str(errors.plugin_fault("acme: perform", raised, clean))
            assert MASK.startswith(told.rpartition("x")[2]), told
