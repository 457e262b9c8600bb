"""Hashes of personal data: what is hashed already is not hashed again."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Final, Literal

from destination_core.errors import InvalidPayload

Algorithm = Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
Encoding = Literal["hex", "base64"]

SIZES: Final = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
"""Bytes of each algorithm's digest."""

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def hashed(
    value: str,
    algorithm: Algorithm = "sha256",
    encoding: Encoding = "hex",
    *,
    normalise: Callable[[str], str] | None = None,
) -> str:
    """Return the digest of a text, for destinations that want personal data hashed.

    ``normalise`` brings the text into the destination's form first (``str.lower``, a phone number
    without blanks). A text that is a digest of this algorithm already, in hexadecimal or Base64, is
    not hashed again, only written in the ``encoding`` asked for. Raises ``InvalidPayload`` for a
    digest of another algorithm: nothing could be made of it, and its hash would match nobody.
    Blanks around the text do not count; an empty text stays empty.
    """
    text = value.strip()
    if not text:
        return ""
    digest = digest_in(text, algorithm)
    if digest is None:
        other = next((one for one in SIZES if digest_in(text, one) is not None), None)
        if other is not None:
            raise InvalidPayload(
                f"a value is an {other} digest already, and {algorithm} is wanted; map the text"
                f" itself, or its {algorithm} digest"
            )
        clean = normalise(text) if normalise is not None else text
        # not for signing: destinations match people by these, and some know only MD5
        digest = hashlib.new(algorithm, clean.encode(), usedforsecurity=False).digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def is_hashed(value: str, algorithm: Algorithm = "sha256") -> bool:
    """Tell whether a text is a digest of an algorithm, in hexadecimal or Base64."""
    return digest_in(value.strip(), algorithm) is not None


def digest_in(text: str, algorithm: str) -> bytes | None:
    """Return the digest that a text is, or None."""
    size = SIZES[algorithm]
    if len(text) == 2 * size and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    padded = -(-size // 3) * 4
    if size % 3 and len(text) == padded and text.endswith("=") and _BASE64.fullmatch(text):
        try:
            digest = base64.b64decode(text, validate=True)
        except binascii.Error:
            return None
        return digest if len(digest) == size else None
    return None
