"""Field definitions and payloads: the vectors of kind ``validation``."""

import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.errors import InvalidPayload, PluginError
from destination_core.schema import PayloadSchema, payload_model, segment_schema
from tests.conformance.verdict import Result

DAMAGED: Final = re.compile("must be (a text|an object|true)|which is no field")


def run(vector: Mapping[str, Any]) -> Result:
    """Validate the payload, or print the schema of the fields; a batch follows the same rule."""
    given = vector["input"]
    try:
        if given["op"] == "schema":
            return Result(expect={"schema": segment_schema(given["fields"])})
        schema = PayloadSchema(payload_model("Payload", given["fields"]))
        return Result(expect={"payload": schema.validate(given["payload"]).to_json()})
    except PluginError as error:
        argued = "VAL-24" if DAMAGED.search(str(error)) else ""
        return Result(error={"phase": "schema", "messages": [str(error)]}, argued=argued)
    except InvalidPayload as error:
        return Result(
            error={
                "phase": "validate",
                "messages": [problem.message for problem in error.problems],
                "pointers": [problem.pointer for problem in error.problems],
            }
        )
