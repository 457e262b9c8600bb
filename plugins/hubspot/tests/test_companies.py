"""Upsert Company against the simulator: the unique property that saving the mapping makes."""

from typing import Any

import pytest

import destination_core as dc
from destination_core.testing import standard_event
from destination_hubspot.actions.companies import Kept, Wanted
from plugins.hubspot.tests.sending import connection, outcomes, sent, subscription
from plugins.hubspot.tests.simulator import HubSpot


def group(number: int, **traits: Any) -> dict[str, Any]:
    return standard_event("group", groupId=f"g-{number}", traits={"name": "Acme", **traits})


async def save(hub: HubSpot, **inputs: Any) -> Kept:
    """Save a mapping with these inputs."""
    one = connection(hub)
    action = one.relay.destination.action("upsertCompany")
    async with dc.Engine([one]) as engine:
        return await engine.ask(
            "hubspot",
            lambda ctx: one.relay.on_mapping_save(ctx, action, Wanted(**inputs)),
        )


async def test_saving_makes_the_property_once(hub: HubSpot) -> None:
    """The first time it is made, unique; afterwards it is there."""
    for _ in range(2):
        assert (await save(hub)).id_property == "segment_group_id"
    assert hub.properties.of["companies"]["segment_group_id"]["hasUniqueValue"] is True
    assert hub.asked.count(("POST", "/crm/v3/properties/companies")) == 1


async def test_a_property_that_is_not_unique_is_not_taken(hub: HubSpot) -> None:
    """It could not find companies, and cannot be made unique."""
    with pytest.raises(dc.PermanentError, match="'domain' of companies is there and not unique"):
        await save(hub, id_property="domain")


async def test_companies_are_found_by_what_was_saved(hub: HubSpot) -> None:
    """The output of saving is available to the action, and goes before the mapping."""
    await save(hub, id_property="account_number")
    chosen = subscription("upsertCompany", saved=dc.Saved({}, {"id_property": "account_number"}))
    for name in ("Acme", "Acme Ltd"):
        deliveries = await sent(hub, chosen, group(1, name=name, employees=250), group(2))
        assert outcomes(deliveries) == ["delivered"] * 2
    found = list(hub.objects.of("companies").values())
    assert [one["account_number"] for one in found] == ["g-1", "g-2"]
    assert (found[0]["name"], found[0]["numberofemployees"]) == ("Acme Ltd", "250")


async def test_without_the_property_the_refusal_says_so(hub: HubSpot) -> None:
    """Whoever did not save the mapping reads what is missing."""
    (delivery,) = await sent(hub, subscription("upsertCompany"), group(1))
    assert delivery.status == "refused"
    assert '"segment_group_id" does not exist' in delivery.reason.replace("\\", "")


async def test_an_industry_that_hubspot_does_not_know_is_refused_alone(hub: HubSpot) -> None:
    """Its neighbours are written."""
    await save(hub)
    deliveries = await sent(
        hub, subscription("upsertCompany"), group(1, industry="Magic"), group(2, industry="TOYS")
    )
    assert outcomes(deliveries) == ["refused", "delivered"]
