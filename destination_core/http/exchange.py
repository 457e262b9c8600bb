"""What was sent and what came back, for outcomes, logs and people: without secrets."""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import orjson

from destination_core.errors import DeliveryError
from destination_core.http.messages import Request, Response

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

LONGEST_BODY: Final = 20_000
"""Bytes of a body that are shown."""


@dataclass(slots=True)
class Exchange:
    """One request with its response, or with the error that came instead; ``seconds`` of wall time.

    Kept as references: nothing is copied or blanked out until somebody asks.
    """

    request: Request
    response: Response | None = None
    error: DeliveryError | None = None
    seconds: float = 0.0

    def redacted(self, secrets: Collection[str] = ()) -> dict[str, Any]:
        """Return it as JSON, without ``secrets`` in any spelling and without credentials.

        ``{request: {method, url, headers, body}, response: {status, headers, body, truncated},
        seconds, error}``; bodies are decoded where they are JSON or text, and cut.
        """
        clean = _Cleaner(frozenset(secrets))
        request, response = self.request, self.response
        shown: dict[str, Any] = {
            "request": {
                "method": request.method,
                "url": clean.url(request.url),
                "headers": clean.headers(request.headers),
                "body": clean.body(request.body or b""),
            },
            "seconds": round(self.seconds, 6),
        }
        if response is not None:
            shown["response"] = {
                "status": response.status,
                "headers": clean.headers(response.headers),
                "body": clean.body(response.body),
                "truncated": response.truncated,
            }
        if self.error is not None:
            shown["error"] = clean.text(str(self.error))
        return shown

    def __repr__(self) -> str:
        status = self.response.status if self.response else self.error
        host = urlsplit(self.request.url)
        return f"<Exchange {self.request.method} {host.hostname}{host.path} → {status}>"


class _Cleaner:
    """Blank out secrets, in the spellings that a request may give them."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._spellings = _spellings(secrets)

    def text(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        shown = urlencode([(key, MASK if _is_secret(key) else value) for key, value in query])
        host = parts.netloc.rpartition("@")[2]
        return self.text(urlunsplit((parts.scheme, host, parts.path, shown, parts.fragment)))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            key: MASK if _is_secret(key) else self.text(str(value))
            for key, value in headers.items()
        }

    def body(self, body: bytes) -> Any:
        if not body:
            return None
        text = self.text(body.decode("utf-8", "replace"))
        if len(body) > LONGEST_BODY:
            return f"{text[:LONGEST_BODY]}… ({len(body):,} bytes)"
        try:
            return orjson.loads(text)
        except ValueError:
            return text


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in SECRET_WORDS)


@lru_cache(maxsize=256)
def _spellings(secrets: frozenset[str]) -> tuple[str, ...]:
    """Return each secret as it is, percent-encoded, in JSON, and in a Basic header with another."""
    found: set[str] = set()
    for secret in secrets:
        json_text = orjson.dumps(secret).decode()[1:-1]
        encoded = base64.b64encode(secret.encode()).decode()
        found |= {secret, quote(secret, safe=""), quote_plus(secret), json_text, encoded}
        for other in secrets:
            found.add(base64.b64encode(f"{secret}:{other}".encode()).decode())
    # the longest first: a secret may contain another
    return tuple(sorted((one for one in found if one), key=len, reverse=True))
