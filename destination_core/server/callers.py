"""Whose address a call comes from, through proxies that are trusted to say it."""

import ipaddress
from collections.abc import Sequence
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED: Final = "X-Forwarded-For"


def caller(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return the nearest address that is not a trusted proxy's.

    ``peer`` is the other end of the connection, ``forwarded`` the ``X-Forwarded-For`` headers, to
    which each proxy appends whom it was called by. What somebody else wrote there is not believed.
    """
    if not forwarded or not proxies:
        return peer
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    address = peer
    while hops and _is_among(address, proxies):
        hop = hops.pop()
        if not _is_address(hop):
            break
        address = hop
    return address


def _is_among(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(
        ipaddress.ip_address(address) in network for network in networks
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
