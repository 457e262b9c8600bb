"""The transport over real sockets: what can go wrong between two machines."""

import asyncio
import gzip
import socket
import ssl
import struct
import subprocess
from pathlib import Path

import pytest

from destination_core import errors
from destination_core.http import AiohttpTransport, Client, Request, RequestOptions, Session
from tests.loopback import loopback, response


def get(url: str, **options) -> Request:
    """Make a GET."""
    return Request("GET", url, {}, **options)


async def failure(request: Request, **options) -> errors.DeliveryError:
    """Send a request that must fail without a response."""
    async with AiohttpTransport(**options) as transport:
        with pytest.raises(errors.DeliveryError) as caught:
            await transport.send(request)
    assert caught.value.status is None
    return caught.value


async def test_connections_are_reused():
    """Twenty requests one after the other need one connection."""
    async with loopback(response(body=b"{}")) as server, AiohttpTransport() as transport:
        for _ in range(20):
            assert (await transport.send(get(server.url + "/"))).body == b"{}"
        assert (len(server.heads), server.connections) == (20, 1)


async def test_concurrent_requests_stay_within_the_limit_and_apart():
    """Each request gets its own answer, over no more connections than allowed."""

    async def echo(head, reader, writer) -> None:
        path = head.split(b" ")[1]
        await asyncio.sleep(0.001)
        writer.write(response(body=path))

    async with loopback(echo) as server, AiohttpTransport(limit=5) as transport:
        paths = [f"/{number}" for number in range(60)]
        answers = await asyncio.gather(*[transport.send(get(server.url + one)) for one in paths])
        assert [answer.text for answer in answers] == paths
        assert server.connections <= 5


async def test_what_is_sent_is_what_was_asked_for():
    """Encoded paths stay encoded, headers and body arrive as they are."""
    bodies = []

    async def take(head, reader, writer) -> None:
        bodies.append(await reader.readexactly(4))
        writer.write(response("204 No Content"))

    async with loopback(take) as server, AiohttpTransport() as transport:
        client = Client(Session(transport, RequestOptions(server.url, {"X-One": "ü"})), [])
        await client.put("/a%2Fb/%2E?q=a%2Bb", data=b"1234")
    (head,) = server.heads
    assert head.startswith(b"PUT /a%2Fb/%2E?q=a%2Bb HTTP/1.1\r\n")
    assert b"X-One: \xc3\xbc\r\n" in head
    assert b"User-Agent: destination-core/" in head
    assert bodies == [b"1234"]


async def test_a_server_that_does_not_answer_times_out():
    """The total counts, that of the request before that of the transport."""

    async def wait(head, reader, writer) -> None:
        await asyncio.sleep(30)

    async with loopback(wait) as server:
        error = await failure(get(server.url + "/x?api_key=hunter22"), timeout=0.05)
        assert (type(error), error.code) == (errors.RetryableError, "REQUEST_TIMEOUT")
        where = server.url.removeprefix("http://")
        assert str(error) == f"GET {where}/x: no answer within 0.05 s"
        error = await failure(get(server.url + "/x", timeout=0.04), timeout=20)
        assert "0.04 s" in str(error)


async def test_a_body_that_trickles_times_out():
    """The total includes the body: a byte now and then does not keep a request alive."""

    async def trickle(head, reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with loopback(trickle) as server:
        error = await failure(get(server.url), timeout=0.1)
        assert error.code == "REQUEST_TIMEOUT"


async def test_a_connection_that_is_not_made_times_out_by_itself():
    """A full backlog lets nobody in; connecting has its own, shorter time."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    address = full.getsockname()
    waiting = [socket.socket() for _ in range(4)]
    try:
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}/"
        error = await failure(get(url, connect_timeout=0.1), timeout=20)
    finally:
        for one in [*waiting, full]:
            one.close()
    assert (type(error), error.code) == (errors.RetryableError, "REQUEST_TIMEOUT")
    assert "no connection within 0.1 s" in str(error)


async def test_a_refused_connection_is_a_network_error():
    """The operating system's words say which."""
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    error = await failure(get(f"http://127.0.0.1:{port}/x"))
    assert (type(error), error.code) == (errors.RetryableError, "NETWORK_ERROR")
    assert str(error) == f"GET 127.0.0.1:{port}/x failed: Connection refused"


async def test_an_unknown_host_is_a_network_error():
    """A name that cannot be resolved may be known again in a minute."""
    error = await failure(get("http://nowhere.invalid/x"), timeout=5)
    assert isinstance(error, errors.RetryableError)
    assert error.code in ("NETWORK_ERROR", "REQUEST_TIMEOUT")  # without a resolver


async def reset(head, reader, writer) -> None:
    """Close with a reset."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nnogzp",
    ],
    ids=["reset", "truncated", "chunks", "length", "not HTTP", "huge header", "not gzip"],
)
async def test_half_an_answer_is_a_network_error(answer):
    """Whatever breaks on the way may work the next time; the query is never shown."""

    async def once(head, reader, writer) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with loopback(once if isinstance(answer, bytes) else answer) as server:
        request = Request("POST", server.url + "/x?api_key=hunter22", {}, b"")
        error = await failure(request)
    assert (type(error), error.code) == (errors.RetryableError, "NETWORK_ERROR")
    assert str(error).startswith(f"POST {server.url.removeprefix('http://')}/x failed: ")
    assert "hunter22" not in f"{error} {error!r} {error.detail}"
    assert error.__cause__ is None
    assert error.__suppress_context__


async def test_a_large_request_is_sent_whole():
    """In pieces, so that nobody else waits, and without a warning of aiohttp's."""
    got = 0

    async def drink(head, reader, writer) -> None:
        nonlocal got
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        got = len(await reader.readexactly(length))
        writer.write(response())
        await writer.drain()

    async with loopback(drink) as server, AiohttpTransport() as transport:
        answer = await transport.send(Request("POST", f"{server.url}/", {}, b"x" * 3_000_000))
    assert (answer.status, got) == (200, 3_000_000)


async def test_an_endless_body_is_cut():
    """The rest is not read, the connection is not used again."""
    sent = 0

    async def pour(head, reader, writer) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent += 10_000

    async with loopback(pour) as server, AiohttpTransport(longest_body=50_000) as transport:
        answer = await transport.send(get(server.url))
        assert (answer.body, answer.truncated) == (b"x" * 50_000, True)
        await asyncio.sleep(0.02)
    assert sent < 20_000_000


async def test_a_body_at_the_limit_is_whole():
    """Exactly as many bytes as allowed are not too many."""
    async with (
        loopback(response(body=b"x" * 1000)) as server,
        AiohttpTransport(longest_body=1000) as transport,
    ):
        answer = await transport.send(get(server.url))
    assert (len(answer.body), answer.truncated) == (1000, False)


async def test_a_compressed_body_is_cut_by_what_it_unpacks_to():
    """100 kB that become 100 MB are not unpacked further than the limit."""
    bomb = gzip.compress(bytes(100_000_000), 9)
    small = response(body=gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")
    async with AiohttpTransport() as transport:
        async with loopback(response(body=bomb, Content_Encoding="gzip")) as server:
            answer = await transport.send(get(server.url))
            assert (len(answer.body), answer.truncated) == (1_048_576, True)
        async with loopback(small) as server:
            assert (await transport.send(get(server.url))).json() == {"a": 1}


async def test_a_certificate_that_is_not_trusted_is_a_setup_error(tmp_path: Path):
    """Trying again does not help, and nothing is sent: somebody has to look."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    got = b""

    async def serve(reader, writer) -> None:
        nonlocal got
        got = await reader.read(100)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    error = await failure(get(f"https://127.0.0.1:{port}/x"))
    server.close()
    await server.wait_closed()
    assert isinstance(error, errors.SetupError)
    assert str(error) == f"GET 127.0.0.1:{port}/x: the server's certificate is not trusted"
    assert got == b""


async def test_cookies_are_not_kept():
    """One session serves all customers: nothing of one may go along with another's request."""
    async with loopback(response(Set_Cookie="a=b")) as server, AiohttpTransport() as transport:
        for _ in range(2):
            await transport.send(get(server.url))
        assert b"Cookie:" not in b"".join(server.heads)


async def test_a_cancelled_request_gives_its_connection_up():
    """The next request is not answered with what the last one had asked for."""

    async def slow(head, reader, writer) -> None:
        await asyncio.sleep(0.05 if b"/slow" in head else 0)
        writer.write(response(body=head.split(b" ")[1]))

    async with loopback(slow) as server, AiohttpTransport(limit=1) as transport:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await transport.send(get(server.url + "/slow"))
        assert (await transport.send(get(server.url + "/next"))).text == "/next"


async def test_a_transport_that_is_not_open_says_so():
    """Using it without `async with` is a mistake of the program."""
    with pytest.raises(RuntimeError, match="async with"):
        await AiohttpTransport().send(get("http://127.0.0.1/"))


async def test_many_time_outs_do_not_pile_up():
    """A plugin may compute one per request."""
    async with loopback(response()) as server, AiohttpTransport() as transport:
        for number in range(200):
            await transport.send(get(server.url, timeout=5 + number / 100))
        assert len(transport._timeouts) <= 64
