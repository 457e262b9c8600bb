"""Who or what a call is about: Customer.io's identifiers."""

import re
from typing import Final

_WORD: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
EMAIL: Final = re.compile(
    rf"{_WORD}(?:\.{_WORD})*@(?:{_LABEL}\.)+{_LABEL}", re.ASCII | re.IGNORECASE
)
"""What counts as an email address: words of RFC 5322 with dots between them, at a host name.

The hosted engine's rule; anything else is an id, so that people keep the identifier they have.
"""

CIO_PREFIX: Final = "cio_"
"""In front of Customer.io's own ids; v2 takes them without it (Track API, identifiers)."""

DEFAULT_OBJECT_TYPE: Final = "1"
"""The first object type of a workspace (docs.customer.io, objects)."""


def person(value: str) -> dict[str, str]:
    """Return the one identifier that a person's id is: ``cio_id``, ``email`` or ``id``.

    Customer.io accepts exactly one identifier per call (Track API v2, person).
    """
    if value.startswith(CIO_PREFIX) and len(value) > len(CIO_PREFIX):
        return {"cio_id": value[len(CIO_PREFIX) :]}
    if "@" in value and EMAIL.fullmatch(value):
        return {"email": value}
    return {"id": value}


def known_or_anonymous(
    person_id: str | None, email: str | None, anonymous_id: str | None
) -> dict[str, str]:
    """Return the best identifier there is, or nothing."""
    if person_id:
        return person(person_id)
    if email:
        return {"email": email}
    if anonymous_id:
        return {"anonymous_id": anonymous_id}
    return {}


def an_object(object_id: str, object_type_id: str | None) -> dict[str, str]:
    """Return the identifiers of an object; the type is "1" unless it says otherwise."""
    return {"object_id": object_id, "object_type_id": object_type_id or DEFAULT_OBJECT_TYPE}
