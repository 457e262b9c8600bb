"""Upsert Contact against the simulator: modes, identifiers, and an outcome for each contact."""

import pytest

import destination_core as dc
from plugins.hubspot.tests.sending import identify, outcomes, sent, subscription
from plugins.hubspot.tests.simulator import HubSpot

BATCH = "/crm/v3/objects/contacts/batch"


def contacts(hub: HubSpot) -> list[dict[str, str]]:
    return list(hub.objects.of("contacts").values())


async def test_a_contact_is_created_and_then_updated(hub: HubSpot) -> None:
    """The same address in another case is the same contact."""
    for email, plan in (("Ann@Example.com", "Ann"), ("ann@example.com", "Anna")):
        (delivery,) = await sent(
            hub, subscription("upsertContact"), identify(email, first_name=plan)
        )
        assert delivery.ok, delivery.reason
    assert contacts(hub) == [{"email": "ann@example.com", "firstname": "Anna"}]


async def test_other_properties_are_written_as_hubspot_writes_them(hub: HubSpot) -> None:
    """Lists, numbers and null have HubSpot's forms; what is named twice counts as customer says."""
    hub.objects.add("contacts", email="a@example.com", website="old")
    mapping = {
        "properties": {"favourites": ["red", "blue"], "logins": 7, "website": None, "city": "Rome"}
    }
    (delivery,) = await sent(
        hub,
        subscription("upsertContact", **mapping),
        identify("a@example.com", address={"city": "Lyon"}),
    )
    assert delivery.ok, delivery.reason
    (found,) = contacts(hub)
    assert found["favourites"] == "red;blue"
    assert (found["logins"], found["website"], found["city"]) == ("7", "", "Rome")


async def test_a_batch_is_a_request_for_each_step(hub: HubSpot) -> None:
    """A hundred contacts a request: they are looked up, and those that are missing created."""
    events = [identify(f"p{n}@example.com") for n in range(250)]
    deliveries = await sent(hub, subscription("upsertContact"), *events)
    assert set(outcomes(deliveries)) == {"delivered"}
    assert len(contacts(hub)) == 250
    assert sorted(hub.paths()) == [f"{BATCH}/create"] * 3 + [f"{BATCH}/read"] * 3


async def test_what_hubspot_refuses_of_a_batch_does_not_take_the_rest_with_it(
    hub: HubSpot,
) -> None:
    """Status 207 settles each contact by itself, with Segment's code and HubSpot's words."""
    events = [identify(f"p{n}@example.com", stage="lead" if n != 1 else "king") for n in range(3)]
    chosen = subscription("upsertContact", lifecyclestage={"@path": "$.traits.stage"})
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered", "refused", "delivered"]
    error = deliveries[1].error
    assert error is not None
    assert (error.code, error.status) == ("BAD_REQUEST", 400)
    assert "king was not one of the allowed options" in str(error)
    assert [one["email"] for one in contacts(hub)] == ["p0@example.com", "p2@example.com"]
    assert hub.paths() == [f"{BATCH}/read", f"{BATCH}/create"]


async def test_a_batch_that_is_refused_as_a_whole_is_halved(hub: HubSpot) -> None:
    """Where HubSpot knows no partial answer, the culprit is found and the others are written."""
    hub.objects.all_or_nothing = True
    for number in range(5):
        hub.objects.add("contacts", email=f"p{number}@example.com")
    events = [identify(f"p{n}@example.com", stage="lead" if n != 2 else "king") for n in range(5)]
    chosen = subscription("upsertContact", lifecyclestage={"@path": "$.traits.stage"})
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered"] * 2 + ["refused"] + ["delivered"] * 2
    stages = [one.get("lifecyclestage") for one in contacts(hub)]
    assert stages == ["lead", "lead", None, "lead", "lead"]


async def test_one_contact_twice_is_one_input(hub: HubSpot) -> None:
    """HubSpot refuses an id that is there twice; the last word counts, both are delivered."""
    events = [
        identify("ann@example.com", first_name="Ann", phone="1"),
        identify("bob@example.com"),
        identify("ANN@example.com", first_name="Anna"),
    ]
    deliveries = await sent(hub, subscription("upsertContact"), *events)
    assert outcomes(deliveries) == ["delivered"] * 3
    assert contacts(hub)[0] == {"email": "ann@example.com", "firstname": "Anna", "phone": "1"}


async def test_what_is_refused_of_one_contact_does_not_take_its_neighbours_along(
    hub: HubSpot,
) -> None:
    """Events of one user are one input only as long as HubSpot takes it."""
    chosen = subscription("upsertContact", lifecyclestage={"@path": "$.traits.stage"})
    events = [
        identify("ann@example.com", first_name="Ann", stage="lead"),
        identify("bob@example.com", first_name="Bob"),
        identify("ann@example.com", first_name="X", stage="king"),
        identify("ann@example.com", first_name="Anna"),
    ]
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered", "delivered", "refused", "delivered"]
    found = {one["email"]: (one["firstname"], one.get("lifecyclestage")) for one in contacts(hub)}
    assert found == {"ann@example.com": ("Anna", "lead"), "bob@example.com": ("Bob", None)}


async def test_every_stage_counts(hub: HubSpot) -> None:
    """HubSpot moves a contact forward only: the last stage of a batch need not be its own."""
    chosen = subscription("upsertContact", lifecyclestage={"@path": "$.traits.stage"})
    events = [identify("ann@example.com", stage=one) for one in ("lead", "customer", "lead")]
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered"] * 3
    assert contacts(hub)[0]["lifecyclestage"] == "customer"
    assert "stays 'customer'" in deliveries[2].warnings[0]


async def test_of_several_events_the_first_one_adds(hub: HubSpot) -> None:
    """With sync mode add the others find the contact there, if the first could make it."""
    chosen = subscription("upsertContact", "add", lifecyclestage={"@path": "$.traits.stage"})
    events = [
        identify("ann@example.com", first_name="X", stage="king"),
        identify("ann@example.com", first_name="Ann"),
        identify("ann@example.com", first_name="Anna"),
    ]
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["refused", "delivered", "delivered"]
    assert ["it is there already" in "".join(one.warnings) for one in deliveries] == [
        False, False, True
    ]  # fmt: skip
    assert contacts(hub) == [{"email": "ann@example.com", "firstname": "Ann"}]


@pytest.mark.parametrize("echoes", [True, False], ids=["trace ids", "no trace ids"])
async def test_update_leaves_out_who_is_not_there(hub: HubSpot, echoes: bool) -> None:
    """Sync mode update creates nobody, and says so in a warning."""
    hub.objects.echoes = echoes
    hub.objects.add("contacts", email="ann@example.com")
    hub.objects.add("contacts", email="eve@example.com", hs_additional_emails="e@x.test;eve@x.test")
    events = [
        identify("ann@example.com", first_name="Anna"),
        identify("bob@example.com", first_name="Bob"),
        identify("EVE@x.test", first_name="Eve"),
    ]
    ann, bob, eve = await sent(hub, subscription("upsertContact", "update"), *events)
    assert (ann.ok, bob.ok, eve.ok) == (True, True, True)
    assert (ann.warnings, eve.warnings) == ((), ())
    assert "nothing was written for email of contacts: there is none" in bob.warnings[0]
    assert [one.get("firstname") for one in contacts(hub)] == ["Anna", "Eve"]
    assert contacts(hub)[1]["email"] == "eve@example.com"


async def test_add_leaves_out_who_is_there(hub: HubSpot) -> None:
    """Sync mode add changes nobody, and says so in a warning."""
    hub.objects.add("contacts", email="ann@example.com", firstname="Ann")
    events = [identify("ann@example.com", first_name="X"), identify("bob@example.com")]
    ann, bob = await sent(hub, subscription("upsertContact", "add"), *events)
    assert "it is there already" in ann.warnings[0]
    assert (ann.ok, bob.ok, bob.warnings) == (True, True, ())
    assert [one.get("firstname") for one in contacts(hub)] == ["Ann", None]


@pytest.mark.parametrize("whole", [True, False], ids=["as a whole", "by itself"])
async def test_somebody_else_was_faster_to_create(hub: HubSpot, whole: bool) -> None:
    """A conflict that the look-up did not foresee is tried again, and then is no conflict."""
    hub.objects.add("contacts", email="ann@example.com", phone="1")
    hub.fail("batch/read", 200, {"status": "COMPLETE", "results": []})
    if whole:
        hub.fail("batch/create", 409, {"category": "CONFLICT", "message": "already exists"})
    (delivery,) = await sent(
        hub,
        subscription("upsertContact"),
        identify("ann@example.com", first_name="Anna"),
        retry=dc.Retry(attempts=2, base=0.001),
    )
    assert (delivery.ok, delivery.attempts) == (True, 2)
    assert contacts(hub) == [{"email": "ann@example.com", "phone": "1", "firstname": "Anna"}]


async def test_an_email_that_another_contact_has_is_a_conflict(hub: HubSpot) -> None:
    """It would be one again: the contact is refused, with HubSpot's words."""
    hub.objects.add("contacts", email="ann@example.com", customer_number="c-1")
    chosen = subscription("upsertContact", "add", id_property="customer_number")
    (delivery,) = await sent(hub, chosen, identify("ann@example.com", "c-2"))
    assert delivery.error is not None
    assert (delivery.status, delivery.error.code) == ("refused", "CONFLICT")
    assert "Existing ID" in delivery.reason


async def test_contacts_are_found_by_a_property_of_ones_own(hub: HubSpot) -> None:
    """A unique property may stand for email; it is written too."""
    chosen = subscription("upsertContact", id_property="customer_number")
    events = [identify("a@example.com", "c-1"), identify(None, "c-2"), identify(None, "c-2")]
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered"] * 3
    found = [(one["customer_number"], one.get("email")) for one in contacts(hub)]
    assert found == [("c-1", "a@example.com"), ("c-2", None)]


async def test_contacts_are_found_by_their_record_id(hub: HubSpot) -> None:
    """HubSpot's own id updates; it cannot make anything."""
    place = hub.objects.add("contacts", email="a@example.com")
    chosen = subscription("upsertContact", id_property="hs_object_id", email=None)
    events = [identify(None, place, first_name="A"), identify(None, "999", first_name="B")]
    known, unknown = await sent(hub, chosen, *events)
    assert known.ok
    assert hub.objects.of("contacts")[place]["firstname"] == "A"
    assert unknown.error is not None
    assert (unknown.status, unknown.error.code) == ("refused", "NOT_FOUND")
    adding = subscription("upsertContact", "add", id_property="hs_object_id", email=None)
    (delivery,) = await sent(hub, adding, identify(None, place))
    assert delivery.status == "rejected"


async def test_a_property_that_is_not_unique_finds_nobody(hub: HubSpot) -> None:
    """HubSpot's refusal says which property it was."""
    chosen = subscription("upsertContact", id_property="city")
    (delivery,) = await sent(hub, chosen, identify("a@example.com"))
    assert delivery.status == "refused"
    assert "non-unique contacts property city" in delivery.reason


async def test_without_an_identifier_nothing_is_sent_for_that_contact(hub: HubSpot) -> None:
    """In a batch its neighbours go out."""
    events = [identify(None), identify("b@example.com")]
    first, second = await sent(hub, subscription("upsertContact"), *events)
    assert (first.status, second.ok) == ("rejected", True)
    assert "email is required: contacts are found by 'email'" in first.reason
    (alone,) = await sent(hub, subscription("upsertContact"), identify(None))
    assert alone.status == "rejected"


async def test_a_stage_that_hubspot_keeps_is_told(hub: HubSpot) -> None:
    """HubSpot does not move a contact back; the customer reads so."""
    hub.objects.add("contacts", email="a@example.com", lifecyclestage="customer")
    chosen = subscription("upsertContact", lifecyclestage="Lead")
    (delivery,) = await sent(hub, chosen, identify("a@example.com"))
    assert delivery.ok
    assert delivery.warnings == (
        "lifecycle stage stays 'customer': HubSpot does not move it back to 'lead'",
    )


async def test_an_answer_that_leaves_one_out_is_no_success(hub: HubSpot) -> None:
    """What HubSpot says nothing about is tried again."""
    found = {"id": "1", "properties": {"email": "a@example.com"}}
    hub.fail("batch/create", 207, {"status": "COMPLETE", "results": [found], "numErrors": 1})
    events = [identify("a@example.com"), identify("b@example.com")]
    said, unsaid = await sent(hub, subscription("upsertContact"), *events)
    assert (said.status, unsaid.status) == ("delivered", "retryable")


@pytest.mark.parametrize(
    ("category", "status"),
    [("RATE_LIMITS", "retryable"), ("MISSING_SCOPES", "setup_error"), ("NOVEL", "refused")],
)
async def test_an_error_inside_an_answer_has_the_class_of_its_category(
    hub: HubSpot, category: str, status: str
) -> None:
    """The categories of a batch's errors are the retry policy, like statuses are."""
    error = {"category": category, "message": "no", "context": {"objectWriteTraceId": ["1"]}}
    found = {"id": "1", "objectWriteTraceId": "0"}
    hub.fail("batch/create", 207, {"results": [found], "errors": [error], "numErrors": 1})
    events = [identify("a@example.com"), identify("b@example.com")]
    first, second = await sent(hub, subscription("upsertContact"), *events)
    assert (first.status, second.status) == ("delivered", status)


async def test_an_answer_that_is_not_hubspots_is_no_success(hub: HubSpot) -> None:
    """A page of a proxy in between counts for nothing."""
    hub.fail("batch/create", 200, ["<html>"])
    (delivery,) = await sent(hub, subscription("upsertContact"), identify("a@example.com"))
    assert delivery.status == "retryable"
    assert "without a JSON object" in delivery.reason
