"""Requests that may go to public addresses only."""

import pytest

import destination_core as dc
from destination_core import errors
from destination_core.http import AiohttpTransport, Client, Request, RequestOptions, Session
from destination_core.http.guard import Guard
from tests.loopback import loopback, response

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_refused(address: str) -> None:
    """Loopback, private, link-local, shared, reserved, metadata; in IPv6 clothes, too."""
    assert not Guard().permits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_is_permitted(address: str) -> None:
    """And so is a public address in IPv6 clothes."""
    assert Guard().permits(address)


def test_networks_can_be_allowed() -> None:
    """Those alone; an address in IPv6 clothes is the one that it stands for."""
    guard = Guard.of(["10.0.0.0/8", "fd00::/8"])
    assert [guard.permits(one) for one in ("10.9.9.9", "::ffff:10.9.9.9", "fd00::1")] == [True] * 3
    assert not guard.permits("127.0.0.1")


def client(transport: AiohttpTransport, base: str, **options: object) -> Client:
    """Make the client of a connection whose URL a user supplied."""
    return Client(Session(transport, RequestOptions(base, public_only=True, **options)), [])


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1", "REFUSED_ADDRESS"),
        ("localhost", "REFUSED_ADDRESS"),
        ("[::ffff:127.0.0.1]", "REFUSED_ADDRESS"),
        ("0x7f.1", "REFUSED_ADDRESS"),
        ("127.1", "SETUP_ERROR"),  # aiohttp takes these for no host at all
        ("2130706433", "SETUP_ERROR"),
        ("0", "SETUP_ERROR"),
    ],
)
async def test_no_connection_is_made(host: str, code: str) -> None:
    """However the address is written; the error says whose business it is."""
    async with loopback(response()) as server, AiohttpTransport() as transport:
        port = server.url.rpartition(":")[2]
        with pytest.raises(errors.SetupError) as caught:
            await client(transport, f"http://{host}:{port}").get("/")
        assert server.connections == 0
    assert caught.value.code == code


async def test_a_connection_of_somebody_else_is_not_reused() -> None:
    """One destination may go inside; another has no use of its open connection."""
    async with loopback(response()) as server, AiohttpTransport() as transport:
        assert (await transport.send(Request("GET", f"{server.url}/", {}))).ok
        with pytest.raises(errors.SetupError):
            await client(transport, server.url).get("/")
        assert len(server.heads) == 1


async def test_the_operator_allows_a_network() -> None:
    """Then it is reached, and only then."""
    async with loopback(response()) as server, AiohttpTransport() as transport:
        allowing = client(transport, server.url, allowed_networks=("127.0.0.0/8",))
        assert (await allowing.get("/")).ok


def test_the_configuration_allows_networks() -> None:
    """Whatever the plugin asks for, the operator's networks are those of the connection."""
    from tests import acme

    relay = dc.Registry.of(acme).relay("acme")
    made = dc.Connection("a", relay, settings={"api_key": "k"}, allowed_networks=["10.0.0.0/8"])
    assert made.options.allowed_networks == ("10.0.0.0/8",)
