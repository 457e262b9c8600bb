"""CRM records: batch create, read, update and upsert, with or without multi-status errors."""

from typing import Any

from aiohttp import web

from plugins.hubspot.tests.simulator.problems import Problem, invalid, missing
from plugins.hubspot.tests.simulator.properties import STAGES, Properties

INPUTS = 100
"""Inputs of one batch."""

ADDITIONAL = "hs_additional_emails"


class Objects:
    """The records of an account, by object type and id.

    ``all_or_nothing`` refuses a whole batch for one input, trace ids or not, unless it is one of
    create, of which alone HubSpot says otherwise; ``echoes`` puts trace ids into results. An upsert
    by email clears what it does not name: HubSpot does not support partial ones.
    """

    def __init__(self, properties: Properties) -> None:
        self.records: dict[str, dict[str, dict[str, str]]] = {}
        self.blocked: set[str] = set()
        self.associations: set[tuple[str, str]] = set()
        self.all_or_nothing = False
        self.echoes = True
        self._properties = properties
        self._last = 100

    def add(self, kind: str, **properties: str) -> str:
        """Put a record there; return its id."""
        self._last += 1
        self.of(kind)[str(self._last)] = dict(properties)
        return str(self._last)

    def of(self, kind: str) -> dict[str, dict[str, str]]:
        """Return the records of a type by id."""
        return self.records.setdefault(kind, {})

    async def list_all(self, request: web.Request) -> web.Response:
        """Answer GET /crm/v3/objects/{type}."""
        kind = request.match_info["kind"]
        limit = int(request.query.get("limit", "10"))
        found = [self._shown(kind, one) for one in list(self.of(kind))[:limit]]
        return web.json_response({"results": found})

    async def batch(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v3/objects/{type}/batch/{verb}."""
        kind, verb = request.match_info["kind"], request.match_info["verb"]
        self._properties.typed(kind)
        body = await request.json()
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise invalid("Invalid input JSON: inputs must not be empty")
        if len(inputs) > INPUTS:
            raise invalid(f"No more than {INPUTS} inputs are allowed; there are {len(inputs)}")
        ids = [one["id"] for one in inputs if "id" in one]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise invalid(f"Duplicate IDs found in batch input: {twice}. IDs must be unique")
        if verb == "read":
            return self._read(kind, body)
        return self._write(kind, verb, inputs)

    async def associate(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v4/associations/{from}/{to}/batch/associate/default."""
        kinds = request.match_info["from_kind"], request.match_info["to_kind"]
        results, errors = [], []
        for one in (await request.json())["inputs"]:
            pair = one["from"]["id"], one["to"]["id"]
            if any(place not in self.of(kind) for kind, place in zip(kinds, pair, strict=True)):
                errors.append(missing("One or more associations are invalid", *pair).entry(None))
                continue
            self.associations.add(pair)
            spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
            results += [
                {"from": {"id": one}, "to": {"id": other}, "associationSpec": spec}
                for one, other in (pair, pair[::-1])
            ]
        return _answer(200, results, errors)

    async def forget(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v3/objects/contacts/gdpr-delete."""
        body = await request.json()
        value, by = body["objectId"], body.get("idProperty")
        found = self._find("contacts", by, value)
        if found is not None:
            del self.of("contacts")[found]
        elif by == "email":
            self.blocked.add(value)
        else:
            raise missing("resource not found", value)
        return web.Response(status=204)

    def _read(self, kind: str, body: dict[str, Any]) -> web.Response:
        by = body.get("idProperty")
        self._check_unique(kind, by)
        wanted = [one["id"] for one in body["inputs"]]
        found = {one: self._find(kind, by, one) for one in wanted}
        names = body.get("properties", ())
        results = [
            {**self._shown(kind, one), "properties": self._picked(kind, one, names)}
            for one in found.values()
            if one is not None
        ]
        absent = [one for one, there in found.items() if there is None]
        said = f"Could not get some {kind.upper()} objects, they may be deleted or not exist."
        errors = [missing(said, *absent).entry(None)] if absent else []
        return _answer(200, results, errors)

    def _write(self, kind: str, verb: str, inputs: list[dict[str, Any]]) -> web.Response:
        traces = [one.get("objectWriteTraceId") for one in inputs]
        traced = None not in traces and len(set(traces)) == len(traces)
        alone = traced and not (self.all_or_nothing and verb != "create")
        if not alone:  # one refusal is that of all: nothing is written
            for one in inputs:
                self._place(kind, verb, one)
        results, errors = [], []
        for one in inputs:
            trace = one.get("objectWriteTraceId")
            try:
                place = self._place(kind, verb, one)
            except Problem as problem:
                named = None if problem.category == "OBJECT_NOT_FOUND" else trace
                errors.append(problem.entry(named))
                continue
            new = place is None
            if place is not None and one.get("idProperty") == "email" and verb == "upsert":
                self.of(kind)[place].clear()
            place = self.add(kind) if place is None else place
            self._set(kind, place, one["properties"])
            shown = {**self._shown(kind, place), "properties": self._picked(
                kind, place, one["properties"])}  # fmt: skip
            if verb == "upsert":
                shown["new"] = new
            if self.echoes and trace is not None:
                shown["objectWriteTraceId"] = trace
            results.append(shown)
        return _answer(201 if verb == "create" else 200, results, errors)

    def _place(self, kind: str, verb: str, one: dict[str, Any]) -> str | None:
        """Return the id of the record that an input is about, None for a new one."""
        properties = one.get("properties", {})
        self._properties.check(kind, properties)
        if verb == "create":
            for name, value in properties.items():
                there = self._properties.is_unique(kind, name) and self._find(kind, name, value)
                if there:
                    said = f"{kind} already exists. Existing ID: {there}"
                    raise Problem(409, "CONFLICT", said)
            return None
        by = one.get("idProperty")
        self._check_unique(kind, by)
        if verb == "upsert" and by is None:
            raise invalid("idProperty is required to upsert")
        found = self._find(kind, by, one["id"])
        if found is None and verb == "update":
            raise missing("resource not found", one["id"])
        return found

    def _check_unique(self, kind: str, by: str | None) -> None:
        if by is not None and not self._properties.is_unique(kind, by):
            raise invalid(f"Unable to perform update/upsert by non-unique {kind} property {by}")

    def _find(self, kind: str, by: str | None, value: str) -> str | None:
        records = self.of(kind)
        if by is None:
            return value if value in records else None
        if by == "email":
            value = value.lower()
            for place, one in records.items():
                others = one.get(ADDITIONAL, "").split(";")
                if value in {one.get("email"), *others}:
                    return place
            return None
        return next((place for place, one in records.items() if one.get(by) == value), None)

    def _set(self, kind: str, place: str, properties: dict[str, str]) -> None:
        record = self.of(kind)[place]
        for name, value in properties.items():
            if name == "lifecyclestage" and value and _is_behind(value, record.get(name)):
                continue
            record[name] = value.lower() if name == "email" else value

    def _shown(self, kind: str, place: str) -> dict[str, Any]:
        moment = "2026-11-28T10:00:00.000Z"
        return {"id": place, "createdAt": moment, "updatedAt": moment, "archived": False,
                "properties": dict(self.of(kind)[place])}  # fmt: skip

    def _picked(self, kind: str, place: str, names: Any) -> dict[str, str | None]:
        record = self.of(kind)[place]
        return {"hs_object_id": place, **{name: record.get(name) for name in names}}


def _is_behind(stage: str, current: str | None) -> bool:
    return bool(current) and STAGES.index(stage) < STAGES.index(current)


def _answer(status: int, results: list[Any], errors: list[Any]) -> web.Response:
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": "2026-11-28T10:00:00.000Z",
        "completedAt": "2026-11-28T10:00:00.010Z",
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return web.json_response(body, status=207 if errors else status)
