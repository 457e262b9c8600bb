"""Whose address a call comes from."""

from ipaddress import ip_network

import pytest

from destination_core.server.callers import caller

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7", "10.2.3.4"], "198.51.100.7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, <script>, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", ["10.9.9.9"], "10.9.9.9"),
        ("", ["198.51.100.7"], ""),
    ],
    ids=[
        *("direct", "forged", "proxy itself", "one proxy", "forged through it", "two proxies"),
        *("headers", "v6", "no address", "nonsense", "inside", "no peer"),
    ],
)
def test_the_nearest_that_is_no_proxy(peer: str, forwarded: list[str], address: str) -> None:
    """What a proxy appends counts; what somebody wrote before it does not."""
    assert caller(peer, forwarded, PROXIES) == address
