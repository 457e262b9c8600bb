"""Send requests for one attempt, and remember them."""

import math
from collections.abc import Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any, Final, TypedDict, Unpack

import orjson

from destination_core.errors import DeliveryError, InvalidPayload, PermanentError
from destination_core.http.addresses import with_params
from destination_core.http.classify import error_for
from destination_core.http.exchange import Exchange
from destination_core.http.headers import merged
from destination_core.http.messages import Request, Response
from destination_core.http.options import Session
from destination_core.http.redaction import Redactor

_ABSENT: Final[Any] = object()


class SendOptions(TypedDict, total=False):
    """The options of one request; see ``Client.request``."""

    json: Any
    data: bytes | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str | None] | None
    auth: tuple[str, str] | None
    timeout: float | None
    raise_for_status: bool


Sending = Coroutine[Any, Any, Response]


class Client:
    """What ``ctx.http`` is: a request client with the connection's base URL and headers.

    Every method returns the response when its status is 2xx and raises a ``DeliveryError``
    otherwise, unless ``raise_for_status=False``. ``json`` (a value, or bytes that are JSON already)
    and ``data`` (bytes) are bodies;
    ``params`` replace the URL's query; a header whose value is None is left out; ``auth`` is a
    pair for Basic authentication (UTF-8); ``timeout`` is the total in seconds.
    """

    __slots__ = ("_exchanges", "_session")

    def __init__(self, session: Session, exchanges: list[Exchange]) -> None:
        self._session = session
        self._exchanges = exchanges

    def get(self, url: str, **options: Unpack[SendOptions]) -> Sending:
        """Send a GET; see ``request`` for the options."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Unpack[SendOptions]) -> Sending:
        """Send a POST; see ``request`` for the options."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[SendOptions]) -> Sending:
        """Send a PUT; see ``request`` for the options."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[SendOptions]) -> Sending:
        """Send a PATCH; see ``request`` for the options."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[SendOptions]) -> Sending:
        """Send a DELETE; see ``request`` for the options."""
        return self.request("DELETE", url, **options)

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
            data = json if type(json) is bytes else _dumps(json, method, url)
            sent = session.json_headers
        if headers or auth:
            sent = merged(sent, headers or {}, auth)
        target = session.url(url)
        if params is not None:
            target = with_params(target, params)
        method = method.upper()
        if data is not None and method in ("GET", "HEAD"):
            raise PermanentError(f"{method} {_shown(url)}: a {method} cannot have a body")
        request = Request(
            method,
            target,
            sent,
            data,
            timeout or session.timeout,
            session.allow_redirects,
            session.connect_timeout,
            session.guard,
        )
        first = not self._exchanges
        if session.rate is not None:
            await session.rate.turn(first=first)
        session.check(first)
        exchange = Exchange(request)
        self._exchanges.append(exchange)
        started = perf_counter()
        try:
            response = await session.transport.send(request)
        except DeliveryError as error:
            exchange.error = _concealed(error, Redactor(session.secrets, request))
            raise
        finally:
            exchange.seconds = perf_counter() - started
        exchange.response = response
        if raise_for_status and not 200 <= response.status < 300:  # noqa: PLR2004  RFC 9110
            exchange.error = error_for(request, response, session.secrets)
            raise exchange.error
        return response


def _concealed(error: DeliveryError, clean: Redactor) -> DeliveryError:
    """Blank out secrets in an error of the transport: a path may hold one."""
    error.args = (clean.text(str(error)),)
    error.detail = error.detail and clean.text(error.detail)
    return error


def _dumps(value: Any, method: str, url: str) -> bytes:
    try:
        body = orjson.dumps(value)
    except TypeError as error:  # orjson.JSONEncodeError
        raise InvalidPayload(
            f"{method} {_shown(url)}: body cannot be written as JSON: {error}"
        ) from error
    # orjson writes null for them; a body without null needs no search
    if b"null" in body and _has_nan(value):
        raise InvalidPayload(f"{method} {_shown(url)}: body holds NaN or an infinity, not JSON")
    return body


def _has_nan(value: Any) -> bool:
    # recurs, although it may be compiled: orjson, which was here first, takes 254 levels at most
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(map(_has_nan, value.values()))
    return isinstance(value, Sequence) and not isinstance(value, str) and any(map(_has_nan, value))


def _shown(url: str) -> str:
    return url.partition("?")[0].rpartition("@")[2]
