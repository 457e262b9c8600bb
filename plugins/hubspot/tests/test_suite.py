"""The kit's standard checks, over every action."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import destination_core as dc
import destination_hubspot
from destination_core.testing import DestinationSuite, Reply, standard_event

AUDIENCE = {"computation_class": "audience", "computation_key": "vips"}


def answer(request: Any) -> Reply:
    """Answer what HubSpot answers: records under their trace ids, members by their ids."""
    if request.path.endswith("/add-and-remove"):
        change = request.json()
        return Reply(body={
            "recordsIdsAdded": change["recordIdsToAdd"],
            "recordIdsRemoved": change["recordIdsToRemove"],
            "recordIdsMissing": [],
        })  # fmt: skip
    if request.path.endswith("/associate/default"):
        return Reply(body={"status": "COMPLETE", "results": request.json()["inputs"]})
    if not request.body or "/batch/" not in request.path or request.path.startswith("/events"):
        return Reply(body={})
    asked = request.json()
    results = []
    for number, one in enumerate(asked["inputs"]):
        properties = one.get("properties") or {asked["idProperty"]: one["id"]}
        trace = {key: one[key] for key in ("objectWriteTraceId",) if key in one}
        results.append({"id": str(100 + number), "properties": properties, **trace})
    return Reply(body={"status": "COMPLETE", "results": results})


def partial(request: Any, refused: Collection[int]) -> Reply:
    """Refuse some of a batch: records one by one, with status 207; events all together."""
    if request.path.startswith("/events"):
        positions = {_position(one["email"]) for one in request.json()["inputs"]}
        error = {"category": "VALIDATION_ERROR", "message": "Property plan is not defined"}
        return Reply(400, {"status": "error", **error}) if positions & {*refused} else Reply(204)
    results = answer(request).body["results"]
    errors = [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "Property values were not valid",
            "context": {"objectWriteTraceId": [str(number)]},
        }
        for number in refused
    ]
    taken = [one for number, one in enumerate(results) if number not in refused]
    body = {"status": "COMPLETE", "results": taken, "numErrors": len(errors), "errors": errors}
    return Reply(207, body)


def _position(email: str) -> int:
    """Return which of the suite's events it is: the others' addresses begin with a number."""
    first = email.partition(".")[0]
    return int(first) - 1 if first.isdigit() else 0


class TestHubSpot(DestinationSuite):
    """Default mappings, what a customer has to choose, and what was saved."""

    plugin = destination_hubspot
    settings: ClassVar = {
        "client_id": "client-of-the-suite",
        "client_secret": "secret-of-the-suite",
        "refresh_token": "refresh-of-the-suite",
        "requests_per_second": None,
        "user_id_property": "customer_number",
    }
    reply = answer
    partial = partial
    golden = Path(__file__).parent / "golden"
    readme = Path(__file__).parents[1] / "README.md"
    mappings: ClassVar = {
        "upsertObject": {"object_type": "tickets", "id_property": "ticket_number"},
    }
    subscriptions: ClassVar = {
        "upsertCompany": {"saved": dc.Saved({}, {"id_property": "account_number"})},
        "customEvent": {
            "saved": dc.Saved({"label": "Order"}, {"event_name": "pe123_order_completed"})
        },
    }
    audiences: ClassVar = [dc.Audience("vips", "VIPs", external_id="7")]
    samples: ClassVar = {
        "updateList": standard_event(
            "identify",
            traits={"email": "Ann@example.com", "vips": True},
            context={"personas": AUDIENCE},
        ),
    }
