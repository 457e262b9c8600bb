"""The kit's standard checks, over every action."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import destination_customerio
from destination_core.testing import DestinationSuite, Recorded, Reply, standard_event


def answer(request: Recorded) -> Reply:
    """Answer what the Track API answers: the region where it is asked for."""
    return Reply(body={"region": "us"} if request.path.endswith("/region") else {})


def partial(request: Recorded, refused: Collection[int]) -> Reply:
    """Answer a batch of which some are refused: 207, and an error for each of them."""
    errors = [
        {"batch_index": number, "reason": "invalid", "field": "name", "message": "is refused"}
        for number in refused
    ]
    return Reply(207, {"errors": errors})


def track(event: str, **properties: Any) -> dict[str, Any]:
    """Make a track event of this name."""
    return standard_event("track", event=event, properties=properties)


class TestCustomerIo(DestinationSuite):
    """Quick Setup's settings, and events for the actions that no standard event is for."""

    plugin = destination_customerio
    settings: ClassVar = {"site_id": "site-of-the-suite", "api_key": "key-of-the-suite"}
    reply = answer
    partial = partial
    golden = Path(__file__).parent / "golden"
    samples: ClassVar = {
        "createUpdateObject": standard_event("group", traits={"objectAttributes": {"name": "A"}}),
        "deleteObject": track("Object Deleted", objectId="g-1"),
        "deleteRelationship": track("Relationship Deleted", objectId="g-1"),
        "reportContentEvent": track("Report Content Event", actionType="clicked_content"),
        "reportDeliveryEvent": track("Report Delivery Event", deliveryId="D-1", metric="opened"),
        "trackAnonymousEvent": {
            key: value
            for key, value in standard_event("track", event="Seen").items()
            if key != "userId"
        },
    }
