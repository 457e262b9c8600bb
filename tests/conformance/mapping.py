"""Vectors of kind ``mapping``: transform and transformBatch."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from destination_core import mapping
from destination_core.errors import InvalidMapping, InvalidPayload
from tests.conformance.verdict import Result

JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


def run(vector: Mapping[str, Any]) -> Result:
    """Run one vector through the public functions of ``destination_core.mapping``."""
    given = vector["input"]
    source: Any = copy.deepcopy(given["mapping"])
    data: Any = given["data"]
    batch = given["op"] == "transformBatch"
    if not isinstance(data, list if batch else dict):
        wanted = "an array" if batch else "an object"
        kind = JSON_TYPES.get(type(data), "number")
        return _error("input", "other", [f"data must be {wanted}, got {kind}"])
    moment = datetime.fromtimestamp(given.get("now_ms", 0) / 1000, UTC)
    try:
        compiled = mapping.compile(source, now=lambda: moment)
    except InvalidMapping as error:
        return _error("validate", "mapping_validation", list(error.problems))
    try:
        resolve: Any = compiled.resolve
        output = [resolve(one) for one in data] if batch else resolve(data)
    except InvalidPayload as error:
        category = "liquid" if error.code == "LIQUID_ERROR" else "other"
        return _error("resolve", category, [problem.message for problem in error.problems])
    argued = "MAP-03" if '"$[' in json.dumps(source) else ""
    expect = {"output": output}
    if given.get("report_mapping"):
        expect["mapping_after"] = source
    return Result(expect=expect, argued=argued)


def _error(phase: str, category: str, messages: list[str]) -> Result:
    root = any(message.startswith("The root") for message in messages)
    category = "other" if root else category
    return Result(error={"phase": phase, "category": category, "messages": messages})
