"""Hashes of personal data: the same digest however it comes, and never the hash of a hash."""

import base64
import hashlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import destination_core as dc
from destination_core.hashing import SIZES, Algorithm

EMAIL = "ann@example.com"


@pytest.mark.parametrize("algorithm", get_args(Algorithm))
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_what_is_hashed_is_not_hashed_again(algorithm: Algorithm, encoding: str) -> None:
    """The digest of a digest, in either spelling, is that digest in the spelling asked for."""
    digest = hashlib.new(algorithm, EMAIL.encode()).digest()
    spelled = {"hex": digest.hex(), "base64": base64.b64encode(digest).decode()}
    wanted = spelled[encoding]
    texts = [EMAIL, f" {EMAIL}\n", spelled["hex"], spelled["hex"].upper()]
    if SIZES[algorithm] % 3:  # a digest of 48 bytes has no padding, and could be any text
        texts.append(spelled["base64"])
    for text in texts:
        assert dc.hashed(text, algorithm, encoding) == wanted  # type: ignore[arg-type]
    assert dc.is_hashed(spelled["hex"], algorithm)
    assert not dc.is_hashed(EMAIL, algorithm)


def test_normalising_comes_before_hashing_and_not_before_a_digest() -> None:
    """The destination's form of an address is hashed; what is a digest already is left alone."""
    wanted = hashlib.sha256(EMAIL.encode()).hexdigest()
    assert dc.hashed("  Ann@Example.COM ", normalise=str.lower) == wanted
    assert dc.hashed(wanted, normalise=lambda text: text[::-1]) == wanted


def test_a_digest_of_another_algorithm_is_refused() -> None:
    """Its hash would match nobody, in silence."""
    with pytest.raises(dc.InvalidPayload, match="is an md5 digest already, and sha256 is wanted"):
        dc.hashed(hashlib.md5(EMAIL.encode()).hexdigest())


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_stays_nothing(text: str) -> None:
    """The hash of an empty text would match everybody without one."""
    assert dc.hashed(text) == ""


@given(st.text(min_size=1, max_size=80))
def test_hashing_twice_is_hashing_once(text: str) -> None:
    """For any text that can be hashed at all."""
    try:
        once = dc.hashed(text)
    except (dc.InvalidPayload, UnicodeEncodeError):
        return
    assert dc.hashed(once) == once
