"""Redirects over real sockets: refused by default, never followed to another host."""

import pytest

from destination_core import errors
from destination_core.http import AiohttpTransport, Client, RequestOptions, Session
from tests.loopback import loopback, response


async def test_redirects_are_not_followed():
    """The answer is the redirect; the client makes a set-up error of it that names the host."""
    moved = response("301 Moved Permanently", Location="https://track-eu.acme.test/v1")
    async with loopback(moved) as server, AiohttpTransport() as transport:
        client = Client(Session(transport, RequestOptions(server.url)), [])
        with pytest.raises(errors.SetupError, match=r"a redirect to track-eu\.acme\.test"):
            await client.post("/x", data=b"{}")
        assert len(server.heads) == 1


async def test_redirects_are_followed_within_the_host_when_allowed():
    """The method stays, except for 303; other hosts never see the credentials."""
    async with loopback(response(body=b"elsewhere")) as other:

        async def move(head, reader, writer) -> None:
            path = head.split(b" ")[1]
            places = {
                b"/one": ("307 Temporary Redirect", "two"),
                b"/two": ("303 See Other", "/three"),
                b"/away": ("302 Found", other.url + "/x"),
                b"/round": ("302 Found", "/round"),
                b"/odd": ("302 Found", "//"),
            }
            status, place = places.get(path, ("200 OK", ""))
            writer.write(response(status, **({"Location": place} if place else {})))

        async with loopback(move) as server, AiohttpTransport() as transport:
            headers = {"Authorization": "Bearer hunter22"}
            options = RequestOptions(server.url, headers, allow_redirects=True)
            client = Client(Session(transport, options), [])
            assert (await client.post("/one")).ok
            lines = [head.partition(b" HTTP")[0] for head in server.heads]
            assert lines == [b"POST /one", b"POST /two", b"GET /three"]
            for path in ("/away", "/round", "/odd"):
                with pytest.raises(errors.SetupError, match="302"):
                    await client.get(path)
        assert other.connections == 0
