"""Writing CRM records, many at a time: create, update or upsert, and what became of each.

Sources: developers.hubspot.com, CRM API, objects, batch (at most 100 inputs a request), and "Error
handling", multi-status errors: with an ``objectWriteTraceId`` per input, one that is refused does
not take the others with it; the answer has status 207 and names the input in ``context``.

Contacts that are found by email are looked up first, then updated by their record IDs or created:
of HubSpot's own upsert its guide says that "partial upserts are not supported when using email".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import destination_core as dc
from destination_hubspot import hubspot_api
from destination_hubspot.hubspot_api import CONFLICT, NOT_FOUND, Ctx
from destination_hubspot.properties import EMAIL, RECORD_ID, key_of

BATCH: Final = 100
"""Records of one request."""

SYNC_MODES: Final = dc.SyncModes(
    default="upsert",
    choices=("upsert", "update", "add"),
    description="Upsert: update records, and create those that are missing. Update: leave out what"
    " is missing. Add: leave out what is there.",
)

CONTACTS: Final = "contacts"

ADDITIONAL_EMAILS: Final = "hs_additional_emails"
"""The other addresses of a contact, separated by ";": it is found by them as well."""

STAGE: Final = "lifecyclestage"

UNSAID: Final = "HubSpot's answer does not say what became of this record"


@dataclass(frozen=True, slots=True)
class Record:
    """One record to write: the value it is found by, and its properties."""

    value: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Written:
    """What became of one record: its id at HubSpot and the properties that it has now."""

    outcome: dc.Outcome
    id: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Input:
    """One input of a request: what several payloads say of one record, in their order."""

    key: str
    properties: dict[str, str]
    id: str | None = None


Attempted = Record | dc.InvalidPayload


def attempt(make: Callable[[], Record]) -> Attempted:
    """Make a record, or return why it cannot be: one payload must not stop its neighbours."""
    try:
        return make()
    except dc.InvalidPayload as error:
        return error


async def write(
    ctx: Ctx, object_type: str, id_property: str, records: Sequence[Attempted], mode: str
) -> list[Written]:
    """Write records of one type, found by one property; return what became of each, in order.

    ``mode`` is a sync mode: upsert, update or add. HubSpot refuses a batch that has an id twice:
    what several records say of the same value is one input, unless their order counts or HubSpot
    refuses that; then they go one after the other. Raises ``DeliveryError`` when all are refused.
    """
    written = [Written(dc.Outcome(None if isinstance(one, Record) else one)) for one in records]
    queues: dict[str, list[int]] = {}
    for index, one in enumerate(records):
        if isinstance(one, Record):
            queues.setdefault(key_of(id_property, one.value), []).append(index)
    request = _Request(ctx, object_type, id_property)

    async def send(turns: Mapping[str, Sequence[int]]) -> dict[str, Written]:
        inputs = [_Input(key, _merged(records, places)) for key, places in turns.items()]
        return await request.send(inputs, mode) if inputs else {}

    if mode != "add":
        together = {key: places for key, places in queues.items() if _agree(records, places)}
        for key, result in (await send(together)).items():
            if len(queues[key]) == 1 or not isinstance(result.outcome.error, dc.PermanentError):
                for index in queues.pop(key):
                    written[index] = result
    while queues:
        turns = {key: places[:1] for key, places in queues.items()}
        for key, result in (await send(turns)).items():
            written[queues[key].pop(0)] = result
        queues = {key: places for key, places in queues.items() if places}
    return written


def _agree(records: Sequence[Attempted], places: Iterable[int]) -> bool:
    """Tell whether records may be one: stages only move forward, so that each one counts."""
    found = [records[place] for place in places]
    stages = {one.properties.get(STAGE) for one in found if isinstance(one, Record)}
    return len(stages - {None}) <= 1


def _merged(records: Sequence[Attempted], places: Iterable[int]) -> dict[str, str]:
    """Return what records say together, the last word counting."""
    merged: dict[str, str] = {}
    for one in (records[place] for place in places):
        if isinstance(one, Record):
            merged.update(one.properties)
    return merged


def raise_for(ctx: Ctx, outcomes: Sequence[dc.Outcome]) -> None:
    """Settle a single payload by its outcome: raise its error, or hand on its warnings."""
    (outcome,) = outcomes
    if outcome.error is not None:
        raise outcome.error
    for warning in outcome.warnings:
        ctx.warn(warning)


async def find(
    ctx: Ctx, object_type: str, id_property: str, values: Iterable[str]
) -> dict[str, str]:
    """Return the ids of the records that are there, by the key of what they are found by."""
    keys = list(dict.fromkeys(key_of(id_property, one) for one in values))
    inputs = [_Input(key, {}) for key in keys]
    await _Request(ctx, object_type, id_property).look_up(inputs)
    return {one.key: one.id for one in inputs if one.id is not None}


class _Request:
    """The requests about records of one type that are found by one property."""

    def __init__(self, ctx: Ctx, object_type: str, id_property: str) -> None:
        self._ctx = ctx
        self._path = f"/crm/v3/objects/{dc.segment(object_type)}/batch"
        self._type = object_type
        self._by = id_property
        self._by_email = id_property == EMAIL and object_type == CONTACTS

    async def send(self, inputs: list[_Input], mode: str) -> dict[str, Written]:
        """Write inputs; return what became of each, by its key."""
        if self._by == RECORD_ID:
            if mode == "add":
                raise dc.InvalidPayload(
                    f"{RECORD_ID} is given by HubSpot: with sync mode 'add' records must be found"
                    f" by another property"
                )
            await self.look_up(inputs)
            return await self._update(inputs)
        if mode == "upsert" and not self._by_email:
            return await self._post("upsert", inputs)
        await self.look_up(inputs)
        settled: dict[str, Written] = {}
        if mode != "add":
            settled |= await self._update([one for one in inputs if one.id is not None])
        if mode != "update":
            settled |= await self._post("create", [one for one in inputs if one.id is None])
        why = "there is none" if mode == "update" else "it is there already"
        return {one.key: settled.get(one.key) or self._left_out(one, why) for one in inputs}

    async def _update(self, inputs: Sequence[_Input]) -> dict[str, Written]:
        """Update records that are there; what they are found by stays as it is."""
        for one in inputs:
            one.properties.pop(self._by, None)
        changed = await self._post("update", [one for one in inputs if one.properties])
        same = {one.key: Written(dc.Outcome(), one.id) for one in inputs if not one.properties}
        return changed | same

    async def look_up(self, inputs: Sequence[_Input]) -> None:
        """Give the inputs the ids of their records, where there are any."""
        if self._by == RECORD_ID:
            for one in inputs:
                one.id = one.key
            return
        body = {
            "idProperty": self._by,
            "inputs": [{"id": one.key} for one in inputs],
            "properties": [self._by] + ([ADDITIONAL_EMAILS] if self._by_email else []),
        }
        answer = await hubspot_api.ask_for(self._ctx, "POST", f"{self._path}/read", json=body)
        for error in answer.get("errors") or []:
            status = hubspot_api.status_of(error)
            if status != NOT_FOUND:
                raise dc.error_of(status, f"{self._path}/read: {hubspot_api.said(error)}")
        ids = {key: one["id"] for one in answer.get("results") or [] for key in self._keys(one)}
        for one in inputs:
            one.id = ids.get(one.key)

    async def _post(self, verb: str, inputs: Sequence[_Input]) -> dict[str, Written]:
        if not inputs:
            return {}
        body = {"inputs": [self._input(verb, n, one) for n, one in enumerate(inputs)]}
        try:
            answer = await hubspot_api.ask_for(self._ctx, "POST", f"{self._path}/{verb}", json=body)
        except dc.PermanentError as refused:
            raise self._conflict(verb, refused) from None
        settled = dc.MultiStatus(len(inputs))
        written: dict[int, Mapping[str, Any]] = {}
        errors = answer.get("errors") or []
        for error in errors:
            for index in self._places(error, inputs) or settled.left:
                words = f"{self._type} {self._by}: {hubspot_api.said(error)}"
                meant = dc.error_of(hubspot_api.status_of(error), words)
                settled.refuse(index, self._conflict(verb, meant))
        for result in answer.get("results") or []:
            place = self._place(result, inputs)
            if place is not None:
                settled.accept(place)
                written[place] = result
        if not errors and not answer.get("numErrors"):
            settled.accept_rest()
        outcomes = settled.outcomes(unsaid=dc.RetryableError(UNSAID))
        made = {}
        for index, (one, outcome) in enumerate(zip(inputs, outcomes, strict=True)):
            result = written.get(index, {})
            made[one.key] = Written(outcome, result.get("id"), result.get("properties") or {})
        return made

    def _conflict(self, verb: str, error: dc.DeliveryError) -> dc.DeliveryError:
        """Return the error of a write: a contact made since it was looked up is there next time."""
        if verb == "create" and self._by_email and error.status == CONFLICT:
            return dc.RetryableError(
                str(error), detail=error.detail, code=error.code, status=CONFLICT
            )
        return error

    def _input(self, verb: str, number: int, one: _Input) -> dict[str, Any]:
        made: dict[str, Any] = {"properties": one.properties, "objectWriteTraceId": str(number)}
        if verb == "update":
            return {"id": one.id, **made}
        made["properties"] = {**one.properties, self._by: one.key}
        return made if verb == "create" else {"idProperty": self._by, "id": one.key, **made}

    def _left_out(self, one: _Input, why: str) -> Written:
        """Settle what the sync mode leaves out: nothing is wrong, and nothing was written."""
        warning = f"nothing was written for {self._by} of {self._type}: {why}"
        return Written(dc.Outcome(None, (warning,)), one.id)

    def _places(self, error: Mapping[str, Any], inputs: Sequence[_Input]) -> list[int]:
        """Return the inputs that an error names: by trace id, or by id."""
        context = error.get("context") or {}
        traces = {str(one) for one in context.get("objectWriteTraceId") or ()}
        ids = {key_of(self._by, str(one)) for one in context.get("ids") or ()}
        return [
            index
            for index, one in enumerate(inputs)
            if str(index) in traces or one.key in ids or (one.id is not None and one.id in ids)
        ]

    def _place(self, result: Mapping[str, Any], inputs: Sequence[_Input]) -> int | None:
        """Return the input that a result is of: by trace id, record id, or what it is found by."""
        trace = result.get("objectWriteTraceId")
        keys = self._keys(result)
        for index, one in enumerate(inputs):
            if trace == str(index) or (one.id is not None and one.id == result.get("id")):
                return index
            if trace is None and one.key in keys:
                return index
        return None

    def _keys(self, result: Mapping[str, Any]) -> set[str]:
        """Return what a record is found by: for contacts their other addresses too."""
        properties = result.get("properties") or {}
        values = [properties.get(self._by)]
        if self._by_email:
            values += str(properties.get(ADDITIONAL_EMAILS) or "").split(";")
        return {key_of(self._by, str(one)) for one in values if one}
