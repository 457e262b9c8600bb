"""Blank out secrets in what is shown: by name, and by value in every usual spelling."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import orjson

from destination_core.errors import DeliveryError
from destination_core.http.messages import Request

E = TypeVar("E", bound=DeliveryError)

MASK: Final = "[redacted]"

SECRET_WORDS: Final = (
    "auth",
    "cookie",
    "credential",
    "key",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
)
"""A header or query parameter with one of these in its name is not shown."""

PLAIN: Final = frozenset({"idempotency-key"})
"""Names with such a word in them that hold no secret."""

LONGEST_BODY: Final = 20_000
"""Characters of a body that are shown."""

LONGEST_URL: Final = 4_000
"""Characters of a text that is searched for secrets of which only some characters are encoded."""

SHORTEST_CREDENTIAL: Final = 6
"""Shorter credentials of a request are not searched for: they would blank out ordinary text."""


class Redactor:
    """Blank out ``secrets`` and the credentials that a request carries.

    A server may send back what it was sent, so the credentials are looked for in answers, too.
    """

    def __init__(self, secrets: Collection[str], request: Request | None = None) -> None:
        self._known = known = {secret for secret in secrets if secret}
        if request is not None:
            known.update(_credentials(request))
        # the longest first: a secret may contain another
        self._spellings = sorted(_spellings(known), key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        if "%" in text and self._known and len(text) <= LONGEST_URL:
            pattern = "|".join(map(_percent, sorted(self._known, key=len, reverse=True)))
            text = re.sub(pattern, MASK, text, flags=re.IGNORECASE)
        return text

    def error(self, error: E) -> E:
        """Blank out secrets in an error's words, in place: a plugin may quote an answer."""
        error.args = tuple(self.text(one) if isinstance(one, str) else one for one in error.args)
        if error.detail:
            error.detail = self.text(error.detail)
        return error

    def url(self, url: str) -> str:
        """Return a URL without user information and without the values of secret parameters."""
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        shown = urlencode([(key, MASK if is_secret(key) else value) for key, value in query])
        host = parts.netloc.rpartition("@")[2]
        return self.text(urlunsplit((parts.scheme, host, parts.path, shown, parts.fragment)))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return headers without the values of secret ones."""
        return {  # aiohttp's names of headers are of a type of its own, which JSON does not take
            str(key): MASK if is_secret(key) else self.text(str(value))
            for key, value in headers.items()
        }

    def body(self, body: bytes) -> Any:
        """Return a body as JSON or text without secrets, cut; None when there is none."""
        if not body:
            return None
        # blanked out before it is cut: half a secret would not be recognised
        text = self.text(body.decode("utf-8", "replace"))
        if len(text) > LONGEST_BODY:
            return f"{text[:LONGEST_BODY]}… ({len(body):,} bytes)"
        try:
            return orjson.loads(text)
        except ValueError:
            return text


def is_secret(name: str) -> bool:
    """Tell whether a header or parameter is secret by its name."""
    lowered = name.lower()
    return lowered not in PLAIN and any(word in lowered for word in SECRET_WORDS)


def _credentials(request: Request) -> Iterator[str]:
    """Yield what a request proves itself with: tokens, and the password of a Basic header."""
    query = urlsplit(request.url).query
    for name, value in [*request.headers.items(), *parse_qsl(query)]:
        if not is_secret(name):
            continue
        scheme, blank, token = str(value).partition(" ")
        token = token if blank else scheme
        found = [str(value), token]
        if scheme.lower() == "basic":
            user, _, password = _unpacked(token).partition(":")
            found.append(password or user)
        yield from (one for one in found if len(one) >= SHORTEST_CREDENTIAL)


def _unpacked(token: str) -> str:
    try:
        return base64.b64decode(token).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _spellings(secrets: Collection[str]) -> set[str]:
    """Return each secret as it is, percent-encoded, in JSON, and in Basic headers."""
    found: set[str] = set()
    for secret in secrets:
        percent = quote(secret, safe="")
        found |= {secret, percent, percent.lower(), quote(secret), quote_plus(secret)}
        found |= {json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
        found |= {_base64(secret), *(_base64(f"{secret}:{other}") for other in (*secrets, ""))}
    return found


def _percent(secret: str) -> str:
    """Return a pattern for a secret of which any characters are percent-encoded."""
    return "".join(f"(?:{re.escape(one)}|{quote(one, safe='') or one})" for one in secret)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
