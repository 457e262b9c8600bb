"""Which source a write key belongs to."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A source of events and its write keys: two while they are being changed."""

    name: str
    write_keys: tuple[str, ...] = field(repr=False)


class Sources:
    """Write keys, compared in constant time: by digest, and with every key there is."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._keys = [(_digest(key), one.name) for one in sources for key in one.write_keys]

    def named(self, write_key: str) -> str | None:
        """Return the source's name, or None when nobody has this key."""
        digest, found = _digest(write_key), None
        for known, name in self._keys:
            if hmac.compare_digest(digest, known):
                found = name
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def of_header(authorization: str | None) -> str | None:
    """Return the write key of a Basic ``Authorization`` header, None when there is none.

    The key is the user name; the colon behind it may be missing, as in Segment's own API. An empty
    one is none. What cannot be read is the key "", which nobody has.
    """
    kind, _, value = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    key = decoded.partition(":")[0]
    return None if decoded and not key else key


def of_body(call: Mapping[str, object]) -> str | None:
    """Return the ``writeKey`` of a body."""
    key = call.get("writeKey")
    return key if isinstance(key, str) else None
