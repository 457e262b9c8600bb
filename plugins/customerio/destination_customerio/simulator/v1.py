"""The v1 calls: their own paths, bodies and messages; the effects are those of v2.

Messages: https://docs.customer.io/journeys/invalid-api-requests.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import orjson

from destination_customerio.simulator import checks
from destination_customerio.simulator.answers import (
    NOT_FOUND,
    OK,
    Answer,
    refused_v1,
    refused_v1_once,
)
from destination_customerio.simulator.rules import MERGE_IDENTIFIERS, V1_METRICS, Rules
from destination_customerio.simulator.validation import (
    Entity,
    device_problems,
    identifying_attributes,
    problems_of,
)

_RELATIONSHIPS = frozenset({"add_relationships", "delete_relationships"})


class TrackV1:
    """Answer v1 calls; accepted ones are handed to ``apply`` as v2 entities."""

    def __init__(self, rules: Rules, apply: Callable[[Entity], None]) -> None:
        self._rules = rules
        self._apply = apply

    def answer(self, method: str, path: list[str], body: Any) -> Answer:
        """Return the answer to a call; ``path`` holds the raw segments after ``/api/v1``."""
        match method, path:
            case "POST", ["events"]:
                return self._anonymous_event(body)
            case "POST", ["merge_customers"]:
                return self._merge(body)
            case "POST", ["metrics"]:
                return self._metric(body)
            case _, ["customers", raw, *rest] if raw:
                return self._customer(method, person_identifier(unquote(raw)), rest, body)
            case _:
                return NOT_FOUND

    def _customer(self, method: str, who: Entity, rest: list[str], body: Any) -> Answer:
        match method, rest:
            case "PUT", []:
                return self._identify(who, body)
            case "DELETE", []:
                return self._do("delete", who)
            case "POST", ["events"]:
                return self._event(who, body)
            case "PUT", ["devices"]:
                return self._add_device(who, body)
            case "DELETE", ["devices", token] if token:
                return self._do("delete_device", who, device={"token": unquote(token)})
            case "POST", [("suppress" | "unsuppress") as action]:
                return self._do(action, who)
            case _:
                return NOT_FOUND

    def _do(self, action: str, who: Entity, **rest: Any) -> Answer:
        self._apply({"type": "person", "action": action, "identifiers": who} | rest)
        return OK

    def _identify(self, who: Entity, body: Any) -> Answer:
        if not isinstance(body, dict):
            return refused_v1_once("attributes must be a hash")
        error = next(self._identify_errors(who, body), None)
        if error is not None:
            return refused_v1_once(error)
        given = body.get("cio_relationships")
        attributes = {name: value for name, value in body.items() if name != "cio_relationships"}
        self._do("identify", who, attributes=attributes, timestamp=body.get("_timestamp"))
        if given:
            return self._do(given["action"], who, cio_relationships=given["relationships"])
        return OK

    def _identify_errors(self, who: Entity, body: Entity) -> Iterator[str]:
        rules = self._rules
        yield from self._identifier_errors(who)
        if len(body) > rules.attributes:
            yield f"cannot identify more than {rules.attributes} attributes in one request"
        given = body.get("cio_relationships")
        for name, value in body.items():
            if checks.longer_than(name, rules.attribute_name_bytes):
                yield f"attribute name cannot be longer than {rules.attribute_name_bytes} bytes"
            if value is given or name in checks.UNMEASURED:
                continue
            if checks.value_too_long(value, rules.attribute_value_bytes):
                limit = rules.attribute_value_bytes
                yield f"value for attribute '{name}' cannot be longer than {limit} bytes"
        for problem in identifying_attributes(body, "", rules):
            yield f"{problem.field} {problem.message}"
        for problem in checks.seconds(body.get("_timestamp"), "_timestamp", rules):
            yield f"{problem.field} {problem.message}"
        if given is not None:
            yield from self._relationship_errors(who, given)

    def _relationship_errors(self, who: Entity, given: Any) -> Iterator[str]:
        if not isinstance(given, dict) or given.get("action") not in _RELATIONSHIPS:
            yield "cio_relationships must be a hash with an action and relationships"
            return
        entity = {"type": "person", "action": given["action"], "identifiers": who}
        entity["cio_relationships"] = given.get("relationships")
        for problem in problems_of(entity, self._rules):
            yield f"{problem.field} {problem.message}"

    def _identifier_errors(self, who: Entity) -> Iterator[str]:
        if checks.longer_than(next(iter(who.values())), self._rules.id_bytes):
            yield f"id attribute cannot be longer than {self._rules.id_bytes} bytes"

    def _event(self, who: Entity, body: Any) -> Answer:
        errors = [*self._identifier_errors(who), *self._event_errors(body)]
        if errors:
            return refused_v1(errors)
        kind = body.get("type")
        return self._do(
            kind if kind in ("page", "screen") else "event",
            who,
            name=body["name"],
            id=body.get("id"),
            timestamp=body.get("timestamp"),
            attributes=body.get("data"),
        )

    def _event_errors(self, body: Any) -> Iterator[str]:
        rules = self._rules
        if not isinstance(body, dict):
            yield "event must be a hash"
            return
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            yield "event name must not be blank"
        elif checks.longer_than(name.strip(), rules.event_name_bytes):
            yield f"event name cannot be longer than {rules.event_name_bytes} bytes"
        data = body.get("data")
        if data is not None and not isinstance(data, dict):
            yield "event data must be a hash"
        elif data and len(orjson.dumps(data)) > rules.event_data_bytes:
            yield f"event data cannot be longer than {rules.event_data_bytes} bytes"
        for problem in checks.event_id(body.get("id"), "id", rules):
            yield f"id {problem.message}"
        for problem in checks.seconds(body.get("timestamp"), "timestamp", rules):
            yield f"timestamp {problem.message}"

    def _anonymous_event(self, body: Any) -> Answer:
        given = body.get("anonymous_id") if isinstance(body, dict) else None
        if given in (None, ""):
            # An event without a profile: nobody is ever attached to it.
            return self._event_of_nobody(body)
        errors = [p.message for p in checks.identifier("anonymous_id", given, "", self._rules)]
        if errors:
            return refused_v1([f"anonymous_id {errors[0]}"])
        return self._event({"anonymous_id": str(given)}, body)

    def _event_of_nobody(self, body: Any) -> Answer:
        return self._event({"anonymous_id": ""}, body)

    def _add_device(self, who: Entity, body: Any) -> Answer:
        device = body.get("device") if isinstance(body, dict) else None
        if not isinstance(device, dict):
            return refused_v1(["device must be a hash"])
        errors = list(self._identifier_errors(who))
        found = device_problems(device, "id", self._rules)
        errors.extend(f"{problem.field} {problem.message}" for problem in found)
        if errors:
            return refused_v1(errors)
        return self._do("add_device", who, device=device | {"token": device["id"]})

    def _merge(self, body: Any) -> Answer:
        if not isinstance(body, dict):
            return refused_v1_once("primary and secondary must be present")
        for side in ("primary", "secondary"):
            for problem in checks.identifiers(body.get(side), side, MERGE_IDENTIFIERS, self._rules):
                return refused_v1_once(f"{problem.field} {problem.message}")
        sides = {side: body[side] for side in ("primary", "secondary")}
        self._apply({"type": "person", "action": "merge"} | sides)
        return OK

    def _metric(self, body: Any) -> Answer:
        errors = list(self._metric_errors(body))
        if errors:
            return refused_v1(errors)
        known = ("delivery_id", "metric", "timestamp")
        self._apply(
            {
                "type": "delivery",
                "action": "event",
                "identifiers": {"id": body["delivery_id"]},
                "name": body["metric"],
                "timestamp": body.get("timestamp"),
                "attributes": {name: body[name] for name in body if name not in known},
            }
        )
        return OK

    def _metric_errors(self, body: Any) -> Iterator[str]:
        if not isinstance(body, dict):
            yield "metric must be a hash"
            return
        if not isinstance(body.get("delivery_id"), str) or not body["delivery_id"]:
            yield "delivery_id must be present"
        metric = body.get("metric")
        if not isinstance(metric, str) or metric not in V1_METRICS:
            yield f"metric must be one of {', '.join(sorted(V1_METRICS))}"
        for problem in checks.seconds(body.get("timestamp"), "timestamp", self._rules):
            yield f"timestamp {problem.message}"


def person_identifier(value: str) -> Entity:
    """Return the identifier that v1 sees in a path: its kind is guessed from its shape."""
    if value.startswith("cio_"):
        return {"cio_id": value.removeprefix("cio_")}
    if "@" in value:
        return {"email": value}
    return {"id": value}
