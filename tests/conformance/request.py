"""Vectors of kind ``request``: the request client, what is built with it, errors, codes."""

from typing import Final

import destination_core as dc
from destination_core.http import code_of
from tests.conformance import client, destination, retrying
from tests.conformance.verdict import Result, Vector

USUAL_STATUS: Final = {
    dc.RetryableError: 500,
    dc.InvalidAuthentication: 401,
    dc.InvalidPayload: 400,
}
"""What Segment's objects say when nobody gave a status; ours have one only from a response."""


def wanted(vector: Vector) -> Vector:
    """Bring what was recorded into the form that ``run`` gives."""
    return destination.wanted(vector) if vector["input"]["op"] == "destination" else vector


def run(vector: Vector) -> Result:
    """Run one vector through the public engine."""
    given = vector["input"]
    match given["op"]:
        case "request":
            return client.run(given)
        case "destination":
            return destination.run(vector)
        case "retry":
            return retrying.run(given)
        case "audience_membership":
            said = dc.membership(given["event"] or {}, given.get("sync_mode"))
            return Result(expect={"membership": said})
        case "error_codes":
            return Result(expect={"codes": {str(one): code_of(one) for one in given["statuses"]}})
        case _:
            return _error_object(given["error"])


def _error_object(given: Vector) -> Result:
    error = destination.error_of(given)
    # Segment's objects always have a status; ours only when a response had one
    status = error.status or USUAL_STATUS.get(type(error))
    made = {"name": given["type"], "message": str(error), "code": error.code, "status": status}
    return Result(expect=made)
