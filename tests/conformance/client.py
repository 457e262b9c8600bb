"""Requests of vectors, sent with the public request client.

The client is made by ``dc`` alone: defaults are merged here, as an author would before returning
them from ``extend_request``. Signals are Python's cancellation and time-outs. Not compared: the
default user agent, which names this engine (REQ-USER-AGENT).
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, TypeVar

import destination_core as dc
from destination_core.http import Session
from tests.conformance.scripted import VectorTransport
from tests.conformance.verdict import Result, Vector

T = TypeVar("T")

SEGMENTS_AGENT: Final = "Segment (Actions)"

MERGED: Final = ("headers", "json", "searchParams")
"""What defaults and options have deep; everything else replaces."""

LONGEST_WAIT: Final = 50
"""Milliseconds; nothing answers later, so that a longer wait shows nothing more."""


class Aborted(Exception):
    """The vector's signal fired."""


def run(given: Vector) -> Result:
    """Run one vector through the public request client."""
    return asyncio.run(_request(given))


async def _request(given: Vector) -> Result:
    options = given.get("options", {})
    if not isinstance(options, Mapping):  # **options takes nothing else
        return Result(error={"category": "other", "messages": [repr(options)], "requests": []})
    defaults = merged(given["client"])
    made = merged([defaults, options])
    bare = given.get("bare", False)
    transport = Transport(given.get("responses"), waits=bool(signals_of(given)))
    recorded = _Recorded(transport, bare=bare)
    fixed = {name: header(value) for name, value in defaults.get("headers", {}).items()}
    try:
        shared = dc.RequestOptions("", {k: v for k, v in fixed.items() if v is not None})
    except (dc.PluginError, dc.InvalidSettings):
        return recorded.failure("other")
    client = dc.Client(Session(transport, shared), [])
    headers = {name: header(value) for name, value in options.get("headers", {}).items()}
    sending = client.request(
        made.get("method", "get"), given["url"], **send_options(made, headers, bare=bare)
    )
    try:
        response = await with_signals(signals_of(given), sending)
    except Aborted:
        return recorded.failure("aborted")
    except TimeoutError:
        return recorded.failure("signal_timeout")
    except dc.DeliveryError as error:
        if error.status is not None:
            return recorded.failure("http", response_status=error.status)
        categories = {"REQUEST_TIMEOUT": "timeout", "NETWORK_ERROR": "network"}
        return recorded.failure(categories.get(error.code, "other"))
    return recorded.success(response, given, nulls=None in made.get("searchParams", {}).values())


def merged(levels: Sequence[Vector]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for level in levels:
        for key, value in level.items():
            old = made.get(key)
            if key == "headers":
                kept = {k: v for k, v in (old or {}).items() if k.lower() not in _lower(value)}
                made[key] = {**kept, **value}
            elif key in MERGED and isinstance(old, Mapping) and isinstance(value, Mapping):
                made[key] = _deep(old, value)
            else:
                made[key] = value
    return made


def _lower(headers: Vector) -> set[str]:
    return {name.lower() for name in headers}


def _deep(old: Vector, new: Vector) -> dict[str, Any]:
    both = {k: v for k, v in new.items() if isinstance(v, Mapping) and isinstance(old.get(k), dict)}
    return {**old, **new, **{key: _deep(old[key], value) for key, value in both.items()}}


def send_options(made: Vector, headers: Vector, *, bare: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"headers": headers}
    if "json" in made:
        options["json"] = made["json"]
    elif made.get("body") is not None:
        options["data"] = str(made["body"]).encode()
    if "searchParams" in made:
        options["params"] = {k: _parameter(v) for k, v in made["searchParams"].items()}
    user, password = made.get("username") or "", made.get("password") or ""
    if (user or password) and not bare:
        options["auth"] = (user, password)
    if made.get("timeout"):
        options["timeout"] = made["timeout"] / 1000
    options["raise_for_status"] = made.get("throwHttpErrors", not bare)
    return options


def header(value: Any) -> str | None:
    """Read JavaScript's spelling of "no header", which a client's defaults may hold."""
    return None if value is None or value == "undefined" else str(value)


def _parameter(value: Any) -> Any:
    """Write null as the hosted client does; here, None is left out (REQ-NULL-PARAMETERS)."""
    return "null" if value is None else value


def signals_of(given: Vector) -> list[Vector]:
    """Return the signals that are given with a call or a request."""
    return [one for key in ("client_signal", "signal") if (one := given.get(key))]


async def with_signals(
    signals: Sequence[Vector], sending: Coroutine[Any, Any, T], *, turns: int = 1
) -> T:
    """Await a call, with signals as what they are in Python: cancellation and time-outs.

    ``turns`` of the event loop hand a request over.
    """
    fired = [(one["kind"], one["after_ms"]) for one in signals if one["after_ms"] is not None]
    timeouts = [min(after, LONGEST_WAIT) / 1000 for kind, after in fired if kind == "timeout"]
    task = asyncio.create_task(sending)
    for after in (after for kind, after in fired if kind == "abort"):
        if after:
            delay = min(after, LONGEST_WAIT) / 1000
            asyncio.get_running_loop().call_later(delay, task.cancel)
        else:  # aborted already; the request has been handed over all the same
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
    try:
        async with asyncio.timeout(min(timeouts, default=None)):
            return await task
    except asyncio.CancelledError:
        raise Aborted from None


class Transport(VectorTransport):
    """Waits where a signal must end the request; the client's own time-out ends at once."""

    def __init__(self, responses: Sequence[Vector] | None, *, waits: bool) -> None:
        super().__init__(responses)
        self._waits = waits

    async def send(self, request: dc.Request) -> dc.Response:
        answer = self._responses[min(len(self.requests), len(self._responses) - 1)]
        if answer.get("timeout") and self._waits:
            self.requests.append(request)
            await asyncio.Event().wait()
        response = await super().send(request)
        await asyncio.sleep(0)  # where a signal that has fired already is noticed
        return response


def shown_request(request: dc.Request, *, bare: bool = False) -> dict[str, Any]:
    """Return a request as vectors show it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers["user-agent"].startswith("destination-core"):
        headers["user-agent"] = SEGMENTS_AGENT
        if bare:
            del headers["user-agent"]
    made: dict[str, Any] = {"method": request.method, "url": request.url, "headers": headers}
    if request.body is None:
        return made
    if "json" in headers.get("content-type", ""):
        with suppress(ValueError):  # a text may be sent as JSON and be none
            return made | {"json": json.loads(request.body)}
    return made | {"body": request.body.decode()}


class _Recorded:
    """What was sent and what came, shaped like a vector."""

    def __init__(self, transport: VectorTransport, *, bare: bool) -> None:
        self._transport = transport
        self._bare = bare

    def _requests(self) -> list[dict[str, Any]]:
        return [shown_request(request, bare=self._bare) for request in self._transport.requests]

    def failure(self, category: str, **more: Any) -> Result:
        """Return an error with the requests that were sent before."""
        return Result(error={"category": category, "requests": self._requests(), **more})

    def success(self, response: dc.Response, given: Vector, *, nulls: bool) -> Result:
        """Return the response; the reason phrase is the status's own or the vector's."""
        scripted = (given.get("responses") or [{}])[0].get("statusText")
        phrase = scripted or phrase_of(response.status)
        shown: dict[str, Any] = {"status": response.status, "ok": response.ok}
        shown |= {"statusText": phrase} if phrase else {}
        if not self._bare:
            shown |= {
                "data": data_of(response),
                "content": response.text,
                "headers": dict(response.headers),
            }
        codes = frozenset({"REQ-NULL-PARAMETERS"}) if nulls else frozenset[str]()
        return Result(expect={"requests": self._requests(), "response": shown}, deviations=codes)


PHRASES: Final = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a Teapot",
    422: "Unprocessable Entity",
    509: "Bandwidth Limit Exceeded",
}
"""Of Node; those of Python change with its version."""


def phrase_of(status: int) -> str:
    try:
        return PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def data_of(response: dc.Response) -> Any:
    """Decode what the hosted client decodes; here, authors choose ``json()`` or ``text``."""
    if "application/json" not in (response.header("content-type") or ""):
        return response.text
    try:
        return response.json()
    except ValueError:
        return {"$undefined": True}
