"""Upsert Object against the simulator: tickets, and objects of the account's own."""

from typing import Any

import pytest

from plugins.hubspot.tests.sending import outcomes, sent, subscription, track
from plugins.hubspot.tests.simulator import HubSpot


def pet(chip: str, **properties: Any) -> dict[str, Any]:
    return track("Pet Seen", properties={"id": chip, "pet": {"chip": chip, **properties}})


MAPPING = {
    "object_type": "p123_pets",
    "id_property": "chip",
    "properties": {"@path": "$.properties.pet"},
}


@pytest.mark.parametrize(
    ("mode", "names", "warned"),
    [
        ("upsert", {"c-1": "Rex", "c-2": "Tom"}, [False, False]),
        ("update", {"c-1": "Rex"}, [False, True]),
        ("add", {"c-1": "Old", "c-2": "Tom"}, [True, False]),
    ],
    ids=["upsert", "update", "add"],
)
async def test_custom_objects_are_synced_by_mode(
    hub: HubSpot, mode: str, names: dict[str, str], warned: list[bool]
) -> None:
    """Every mode writes what it is named for, and warns about the rest."""
    hub.objects.add("p123_pets", chip="c-1", name="Old")
    events = [pet("c-1", name="Rex"), pet("c-2", name="Tom")]
    deliveries = await sent(hub, subscription("upsertObject", mode, **MAPPING), *events)
    assert outcomes(deliveries) == ["delivered"] * 2
    assert [bool(one.warnings) for one in deliveries] == warned
    found = {one["chip"]: one["name"] for one in hub.objects.of("p123_pets").values()}
    assert found == names


async def test_batches_hold_one_type_of_object(hub: HubSpot) -> None:
    """The object type is a batch key: one request each."""
    chosen = subscription(
        "upsertObject",
        object_type={"@path": "$.properties.kind"},
        id_property={"@path": "$.properties.by"},
        properties={},
    )
    kinds = [("p123_pets", "chip"), ("tickets", "ticket_number"), ("p123_pets", "chip")]
    events = [
        track(properties={"id": f"n-{n}", "kind": kind, "by": by})
        for n, (kind, by) in enumerate(kinds)
    ]
    assert outcomes(await sent(hub, chosen, *events)) == ["delivered"] * 3
    assert sorted(hub.paths()) == [
        "/crm/v3/objects/p123_pets/batch/upsert",
        "/crm/v3/objects/tickets/batch/upsert",
    ]


async def test_a_type_that_is_not_there_is_refused(hub: HubSpot) -> None:
    """In HubSpot's words."""
    chosen = subscription("upsertObject", object_type="p1_dragons", id_property="name")
    (delivery,) = await sent(hub, chosen, track(properties={"id": "1"}))
    assert delivery.error is not None
    assert (delivery.status, delivery.error.code) == ("refused", "NOT_FOUND")
    assert "p1_dragons" in delivery.reason


async def test_a_type_is_one_part_of_the_path(hub: HubSpot) -> None:
    """Nothing in it names another resource."""
    chosen = subscription("upsertObject", object_type="../lists", id_property="name")
    (delivery,) = await sent(hub, chosen, track(properties={"id": "1"}))
    assert delivery.status == "refused"
    assert hub.asked[-1][1] == "/crm/v3/objects/../lists/batch/upsert"
