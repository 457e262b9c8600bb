"""What calls do to events, anonymous events, deliveries, objects and relationships."""

from destination_customerio.simulator import Rules
from plugins.customerio.tests.track_client import Clock, TrackClient, track_api

DAY = 86_400


async def anonymous(track: TrackClient, name: str, anonymous_id: str = "anon-1") -> None:
    """Send an anonymous event; the call must be accepted."""
    assert (await track.person({"anonymous_id": anonymous_id}, "event", name=name))[0] == 200


async def identify(track: TrackClient, who: str, **attributes: object) -> None:
    """Identify a person; the call must be accepted."""
    assert (await track.person(who, "identify", attributes=attributes))[0] == 200


def names(track: TrackClient) -> list[str]:
    """Return the names of the events that belong to somebody."""
    return [event.name for event in track.simulator.state.events]


# Events


async def test_events_are_kept() -> None:
    """Kind, trimmed name, attributes and time are kept; the time defaults to that of receipt."""
    async with track_api(clock=Clock(9_000)) as track:
        await track.person("1", "event", name=" bought ", attributes={"n": 1}, timestamp=5)
        await track.person("1", "page", name="/pricing")
        await track.person("1", "screen", name="Home")
        held = track.simulator.state.events
        assert [(event.kind, event.name, event.timestamp) for event in held] == [
            ("event", "bought", 5),
            ("page", "/pricing", 9_000),
            ("screen", "Home", 9_000),
        ]
        assert held[0].attributes == {"n": 1}


async def test_events_are_deduplicated_by_id(track: TrackClient) -> None:
    """A repeated ID is answered 200 and ignored, whoever and whatever it is for."""
    await track.person("1", "event", name="bought", id="a")
    await track.person("1", "event", name="bought", id="a")
    await track.person("2", "page", name="/pricing", id="a")
    await track.person("1", "event", name="bought")
    await track.person("1", "event", name="bought")
    assert names(track) == ["bought"] * 3
    assert track.simulator.state.duplicates == 2


async def test_a_refused_event_does_not_use_up_its_id(track: TrackClient) -> None:
    """An event that was refused can be corrected and sent again with its ID."""
    assert (await track.person("1", "event", name="", id="a"))[0] == 400
    assert (await track.person("1", "event", name="bought", id="a"))[0] == 200
    assert names(track) == ["bought"]


# Anonymous events


async def test_anonymous_events_wait_for_their_person(track: TrackClient) -> None:
    """Anonymous events are attached when a person gets their anonymous ID."""
    await anonymous(track, "viewed")
    await anonymous(track, "other", "anon-2")
    assert names(track) == []
    await identify(track, "1", anonymous_id="anon-1")
    assert names(track) == ["viewed"]
    assert [event.name for event in track.simulator.state.anonymous_events] == ["other"]
    assert track.simulator.state.people[0].attributes["anonymous_id"] == "anon-1"


async def test_anonymous_events_wait_thirty_days() -> None:
    """Events older than 30 days are not attached, and are gone."""
    clock = Clock()
    async with track_api(clock=clock) as track:
        await anonymous(track, "old")
        clock.now += 10 * DAY
        await anonymous(track, "young")
        clock.now += 21 * DAY
        assert [event.name for event in track.simulator.state.anonymous_events] == ["young"]
        await identify(track, "1", anonymous_id="anon-1")
        assert names(track) == ["young"]


async def test_anonymous_events_join_for_five_minutes() -> None:
    """New anonymous events join the person for five minutes, then wait for another identify."""
    clock = Clock()
    async with track_api(clock=clock) as track:
        await identify(track, "1", anonymous_id="anon-1")
        clock.now += 300
        await anonymous(track, "in time")
        clock.now += 1
        await anonymous(track, "too late")
        assert names(track) == ["in time"]
        await identify(track, "1", anonymous_id="anon-1")
        assert names(track) == ["in time", "too late"]


async def test_anonymous_id_belongs_to_one_person(track: TrackClient) -> None:
    """An anonymous ID that somebody has is answered 200 and not given to another."""
    await identify(track, "1", anonymous_id="anon-1")
    await identify(track, "2", anonymous_id="anon-1", plan="pro")
    second = track.simulator.state.person(id="2")
    assert second is not None
    assert second.attributes == {"plan": "pro"}
    assert [one.subject for one in track.simulator.state.failures] == [{"anonymous_id": "anon-1"}]


async def test_anonymous_id_of_a_deleted_person_is_free(track: TrackClient) -> None:
    """A person who comes back gets their anonymous ID back."""
    await identify(track, "1", anonymous_id="anon-1")
    await track.person("1", "delete")
    await anonymous(track, "came back")
    await identify(track, "1", anonymous_id="anon-1")
    assert names(track) == ["came back"]


async def test_anonymous_id_after_a_merge(track: TrackClient) -> None:
    """The anonymous ID of a merged person is that of the one who stays."""
    await identify(track, "1")
    await identify(track, "2", anonymous_id="anon-1")
    await track.entity(type="person", action="merge", primary={"id": "1"}, secondary={"id": "2"})
    await anonymous(track, "viewed")
    assert names(track) == ["viewed"]


async def test_event_merging_is_a_setting() -> None:
    """Without event merging anonymous events stay anonymous."""
    async with track_api(rules=Rules(event_merging=False)) as track:
        await anonymous(track, "viewed")
        await identify(track, "1", anonymous_id="anon-1")
        assert names(track) == []
        assert len(track.simulator.state.anonymous_events) == 1


# Deliveries


async def test_deliveries(track: TrackClient) -> None:
    """A delivery's metric is kept with its device."""
    attributes = {"device_token": "t"}
    await track.entity(
        type="delivery",
        action="event",
        identifiers={"id": "d"},
        name="opened",
        timestamp=5,
        attributes=attributes,
    )
    (report,) = track.simulator.state.deliveries
    assert (report.delivery_id, report.metric, report.timestamp) == ("d", "opened", 5)
    assert attributes == report.details


# Objects


async def test_objects_are_added_and_updated(track: TrackClient) -> None:
    """An object's attributes are added or replaced; null or an empty text removes one."""
    await track.object("acme", "identify", attributes={"name": "Acme", "seats": 5, "plan": "x"})
    await track.object("acme", "identify", attributes={"seats": None, "plan": ""})
    acme = track.simulator.state.object("1", "acme")
    assert acme is not None
    assert acme.attributes == {"name": "Acme"}
    by_cio_id = {"cio_object_id": acme.cio_object_id}
    await track.entity(
        type="object", identifiers=by_cio_id, action="identify", attributes={"seats": 7}
    )
    assert acme.attributes == {"name": "Acme", "seats": 7}


async def test_cio_object_id_adds_no_object(track: TrackClient) -> None:
    """An unknown ``cio_object_id`` is accepted and changes nothing."""
    for action in ("identify", "identify_anonymous", "delete"):
        unknown = {"cio_object_id": "obb9"}
        assert (await track.entity(type="object", identifiers=unknown, action=action))[0] == 200
    assert track.simulator.state.objects == []


async def test_relationships_from_both_sides(track: TrackClient) -> None:
    """People and objects are tied from either side, with attributes, and untied."""
    to_acme = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
    to_ann = {"identifiers": {"id": "ann"}}
    state = track.simulator.state
    await track.person(
        "ann",
        "add_relationships",
        cio_relationships=[to_acme | {"relationship_attributes": {"role": "admin", "since": 1}}],
    )
    await track.object(
        "acme",
        "add_relationships",
        cio_relationships=[to_ann | {"relationship_attributes": {"since": ""}}],
    )
    assert [one.attributes for one in state.relationships] == [{"role": "admin"}]
    await track.person("ann", "delete_relationships", cio_relationships=[to_acme])
    assert state.relationships == []
    await track.object("acme", "identify", cio_relationships=[to_ann])
    assert len(state.relationships) == 1
    await track.object("acme", "delete_relationships", cio_relationships=[to_ann])
    await track.object("nothing", "delete_relationships", cio_relationships=[to_ann])
    assert state.relationships == []
    await track.person("bo", "identify", cio_relationships=[to_acme])
    assert [
        person.identifiers["id"]
        for person in state.people
        if person.cio_id == state.relationships[0].cio_id
    ] == ["bo"]


async def test_deleting_an_object_cuts_its_relationships(track: TrackClient) -> None:
    """With an object its relationships go, also those that wait for a person."""
    await track.object("acme", "identify", cio_relationships=[{"identifiers": {"id": "ann"}}])
    waiting = [{"identifiers": {"anonymous_id": "anon-1"}}]
    await track.object("acme", "identify_anonymous", cio_relationships=waiting)
    await track.object("acme", "delete")
    await identify(track, "bo", anonymous_id="anon-1")
    assert (track.simulator.state.objects, track.simulator.state.relationships) == ([], [])


async def test_anonymous_relationships(track: TrackClient) -> None:
    """A tie to an anonymous ID carries over to its person, at once when known."""
    tie = [{"identifiers": {"anonymous_id": "anon-1"}, "relationship_attributes": {"role": "x"}}]
    await track.object("acme", "identify_anonymous", cio_relationships=tie)
    assert track.simulator.state.relationships == []
    await identify(track, "1", anonymous_id="anon-1")
    assert [one.attributes for one in track.simulator.state.relationships] == [{"role": "x"}]
    await track.object("globe", "identify_anonymous", cio_relationships=tie)
    assert len(track.simulator.state.relationships) == 2


async def test_suppressed_people_are_not_related(track: TrackClient) -> None:
    """A tie to a suppressed person is ignored."""
    await track.person("ann", "suppress")
    tie = [{"identifiers": {"id": "ann"}}]
    await track.object("acme", "add_relationships", cio_relationships=tie)
    to_acme = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
    await track.person("ann", "add_relationships", cio_relationships=to_acme)
    assert track.simulator.state.relationships == []


async def test_counts(track: TrackClient) -> None:
    """The counts say what the workspace holds."""
    await identify(track, "1", anonymous_id="anon-1")
    await track.person("1", "page", name="/pricing")
    await anonymous(track, "viewed", "anon-2")
    await track.object("acme", "identify", cio_relationships=[{"identifiers": {"id": "1"}}])
    counts = {name: count for name, count in track.simulator.state.counts().items() if count}
    assert counts == {
        "people": 1,
        "objects": 1,
        "relationships": 1,
        "page views": 1,
        "anonymous events": 1,
    }
