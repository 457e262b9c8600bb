"""Differences that `docs/deviations.md` lists, told by what they look like.

A recorded vector says which deviation it shows; a new case does not, so this is what keeps the
report short. What looks like a listed one but is not, stays hidden: keep these narrow.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.conformance.verdict import Verdict

Given = Mapping[str, Any]


def code_of(kind: str, given: Given, verdict: Verdict) -> str:
    """Return the code of the deviation that a failed verdict looks like, or nothing."""
    explain = _EXPLANATIONS.get(kind)
    return explain(given, verdict) if explain else ""


def _fql(given: Given, _: Verdict) -> str:
    text = str(given.get("fql"))
    if " or " in text and " and " in text:
        return "FQL-01"
    if "event" in given and not isinstance(given["event"], dict):
        return "FQL-26"
    return "FQL-16" if any(_is_falsy(one) for one in (given.get("event") or {}).values()) else ""


def _mapping(given: Given, verdict: Verdict) -> str:
    wanted, directives = _text(verdict.wanted), _text(given["mapping"])
    if "[object Object]" in wanted or "bject O" in wanted:
        return "MAP-05"
    if verdict.wanted == "" and "@replace" in directives:
        return "MAP-09"
    if verdict.wanted == {} or '{"": ' in wanted:
        return "MAP-14"
    if "requires a" in wanted:
        return "MAP-10" if "@json" in wanted else "MAP-06"
    if verdict.wanted == {"$undefined": True}:
        return "MAP-16"
    if re.search(r"\[\s*(\\?\"|')", directives):
        return "MAP-02"
    scalar_parent = re.search("@path|@arrayPath|{{", directives)
    return "MAP-01" if scalar_parent and not isinstance(verdict.wanted, dict | list) else ""


def _validation(given: Given, verdict: Verdict) -> str:
    fields, payload = _text(given["fields"]), _text(given.get("payload"))
    if given.get("mode") == "batch" and '""' in payload:
        return "VAL-05"
    if "[null" in payload:
        return "VAL-15"
    if "null" in payload:
        return "VAL-23"
    if '"datetime"' in fields:
        return "VAL-07"
    return "VAL-02" if "minimum" in fields or "maximum" in fields else ""


def _customerio(given: Given, verdict: Verdict) -> str:
    events = given.get("events") or [given.get("event") or {}]
    if not all(isinstance(one.get("type"), str) and one["type"] for one in events):
        return "FQL-26"  # an event without a type is none
    if "[null" in _text(given):
        return "VAL-15"
    if given["op"] == "onBatch" and '""' in _text(events):
        return "CIO-18"
    if "[object Object]" in _text(verdict.wanted):
        return "MAP-05"
    place, wanted = verdict.place, verdict.wanted
    if re.search(r"/(timestamp|last_used|created_at)$", place):
        return "CIO-09" if isinstance(verdict.got, int) else "CIO-10"
    if re.search(r"/(id|name|token|platform|app_version|email|\w+_id)$", place):
        return "CIO-07" if isinstance(wanted, int) else ""
    if isinstance(wanted, str) and isinstance(verdict.got, int):
        return "CIO-06"
    lacks_identifiers = isinstance(wanted, dict) and "identifiers" not in _text(wanted)
    return "CIO-05" if lacks_identifiers else ""


def _is_falsy(value: Any) -> bool:
    return value is False or value in (0, "")


def _text(value: Any) -> str:
    return json.dumps(value, default=repr, ensure_ascii=False)


_EXPLANATIONS = {
    "fql": _fql,
    "mapping": _mapping,
    "validation": _validation,
    "customerio": _customerio,
}
