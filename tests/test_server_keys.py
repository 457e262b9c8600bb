"""Write keys: whose they are, and that nobody can find one out by the time it takes."""

import hmac

import pytest

from destination_core.server import Source, Sources
from destination_core.server.keys import of_header

SOURCES = Sources([Source("web", ("first", "second")), Source("ios", ("third", "fourth"))])


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("first", "web"),
        ("fourth", "ios"),
        ("fifth", None),
        ("", None),
        ("\ud800", None),
        ("first ", None),
    ],
    ids=["first", "last", "unknown", "empty", "no text", "blank"],
)
def test_every_key_is_compared_whichever_fits(
    key: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In constant time, and digests of equal length: neither place nor prefix can be seen."""
    compared: list[tuple[int, int]] = []

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return original(one, other)

    original = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert SOURCES.named(key) == name
    assert compared == [(32, 32)] * 4


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("", None),
        ("Bearer Zmlyc3Q6", None),
        ("Basic Zmlyc3Q6", "first"),
        ("basic  Zmlyc3Q=", "first"),
        ("Basic Zmlyc3Q6cGFzc3dvcmQ=", "first"),
        ("Basic %%%", ""),
        ("Basic /w==", ""),
        ("Basic", ""),
    ],
    ids=[
        "none",
        "empty",
        "bearer",
        "usual",
        "no colon",
        "password",
        "no base64",
        "no UTF-8",
        "bare",
    ],
)
def test_the_key_of_a_header(header: str | None, key: str | None) -> None:
    """The user name; what cannot be read is a key that nobody has."""
    assert of_header(header) == key


def test_keys_are_not_shown() -> None:
    """A source does not show them when it is printed."""
    assert "first" not in repr(Source("web", ("first",)))
