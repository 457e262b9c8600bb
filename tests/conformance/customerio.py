"""Vectors of kind ``customerio``: events, batches, deletions, credentials, definitions.

Compared are the requests (method, URL, authorization, content type, body, order) and how each
event was settled. The normalisations are listed in ``docs/deviations.md``: batches of one run are
joined before they are compared (CIO-BATCHES), requests of a bisection are dropped (CIO-BISECT),
and the region is asked for instead of ``/auth`` (CIO-12).
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import destination_core as dc
from destination_customerio import limits
from tests.conformance import customerio_definitions as definitions
from tests.conformance.scripted import VectorTransport
from tests.conformance.verdict import Result, Vector

LIKE_THE_HOSTED_ONE = {
    "any_identifier": True,
    "raw_event_ids": True,
    "oversized": "keep",
    "requests_per_second": None,
}
"""Settings of the plugin, each with a use of its own, that bring it closest to the hosted one."""

NAMES = ("userId", "anonymousId", "groupId", "previousId", "email", "objectId", "objectTypeId")
"""Members of events, traits and properties that the presets take identifiers from."""

BATCH = "/api/v2/batch"
DIVISIBLE = {400, 413, 422}


@cache
def _registry() -> dc.Registry:
    return dc.Registry.discover()


def wanted(vector: Vector) -> Vector:
    """Bring what was recorded into the form that ``run`` gives."""
    given = vector["input"]
    if given["op"] == "definition":
        return {**vector, "expect": definitions.recorded(given["what"], vector["expect"])}
    recorded = vector.get("expect") or vector["error"]
    requests_only = vector.get("deviation_scope") == ["result"]
    common: dict[str, Any] = {"requests": _joined([_recorded(one) for one in recorded["requests"]])}
    if given["op"] == "testAuthentication":
        common = {}
    if not requests_only:
        common["settled"] = _recorded_settlement(vector)
    return {**{k: v for k, v in vector.items() if k != "error"}, "expect": common}


def run(vector: Vector) -> Result:
    """Run one vector through the public engine."""
    given = vector["input"]
    if given["op"] == "definition":
        return definitions.run(_registry().relay("customerio").destination, given)
    requests_only = vector.get("deviation_scope") == ["result"]
    transport = VectorTransport(given.get("responses"))
    settled = asyncio.run(_settle(given, transport))
    sent, bisected = _without_bisection(transport)
    ours: dict[str, Any] = {"requests": _joined([_sent(request) for request in sent])}
    deviations = {"CIO-BISECT"} if bisected else set()
    if given["op"] == "testAuthentication":
        ours, deviations = {}, {"CIO-12"}
    elif sum(one.url.endswith(BATCH) for one in sent) != sum(
        one["url"].endswith(BATCH) for one in (vector.get("expect") or vector["error"])["requests"]
    ):
        deviations.add("CIO-BATCHES")
    if not requests_only:
        ours["settled"] = settled
    argued = definitions.argued_settings(given.get("settings") or {}) or _argued(given)
    return Result(expect=ours, deviations=frozenset(deviations), argued=argued)


def _argued(given: Vector) -> str:
    """Return the code that explains a difference in a vector that is no candidate."""
    event = given.get("event") or {}
    if given["op"] == "onDelete":
        return "CIO-11"
    if any(_is_of_somebody_else(one) for one in given.get("responses") or []):
        return "CIO-YES"
    if any(len(text.encode()) > limits.IDENTIFIER_BYTES for text in _identifiers(given)):
        return "CIO-LIMITS"
    mappings = [one.get("mapping") or {} for one in given.get("subscriptions") or []]
    if any(isinstance(one.get("convert_timestamp"), dict) for one in mappings):
        return "CIO-13"
    time = str(event.get("timestamp") or "")
    if re.fullmatch(r"\d{13}", time):
        return "CIO-09"
    if re.fullmatch(r"0\d+", time):
        return "VAL-07"
    return "CIO-10" if re.match(r"\d{4}-\d\d-\d\d ", time) else ""


def _identifiers(given: Vector) -> list[str]:
    """Return what an event calls its people, devices and objects."""
    event = given.get("event") or {}
    inner = [event.get(one) for one in ("traits", "properties")]
    found = [one.get(key) for one in (event, *inner) if isinstance(one, dict) for key in NAMES]
    return [one for one in found if isinstance(one, str)]


def _is_of_somebody_else(response: Vector) -> bool:
    """Tell whether a scripted answer is a page, or JSON that Customer.io does not send."""
    if not 200 <= response.get("status", 0) < 300:
        return False
    if isinstance(response.get("json"), list):
        return True
    return str(response.get("body") or "").lstrip()[:1] in ("{", "[", "<")


async def _settle(given: Vector, transport: VectorTransport) -> Any:
    """Run the vector's call and say how everything was settled."""
    relay = _registry().relay("customerio")
    raw = given.get("subscriptions") or [given.get("subscription")]
    try:
        subscriptions = [
            dc.Subscription(str(number), one.action, one.trigger, one.mapping)
            for number, one in enumerate(dc.Subscription.from_segment(one) for one in raw if one)
        ]
        connection: dc.Connection[Any] = dc.Connection(
            "customerio",
            relay,
            settings={**given["settings"], **LIKE_THE_HOSTED_ONE},
            subscriptions=subscriptions,
        )
    except dc.InvalidSettings:
        return {"category": "payload_validation"}
    except dc.InvalidMapping:
        return {"category": "mapping_validation"}
    except dc.InvalidSubscription:
        events = given.get("events")
        return {"executed": 0} if events is None else [["rejected"] * len(events) for _ in raw]
    now = given.get("now_ms", 0) / 1000
    async with dc.Engine([connection], transport=transport, clock=lambda: now) as engine:
        if given["op"] == "testAuthentication":
            (error,) = (await engine.test_authentication()).values()
            return "accepted" if error is None else "refused"
        if given["op"] == "onDelete":
            return _single(await engine.delete(given["event"]))
        if given["op"] == "onEvent":
            return _single(await engine.send(given["event"]))
        results = await engine.send_batch(given["events"])
    return [
        [_in_batch(deliveries, str(number)) for deliveries in results]
        for number in range(len(subscriptions))
    ]


def _single(deliveries: Sequence[dc.Delivery]) -> dict[str, Any]:
    failed = next((one.error for one in deliveries if one.error is not None), None)
    if failed is None:
        return {"executed": len(deliveries)}
    return _failure(failed)


def _failure(error: dc.DeliveryError) -> dict[str, Any]:
    if error.code == "LIQUID_ERROR":
        return {"category": "liquid"}
    if error.code == "MAPPING_ERROR":
        return {"category": "other"}
    if isinstance(error, dc.InvalidPayload | dc.InvalidEvent):
        return {"category": "payload_validation"}
    if error.status is not None:
        return {"category": "http", "response_status": error.status}
    return {"category": {"REQUEST_TIMEOUT": "timeout", "NETWORK_ERROR": "network"}[error.code]}


def _in_batch(deliveries: Sequence[dc.Delivery], subscription: str) -> str:
    found = [one for one in deliveries if one.subscription == subscription]
    if not found or found[0].status == dc.DeliveryStatus.REJECTED:
        return "rejected"
    return str(found[0].status)


def _recorded_settlement(vector: Vector) -> Any:
    operation = vector["input"]["op"]
    if operation == "testAuthentication":
        if "expect" in vector:
            return "accepted"
        known = vector["error"]["category"] == "payload_validation"
        return {"category": "payload_validation"} if known else "refused"
    if "error" in vector:
        error = vector["error"]
        keys = ("category", "response_status")
        return {key: error[key] for key in keys if key in error}
    result = vector["expect"]["result"]
    if operation == "onDelete":
        return {"executed": 1}
    if operation == "onEvent":
        outputs = [one.get("output") for one in result if isinstance(one, dict)]
        return {"executed": outputs.count("Action Executed")}
    return [_recorded_batch(one, len(vector["input"]["events"])) for one in result]


def _recorded_batch(result: Any, size: int) -> list[str]:
    if not isinstance(result, dict) or "multistatus" not in result:
        return ["rejected"] * size
    return ["delivered" if one["status"] < 300 else "rejected" for one in result["multistatus"]]


def _recorded(request: Mapping[str, Any]) -> dict[str, Any]:
    headers = request.get("headers") or {}
    made = {"method": request["method"], "url": request["url"]}
    made |= {key: headers[key] for key in ("authorization", "content-type") if key in headers}
    return made | {key: request[key] for key in ("json", "body") if key in request}


def _sent(request: dc.Request) -> dict[str, Any]:
    headers = {key.lower(): value for key, value in request.headers.items()}
    made: dict[str, Any] = {"method": request.method, "url": request.url}
    made |= {key: headers[key] for key in ("authorization", "content-type") if key in headers}
    return made | ({} if request.body is None else {"json": json.loads(request.body)})


def _joined(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join batches, whose items are compared in any order; other requests keep their places."""
    batches = [one for one in requests if one["url"].endswith(BATCH)]
    others = [one for one in requests if not one["url"].endswith(BATCH)]
    if batches:
        items = [item for one in batches for item in one["json"]["batch"]]
        items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        others.append({**batches[0], "json": {"batch": items}})
    return others


def _without_bisection(transport: VectorTransport) -> tuple[list[dc.Request], bool]:
    """Drop the halves of batches that were refused as a whole."""
    kept: list[dc.Request] = []
    refused: list[str] = []
    for request, status in zip(transport.requests, transport.statuses, strict=True):
        if not request.url.endswith(BATCH):
            kept.append(request)
            continue
        items = [json.dumps(one) for one in json.loads(request.body or b"{}")["batch"]]
        if refused and all(item in refused for item in items):
            continue
        kept.append(request)
        if status in DIVISIBLE and len(items) > 1:
            refused += items
    return kept, len(kept) < len(transport.requests)
