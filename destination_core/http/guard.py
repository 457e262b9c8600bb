"""Keep requests from reaching the inside of a network: addresses are looked at when connecting.

A URL that users supply must not reach what only the runner can reach: itself, its neighbours, the
metadata service of its cloud. Names prove nothing, for they may lead anywhere, and elsewhere the
next time; so the address itself is checked, at the last moment before a socket is made.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

INSIDE: Final[tuple[Network, ...]] = (
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's own services, at an address that is public
    ipaddress.ip_network("192.0.0.0/24"),  # RFC 6890; Oracle's metadata are at 192.0.0.192
    ipaddress.ip_network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879
)
"""Networks that are not public, or should not be asked, beside those that Python knows."""

TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 behind a translator, RFC 6052."""


class RefusedAddress(OSError):
    """An address is not public and not allowed; nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets connections go to public addresses, and to those of ``allowed`` networks."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> "Guard":
        """Return the guard that allows networks in CIDR notation; raises ``ValueError``."""
        return cls(tuple(ipaddress.ip_network(one) for one in allowed))

    def permits(self, address: str) -> bool:
        """Tell whether an IP address may be connected to."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        meant = _within(parsed) or [parsed]
        return any(one in network for one in meant for network in self.allowed) or all(
            _is_public(one) for one in meant
        )

    def socket(self, info: Sequence[Any]) -> socket.socket:
        """Make the socket for an address as the resolver gives it; raises ``RefusedAddress``."""
        family, kind, protocol, _, where = info
        if not self.permits(where[0]):
            raise RefusedAddress(errno.EACCES, "its address is not public")
        return socket.socket(family=family, type=kind, proto=protocol)


def _is_public(address: Address) -> bool:
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in INSIDE)
    )


def _within(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    if address.teredo is not None:
        found += address.teredo
    if address in TRANSLATED:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
