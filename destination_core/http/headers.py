"""Headers: what may be one, Basic credentials, one set laid over another."""

import base64
import re
from collections.abc import Mapping
from typing import Final

from destination_core.errors import InvalidPayload, PermanentError

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header may be called (RFC 9110, section 5.6.2)."""

LINE_BREAK: Final = re.compile(r"[\r\n\0]")
"""What a value must not hold: with a line break, data could add headers of its own."""


def basic_auth(user: str, password: str) -> str:
    """Return the value of an `Authorization` header for Basic authentication, in UTF-8.

    Made here because aiohttp's ``auth=`` is deprecated (aiohttp 3.14).
    """
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def merged(
    sent: Mapping[str, str], headers: Mapping[str, str | None], auth: tuple[str, str] | None
) -> dict[str, str]:
    """Put headers over others whatever their case; None removes, ``auth`` comes last.

    Raises ``PermanentError`` for a name that is none, ``InvalidPayload`` for a line break.
    """
    given: dict[str, tuple[str, str | None]] = {}
    for name, value in headers.items():
        if not NAME.fullmatch(name):
            raise PermanentError(f"header {name!r} is not a name; use letters, digits and hyphens")
        if value is not None and LINE_BREAK.search(value):
            raise InvalidPayload(f"header {name!r} has a line break in its value; remove it")
        given[name.lower()] = (name, value)
    if auth:
        given["authorization"] = ("Authorization", basic_auth(*auth))
    result = {name: value for name, value in sent.items() if name.lower() not in given}
    result.update({name: value for name, value in given.values() if value is not None})
    return result
