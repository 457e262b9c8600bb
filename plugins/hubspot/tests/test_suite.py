"""The kit's standard checks, over every action."""

from pathlib import Path
from typing import Any, ClassVar

import destination_hubspot
from destination_core.testing import DestinationSuite, Reply, standard_event

AUDIENCE = {"computation_class": "audience", "computation_key": "vips", "external_audience_id": "7"}


def answer(request: Any) -> Reply:
    """Answer what HubSpot answers: records under their trace ids, members by their ids."""
    if request.path.endswith("/add-and-remove"):
        change = request.json()
        return Reply(body={
            "recordsIdsAdded": change["recordIdsToAdd"],
            "recordIdsRemoved": change["recordIdsToRemove"],
            "recordIdsMissing": [],
        })  # fmt: skip
    if not request.body or "/batch/" not in request.path or request.path.startswith("/events"):
        return Reply(body={})
    asked = request.json()
    results = []
    for number, one in enumerate(asked["inputs"]):
        properties = one.get("properties") or {asked["idProperty"]: one["id"]}
        trace = {key: one[key] for key in ("objectWriteTraceId",) if key in one}
        results.append({"id": str(100 + number), "properties": properties, **trace})
    return Reply(body={"status": "COMPLETE", "results": results})


class TestHubSpot(DestinationSuite):
    """Default mappings, and what a customer has to choose."""

    plugin = destination_hubspot
    settings: ClassVar = {
        "client_id": "client-of-the-suite",
        "client_secret": "secret-of-the-suite",
        "refresh_token": "refresh-of-the-suite",
        "requests_per_second": None,
        "user_id_property": "customer_number",
    }
    reply = answer
    golden = Path(__file__).parent / "golden"
    readme = Path(__file__).parents[1] / "README.md"
    mappings: ClassVar = {
        "upsertObject": {"object_type": "tickets", "id_property": "ticket_number"},
        "customEvent": {"event_name": "pe123_order_completed"},
    }
    samples: ClassVar = {
        "updateList": standard_event(
            "identify",
            traits={"email": "Ann@example.com", "vips": True},
            context={"personas": AUDIENCE},
        ),
    }
