"""Send requests for one attempt, and remember them."""

import base64
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from destination_core.errors import DeliveryError, InvalidPayload, PermanentError
from destination_core.http.classify import error_for, place
from destination_core.http.exchange import Exchange
from destination_core.http.messages import Request, Response
from destination_core.http.options import Session

_ABSENT: Final[Any] = object()


class Client:
    """What ``ctx.http`` is: a request client with the connection's base URL and headers.

    Every method returns the response when its status is 2xx and raises a ``DeliveryError``
    otherwise, unless ``raise_for_status=False``. ``json`` and ``data`` (bytes) are bodies;
    ``params`` replace the URL's query; a header whose value is None is left out; ``auth`` is a
    pair for Basic authentication (UTF-8); ``timeout`` is the total in seconds.
    """

    __slots__ = ("_exchanges", "_session")

    def __init__(self, session: Session, exchanges: list[Exchange]) -> None:
        self._session = session
        self._exchanges = exchanges

    async def get(self, url: str, **options: Any) -> Response:
        """Send a GET; see ``request`` for the options."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Response:
        """Send a POST; see ``request`` for the options."""
        return await self.request("POST", url, **options)

    async def put(self, url: str, **options: Any) -> Response:
        """Send a PUT; see ``request`` for the options."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: str, **options: Any) -> Response:
        """Send a PATCH; see ``request`` for the options."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: str, **options: Any) -> Response:
        """Send a DELETE; see ``request`` for the options."""
        return await self.request("DELETE", url, **options)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = _ABSENT,
        data: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the transport enforces it
        raise_for_status: bool = True,
    ) -> Response:
        """Send a request and return its response.

        Raises ``InvalidPayload`` when the JSON cannot be written, ``RetryableError`` on time-outs
        and network failures, ``SetupError`` when the server's certificate is not trusted, and
        for statuses outside 2xx what ``error_for`` says.
        """
        session = self._session
        sent = session.headers
        if json is not _ABSENT:
            data = _dumps(json, method, url)
            sent = session.json_headers
        if headers or auth:
            sent = _merged(sent, headers or {}, auth)
        target = session.url(url)
        if params is not None:
            target = _with_params(target, params)
        if data is not None and method in ("GET", "HEAD"):
            raise PermanentError(f"{method} {url}: a request with GET or HEAD cannot have a body")
        request = Request(
            method, target, sent, data, timeout or session.timeout, session.allow_redirects
        )
        if session.limiter is not None:
            await session.limiter.acquire()
        exchange = Exchange(request)
        self._exchanges.append(exchange)
        started = perf_counter()
        try:
            response = await session.transport.send(request)
        except DeliveryError as error:
            exchange.error = error
            raise
        finally:
            exchange.seconds = perf_counter() - started
        exchange.response = response
        if raise_for_status and not 200 <= response.status < 300:  # noqa: PLR2004  RFC 9110
            exchange.error = error_for(request, response)
            raise exchange.error
        return response


def basic_auth(user: str, password: str) -> str:
    """Return the value of an `Authorization` header for Basic authentication, in UTF-8.

    Made here because aiohttp's ``auth=`` is deprecated (aiohttp 3.14).
    """
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def segment(value: object) -> str:
    """Percent-encode one segment of a path: nothing in it is safe, not even a slash."""
    return quote(str(value), safe="")


def _dumps(value: Any, method: str, url: str) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:  # orjson.JSONEncodeError
        raise InvalidPayload(f"{method} {url}: body cannot be written as JSON: {error}") from error


def _merged(
    sent: Mapping[str, str], headers: Mapping[str, str | None], auth: tuple[str, str] | None
) -> dict[str, str]:
    """Put headers over others whatever their case; None removes, ``auth`` comes last."""
    given = dict(headers)
    if auth:
        given = {key: value for key, value in given.items() if key.lower() != "authorization"}
        given["Authorization"] = basic_auth(*auth)
    replaced = {key.lower() for key in given}
    merged = {key: value for key, value in sent.items() if key.lower() not in replaced}
    merged.update({key: value for key, value in given.items() if value is not None})
    return merged


def _with_params(url: str, params: Mapping[str, Any]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(params, doseq=True)))


__all__ = ["Client", "basic_auth", "place", "segment"]
