"""URLs as they go over the wire: absolute, encoded, free of surprises."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, urljoin, urlsplit, urlunsplit

from yarl import URL

from destination_core.errors import InvalidPayload, SetupError

_ENCODED: Final = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")
_READY: Final = re.compile(rf"https?://[a-z0-9.-]+/{_ENCODED.pattern}")


class Base:
    """The URL that a connection's paths are appended to."""

    __slots__ = ("_last", "_url")

    def __init__(self, url: str) -> None:
        self._url = normal(url).rstrip("/") if url else ""
        self._last: tuple[str | None, str] = (None, "")

    def join(self, url: str) -> str:
        """Return the absolute URL of a path, or of what is absolute already.

        A path is appended to the base, whatever that ends in: ``/v1`` + ``/people`` is
        ``/v1/people``. Raises ``SetupError`` when there is no host to send to.
        """
        last, joined = self._last
        if url != last:  # many APIs have one path for everything
            joined = self._joined(url)
            self._last = (url, joined)
        return joined

    def _joined(self, url: str) -> str:
        if self._url and url.startswith("/"):
            if _ENCODED.fullmatch(url) and "/." not in url:
                return self._url + url
            return normal(self._url + url)
        if _READY.fullmatch(url) and "/." not in url:
            return url
        return normal(url if "://" in url or not self._url else urljoin(f"{self._url}/", url))


def normal(url: str) -> str:
    """Return a URL encoded: hosts in IDNA, a path at least `/`, no dots to climb with."""
    shown = url.partition("?")[0].rpartition("@")[2]
    try:
        made = URL(url)
    except ValueError:
        raise SetupError(f"{shown!r} is not a URL") from None
    if made.scheme not in ("http", "https") or not made.host:
        raise SetupError(f"{shown!r} is not a URL to send to; begin with https:// or a base URL")
    if made.user is not None or made.password is not None:
        raise SetupError(f"{shown!r} would carry credentials in its URL; give them as auth")
    if made.is_default_port():
        made = made.with_port(None)
    written = str(made)
    origin = str(made.origin()) if made.raw_path == "/" else ""
    bare = origin and not written.startswith(f"{origin}/")
    return f"{origin}/{written[len(origin) :]}" if bare else written


def with_params(url: str, params: Mapping[str, Any]) -> str:
    """Return a URL with its query replaced, as `URLSearchParams` writes it.

    A list gives one parameter per item, None is left out, booleans are written in lower case.
    """
    pairs = (
        f"{_quoted(str(key))}={_quoted(str(one).lower() if isinstance(one, bool) else str(one))}"
        for key, value in params.items()
        for one in (value if isinstance(value, list | tuple) else (value,))
        if one is not None
    )
    return urlunsplit(urlsplit(url)._replace(query="&".join(pairs)))


def _quoted(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def segment(value: object) -> str:
    """Percent-encode one segment of a path: nothing in it is safe, not even a slash.

    Raises ``InvalidPayload`` for an empty text and for dots: no encoding keeps a server from
    reading them as the collection, or as the way up.
    """
    text = str(value)
    if text in ("", ".", ".."):
        raise InvalidPayload(f"{text!r} cannot be part of a URL's path; give an id")
    return quote(text, safe="")
