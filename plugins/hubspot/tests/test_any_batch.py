"""Any batch ends like its events one by one: contacts, and the members of a list."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import destination_core as dc
from plugins.hubspot.tests.sending import identify, member, outcomes, sent, subscription
from plugins.hubspot.tests.simulator import HubSpot
from plugins.hubspot.tests.simulator.properties import STAGES

EVENT = st.tuples(
    st.sampled_from(["ann@example.com", "Ann@Example.com", "bob@example.com", "cid@x.test", None]),
    st.sampled_from(["lead", "customer", "king", None]),
    st.sampled_from(["A", "B", "C"]),
)


def expected(
    there: set[str], mode: str, events: list[tuple[str | None, str | None, str]]
) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Apply the events one by one to a model of the account."""
    contacts: dict[str, dict[str, str]] = {one: {} for one in there}
    settled = []
    for address, stage, name in events:
        email = (address or "").lower()
        if not email:
            settled.append("rejected")
            continue
        left_out = (
            email in contacts if mode == "add" else mode == "update" and email not in contacts
        )
        if not left_out and stage == "king":
            settled.append("refused")
            continue
        settled.append("delivered")
        if not left_out:
            contact = contacts.setdefault(email, {})
            contact["firstname"] = name
            ahead = stage and STAGES.index(stage) >= STAGES.index(contact.get("stage", STAGES[0]))
            if stage and ahead:
                contact["stage"] = stage
    return settled, contacts


@pytest.mark.parametrize("whole", [False, True], ids=["multi-status", "all-or-nothing"])
@pytest.mark.parametrize("mode", ["upsert", "update", "add"])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(EVENT, min_size=1, max_size=12), there=st.sets(st.just("ann@example.com")))
def test_a_batch_ends_like_its_events_one_by_one(
    mode: str, whole: bool, events: list[tuple[str | None, str | None, str]], there: set[str]
) -> None:
    """Same outcome for every event, same contacts: whatever is invalid, and said how often."""

    async def run() -> tuple[list[str], dict[str, dict[str, Any]]]:
        async with HubSpot() as hub:
            hub.objects.all_or_nothing = whole
            for email in there:
                hub.objects.add("contacts", email=email)
            chosen = subscription("upsertContact", mode, lifecyclestage={"@path": "$.traits.stage"})
            made = [
                identify(email, first_name=name, **({} if stage is None else {"stage": stage}))
                for email, stage, name in events
            ]
            deliveries = await sent(hub, chosen, *made)
            found = {
                one["email"]: {
                    key: one[name]
                    for key, name in (("firstname", "firstname"), ("stage", "lifecyclestage"))
                    if one.get(name)
                }
                for one in hub.objects.of("contacts").values()
            }
            return outcomes(deliveries), found

    assert asyncio.run(run()) == expected(there, mode, events)


MOVE = st.tuples(
    st.sampled_from(["ann@example.com", "Ann@Example.com", "bob@example.com", "cid@x.test"]),
    st.sampled_from([True, False, None]),
)


def moved(mode: str, moves: list[tuple[str, bool | None]]) -> tuple[list[str], set[str]]:
    """Apply the moves one by one to a model of the list, in which ann is."""
    members, settled = {"ann@example.com"}, []
    for address, said in moves:
        if said is None and mode == "mirror":
            settled.append("rejected")
            continue
        settled.append("delivered")
        comes = mode == "add" if said is None else said
        if comes and mode != "delete":
            members.add(address.lower())
        elif not comes and mode != "add":
            members.discard(address.lower())
    return settled, members


@pytest.mark.parametrize("mode", ["mirror", "add", "delete"])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=st.lists(MOVE, min_size=1, max_size=12))
def test_a_list_ends_like_its_moves_one_by_one(
    mode: str, moves: list[tuple[str, bool | None]]
) -> None:
    """Same outcome for every event, same members: whoever comes and goes, however often."""

    async def run() -> tuple[list[str], set[str]]:
        async with HubSpot() as hub:
            list_id = hub.lists.add("VIPs")
            hub.lists.members[list_id].add(hub.objects.add("contacts", email="ann@example.com"))
            deliveries = await sent(
                hub,
                subscription("updateList", mode),
                *[member(email, said) for email, said in moves],
                audiences=[dc.Audience("vips", "VIPs", external_id=list_id)],
            )
            contacts = hub.objects.of("contacts")
            there = {contacts[one]["email"] for one in hub.lists.members[list_id]}
            return outcomes(deliveries), there

    assert asyncio.run(run()) == moved(mode, moves)
