"""Identifiers: which one is sent when there are several, for any value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_customerio import identifiers


@pytest.mark.parametrize(
    ("person_id", "email", "anonymous_id", "found"),
    [
        ("u1", "a@example.com", "a1", {"id": "u1"}),
        ("cio_1", None, "a1", {"cio_id": "1"}),
        ("", "a@example.com", "a1", {"email": "a@example.com"}),
        (None, "not an address", "a1", {"email": "not an address"}),
        (None, "", "a1", {"anonymous_id": "a1"}),
        (None, None, "cio_1", {"anonymous_id": "cio_1"}),
        (None, None, "a@example.com", {"anonymous_id": "a@example.com"}),
        (None, None, "", {}),
        (None, None, None, {}),
    ],
)
def test_the_best_identifier(
    person_id: str | None, email: str | None, anonymous_id: str | None, found: dict[str, str]
) -> None:
    """Person ID, else the email address, else the anonymous ID; each stays what it is."""
    assert identifiers.known_or_anonymous(person_id, email, anonymous_id) == found


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("first.last+tag@mail.example.co.uk", "email"),
        ("O'Hara&Sons@mail-1.example.co", "email"),
        ("a@1.2.3.4", "email"),
        ("ü@example.com", "id"),
        ("a@exämple.test", "id"),
        ("a..b@example.com", "id"),
        (".a@example.com", "id"),
        ("a@-example.com", "id"),
        ("a[b@example.com", "id"),
        ('"a"@example.com', "id"),
        ("a@example", "id"),
        ("@example.com", "id"),
        ("a@@example.com", "id"),
        ("a@example.com\n", "id"),
        ("a@example.com,b@example.com", "id"),
        ("acct@2x", "id"),
        ("CIO_1", "id"),
        ("xcio_1", "id"),
        ("cio_a@example.com", "cio_id"),
        ("2026-01-02", "id"),
        ("+33612345678", "id"),
    ],
)
def test_the_kind_of_an_id(value: str, kind: str) -> None:
    """Only a whole address is an email, and only Customer.io's own prefix makes a ``cio_id``."""
    assert list(identifiers.person(value)) == [kind]


@given(st.text(min_size=1) | st.from_regex(r"(cio_)?\w{0,5}@?\w{0,3}\.?\w{0,3}", fullmatch=True))
def test_there_is_exactly_one_and_nothing_of_it_is_lost(value: str) -> None:
    """Customer.io refuses none and several; two different ids are never made the same."""
    ((kind, held),) = identifiers.person(value).items()
    assert kind in {"id", "email", "cio_id"}
    assert value == (f"cio_{held}" if kind == "cio_id" else held)


@pytest.mark.parametrize(("type_id", "found"), [(None, "1"), ("", "1"), ("2", "2")])
def test_an_object_has_a_type(type_id: str | None, found: str) -> None:
    """The first type of a workspace, unless another is named."""
    assert identifiers.an_object("g1", type_id) == {"object_id": "g1", "object_type_id": found}
