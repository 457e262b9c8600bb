"""Custom events: their definitions, and what was sent of them."""

import re
from typing import Any

from aiohttp import web

from plugins.hubspot.tests.simulator.problems import Problem, invalid, missing

EVENTS = 500
"""Events of one batch."""

PROPERTIES = 50
"""Properties of one event."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
OBJECTS = {"CONTACT", "COMPANY", "DEAL", "TICKET"}


class Events:
    """The custom events of an account by name, and those that were sent."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []
        self.page = 2

    def define(self, name: str, *properties: str, label: str = "", kind: str = "CONTACT") -> str:
        """Define an event; return its fully qualified name."""
        self.definitions[name] = {
            "name": name,
            "fullyQualifiedName": f"pe123_{name}",
            "labels": {"singular": label or name},
            "primaryObject": kind,
            "properties": [{"name": one, "type": "string"} for one in properties],
        }
        return f"pe123_{name}"

    async def list_all(self, request: web.Request) -> web.Response:
        """Answer GET /events/v3/event-definitions."""
        wanted = request.query.get("searchString", "")
        found = [one for name, one in sorted(self.definitions.items()) if wanted in name]
        start = int(request.query.get("after", "0"))
        size = min(int(request.query.get("limit", "10")), self.page)
        body: dict[str, Any] = {"results": found[start : start + size], "total": len(found)}
        if start + size < len(found):
            body["paging"] = {"next": {"after": str(start + size)}}
        return web.json_response(body)

    async def get(self, request: web.Request) -> web.Response:
        """Answer GET /events/v3/event-definitions/{name}."""
        name = request.match_info["name"]
        if name not in self.definitions:
            raise missing(f"No event definition {name}")
        return web.json_response(self.definitions[name])

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST /events/v3/event-definitions."""
        body = await request.json()
        name = body.get("name") or ""
        if not body.get("label") or not NAME.fullmatch(name):
            raise invalid(f"Invalid event definition: label {body.get('label')!r}, name {name!r}")
        if body.get("primaryObject", "CONTACT") not in OBJECTS:
            raise invalid(f"primaryObject {body['primaryObject']} is invalid")
        if name in self.definitions:
            raise Problem(409, "OBJECT_ALREADY_EXISTS", f"An event named {name} already exists")
        own = [one["name"] for one in body.get("propertyDefinitions", [])]
        if not all(NAME.fullmatch(one) for one in own):
            raise invalid(f"Property names {own} are invalid")
        self.define(name, *own, label=body["label"], kind=body.get("primaryObject", "CONTACT"))
        return web.json_response(self.definitions[name], status=201)

    async def send(self, request: web.Request) -> web.Response:
        """Answer POST /events/v3/send."""
        event = await request.json()
        self._check(event)
        self.sent.append(event)
        return web.Response(status=204)

    async def send_batch(self, request: web.Request) -> web.Response:
        """Answer POST /events/v3/send/batch: all of them, or none."""
        events = (await request.json()).get("inputs") or []
        if not 0 < len(events) <= EVENTS:
            raise invalid(f"inputs must have 1 to {EVENTS} events, has {len(events)}")
        for event in events:
            self._check(event)
        self.sent += events
        return web.Response(status=204)

    def _check(self, event: dict[str, Any]) -> None:
        name = event.get("eventName")
        found = next(
            (one for one in self.definitions.values() if one["fullyQualifiedName"] == name), None
        )
        if found is None:
            raise invalid(f"No event definition found for {name}")
        if not any(event.get(one) for one in ("email", "utk", "objectId")):
            raise invalid("One of email, utk and objectId is required")
        properties = event.get("properties", {})
        if len(properties) > PROPERTIES:
            raise invalid(f"An event has at most {PROPERTIES} properties")
        known = {one["name"] for one in found["properties"]}
        for key in properties:
            if not NAME.fullmatch(key) or not (key in known or key.startswith("hs_")):
                raise invalid(f"Property {key} is not defined for {name}")
