"""A set of ids that says "no" only when that is so, and "perhaps" otherwise: a Bloom filter."""

import struct
from collections.abc import Sequence
from typing import Final

ID_BYTES: Final = 16

SMALLEST: Final = 2**26
LARGEST: Final = 2**29
"""Bits: 8 to 64 MiB of memory, taken as they are used."""

CROWDED: Final = 16
"""Bits per id below which it is crowded: from then on more than one "perhaps" in 70 is wrong."""


class Bloom:
    """Two bits for each id of ``ID_BYTES`` random bytes; ``many`` ids are in it."""

    def __init__(self, bits: int = SMALLEST) -> None:
        self._bytes = bytearray(bits // 8)
        self._mask = bits - 1
        self.many = 0

    def add(self, ids: Sequence[bytes]) -> None:
        """Add ids."""
        found, mask = self._bytes, self._mask
        words = _words(ids)
        for word in (words[::4], words[1::4]):
            for one in word:
                place = one & mask
                found[place >> 3] |= 1 << (place & 7)
        self.many += len(ids)

    def perhaps(self, ids: Sequence[bytes]) -> list[bytes]:
        """Return the ids that may be in it; the others are not."""
        found, mask = self._bytes, self._mask
        words = _words(ids)
        return [
            one
            for one, first, second in zip(ids, words[::4], words[1::4], strict=True)
            if found[(first & mask) >> 3] >> (first & 7) & 1
            and found[(second & mask) >> 3] >> (second & 7) & 1
        ]

    @property
    def is_crowded(self) -> bool:
        """Tell whether it says "perhaps" too often."""
        return self.many * CROWDED > self._mask

    def double(self) -> bool:
        """Make room for as many ids again, if that may be; tell whether it was done.

        What is in it is found at either place of the larger one.
        """
        if self._mask >= LARGEST - 1:
            return False
        self._bytes *= 2
        self._mask = 2 * self._mask + 1
        return True


def _words(ids: Sequence[bytes]) -> tuple[int, ...]:
    return struct.unpack(f"<{len(ids) * 4}I", b"".join(ids))
