"""What calls do to people: identity, attributes, devices, merging, suppression, deletion."""

from destination_customerio.simulator import Rules
from plugins.customerio.tests.track_client import Clock, TrackClient, track_api


async def identify(track: TrackClient, who: object, /, **attributes: object) -> None:
    """Identify a person; the call must be accepted."""
    timestamp = attributes.pop("timestamp", None)
    rest = {} if timestamp is None else {"timestamp": timestamp}
    assert await track.person(who, "identify", attributes=attributes, **rest) == (200, {})


# Attributes


async def test_identify_adds_and_updates(track: TrackClient) -> None:
    """Attributes are added or replaced, never dropped for being absent; null removes one."""
    await identify(track, "42", plan="free", city="Springfield", vip=True)
    await identify(track, "42", plan="pro", vip=None)
    (person,) = track.simulator.state.people
    assert person.attributes == {"plan": "pro", "city": "Springfield"}


async def test_older_attributes_are_ignored(track: TrackClient) -> None:
    """An update that is older than what is held changes nothing, attribute by attribute."""
    await identify(track, "42", plan="new", timestamp=2_000)
    await identify(track, "42", plan="old", city="Springfield", timestamp=1_000)
    assert track.simulator.state.people[0].attributes == {"plan": "new", "city": "Springfield"}


async def test_update_without_a_timestamp_counts_as_now() -> None:
    """Without a timestamp an update is as old as its request."""
    clock = Clock(5_000)
    async with track_api(clock=clock) as track:
        await identify(track, "42", plan="now")
        await identify(track, "42", plan="before", timestamp=4_999)
        await identify(track, "42", plan="after", timestamp=5_001)
        assert track.simulator.state.people[0].attributes == {"plan": "after"}


async def test_update_only(track: TrackClient) -> None:
    """With ``_update`` nobody is added, and the activity log says so."""
    await identify(track, "42", plan="pro", _update=True)
    assert track.simulator.state.people == []
    assert [one.kind for one in track.simulator.state.failures] == ["Failed Attribute Change"]
    await identify(track, "42", plan="free")
    await identify(track, "42", plan="pro", _update=True)
    assert track.simulator.state.people[0].attributes == {"plan": "pro"}


async def test_subscription_preferences_by_path(track: TrackClient) -> None:
    """A dotted path updates one topic, a nested object replaces them all."""
    whole = {"topics": {"topic_1": True, "topic_2": True}}
    await identify(track, "42", cio_subscription_preferences=whole)
    await identify(track, "42", **{"cio_subscription_preferences.topics.topic_1": False})
    held = track.simulator.state.people[0].attributes["cio_subscription_preferences"]
    assert held == {"topics": {"topic_1": False, "topic_2": True}}


async def test_attributes_of_one_person(track: TrackClient) -> None:
    """A person holds 300 attributes; more are not kept, and the activity log says so."""
    await identify(track, "42", **{f"a{n}": n for n in range(300)})
    await identify(track, "42", one_more=1)
    (person,) = track.simulator.state.people
    assert len(person.attributes) == 300
    assert "one_more" not in person.attributes
    assert len(track.simulator.state.failures) == 1


# Identity


async def test_new_id_for_a_known_email(track: TrackClient) -> None:
    """Identifying a new ID with somebody's email updates that person, who gets the ID."""
    await identify(track, "1", email="Ann@example.com")
    await identify(track, "2", email="ann@EXAMPLE.com", plan="pro")
    (person,) = track.simulator.state.people
    assert person.identifiers == {"id": "2", "email": "ann@example.com"}
    assert track.simulator.state.person(id="1") is None


async def test_email_ignores_case_as_an_identifier(track: TrackClient) -> None:
    """An email finds its person whatever its case."""
    await identify(track, {"email": "ann@example.com"}, plan="pro")
    await identify(track, {"email": "ANN@example.com"}, city="Springfield")
    assert track.simulator.state.people[0].attributes == {"plan": "pro", "city": "Springfield"}


async def test_numbers_and_texts_are_the_same_id(track: TrackClient) -> None:
    """An ID that is a number is the ID that is its text."""
    await identify(track, {"id": 42}, plan="pro")
    assert track.simulator.state.person(id="42") is not None


async def test_email_of_somebody_else(track: TrackClient) -> None:
    """An email that belongs to another is answered 200 and not taken; the rest is."""
    await identify(track, "1", email="ann@example.com")
    await identify(track, "2", city="Springfield")
    await identify(track, "2", email="ann@example.com", plan="pro")
    second = track.simulator.state.person(id="2")
    assert second is not None
    assert second.identifiers == {"id": "2"}
    assert second.attributes == {"city": "Springfield", "plan": "pro"}
    (failure,) = track.simulator.state.failures
    assert (
        failure.kind,
        failure.subject,
    ) == ("Attribute Update Failure", {"email": "ann@example.com"})


async def test_email_updates_by_id_are_a_setting() -> None:
    """An email that is set can be changed by ID where the workspace allows it."""
    for allowed, expected in ((True, "new@example.com"), (False, "old@example.com")):
        async with track_api(rules=Rules(update_email_by_id=allowed)) as track:
            await identify(track, "1", email="old@example.com")
            await identify(track, "1", email="new@example.com")
            assert expected == track.simulator.state.people[0].identifiers["email"]


async def test_identifiers_change_by_cio_id(track: TrackClient) -> None:
    """An ID that is set changes by ``cio_id`` only."""
    await identify(track, "1", email="ann@example.com")
    await identify(track, {"email": "ann@example.com"}, id="2")
    assert track.simulator.state.people[0].identifiers["id"] == "1"
    await identify(track, {"cio_id": track.simulator.state.people[0].cio_id}, id="2")
    assert track.simulator.state.people[0].identifiers["id"] == "2"
    assert track.simulator.state.person(id="1") is None


async def test_unknown_cio_id_is_dropped(track: TrackClient) -> None:
    """A ``cio_id`` adds nobody."""
    await identify(track, {"cio_id": "nobody"}, plan="pro")
    await track.person({"cio_id": "nobody"}, "event", name="bought")
    assert track.simulator.state.people == []


async def test_events_and_devices_add_people(track: TrackClient) -> None:
    """A call for somebody unknown makes a profile without attributes."""
    await track.person("1", "event", name="bought")
    await track.person("2", "add_device", device={"token": "t", "platform": "ios"})
    assert [person.attributes for person in track.simulator.state.people] == [{}, {}]


# Devices


async def test_devices() -> None:
    """A device is added, updated by its token, and deleted; ``last_used`` defaults to now."""
    async with track_api(clock=Clock(7_000)) as track:
        device = {"token": "t", "platform": "ios", "attributes": {"app_version": "1"}}
        await track.person("1", "add_device", device=device)
        await track.person(
            "1", "add_device", device={"token": "t", "platform": "ios", "last_used": 3}
        )
        await track.person("1", "add_device", device={"token": "u", "platform": "android"})
        first, second = track.simulator.state.devices
        assert (first.last_used, first.attributes) == (3, {"app_version": "1"})
        assert second.last_used == 7_000
        await track.person("1", "delete_device", device={"token": "t"})
        await track.person("nobody", "delete_device", device={"token": "u"})
        assert [device.token for device in track.simulator.state.devices] == ["u"]
        assert len(track.simulator.state.people) == 1


# Merging


async def test_merge(track: TrackClient) -> None:
    """A merge moves missing attributes, identifiers and events, and deletes the secondary."""
    await identify(track, "1", plan="pro")
    await identify(track, "2", plan="free", city="Springfield", email="ann@example.com")
    await track.person("2", "event", name="bought")
    people = {"primary": {"id": "1"}, "secondary": {"email": "ann@example.com"}}
    assert (await track.entity(type="person", action="merge", **people))[0] == 200
    (person,) = track.simulator.state.people
    assert person.attributes == {"plan": "pro", "city": "Springfield"}
    assert person.identifiers == {"id": "1", "email": "ann@example.com"}
    assert [event.name for event in person.events] == ["bought"]
    assert track.simulator.state.person(id="2") is None


async def test_merge_moves_thirty_days_of_events() -> None:
    """Events of the secondary that are older than 30 days are lost."""
    clock = Clock()
    async with track_api(clock=clock) as track:
        await identify(track, "1")
        await track.person("2", "event", name="long ago")
        clock.now += 31 * 86_400
        await track.person("2", "event", name="lately")
        await track.entity(
            type="person", action="merge", primary={"id": "1"}, secondary={"id": "2"}
        )
        assert [event.name for event in track.simulator.state.events] == ["lately"]


async def test_merge_without_a_primary_does_nothing(track: TrackClient) -> None:
    """A merge into, or of, somebody unknown is accepted and does nothing."""
    await identify(track, "2", plan="free")
    for primary, secondary in (("1", "2"), ("2", "1"), ("2", "2")):
        sides = {"primary": {"id": primary}, "secondary": {"id": secondary}}
        assert (await track.entity(type="person", action="merge", **sides))[0] == 200
    assert [person.identifiers["id"] for person in track.simulator.state.people] == ["2"]
    assert len(track.simulator.state.failures) == 3


# Suppression and deletion


async def test_delete(track: TrackClient) -> None:
    """Deleting removes a person with events, devices and ties; another call adds them anew."""
    await identify(track, "1", plan="pro")
    await track.person("1", "event", name="bought")
    await track.person("1", "add_device", device={"token": "t", "platform": "ios"})
    await track.object(
        "acme", "add_relationships", cio_relationships=[{"identifiers": {"id": "1"}}]
    )
    await track.person("1", "delete")
    await track.person("nobody", "delete")
    state = track.simulator.state
    assert (state.people, state.events, state.devices, state.relationships) == ([], [], [], [])
    await track.person("1", "event", name="came back")
    assert [person.attributes for person in state.people] == [{}]


async def test_suppress_deletes_and_blocks(track: TrackClient) -> None:
    """Suppressing deletes the person; later calls for any of their identifiers are ignored."""
    await identify(track, "1", email="ann@example.com")
    assert (await track.person("1", "suppress"))[0] == 200
    await identify(track, "1", plan="pro")
    await identify(track, {"email": "ann@example.com"}, plan="pro")
    await track.person("1", "event", name="bought")
    await track.person("1", "add_device", device={"token": "t", "platform": "ios"})
    state = track.simulator.state
    assert (state.people, state.events, state.devices) == ([], [], [])
    assert sorted(state.suppressed, key=str) == [{"email": "ann@example.com"}, {"id": "1"}]


async def test_suppressed_email_is_not_given_to_another(track: TrackClient) -> None:
    """A suppressed email cannot come back as an attribute."""
    await identify(track, {"email": "ann@example.com"})
    await track.person({"email": "ann@example.com"}, "suppress")
    await identify(track, "2", email="ann@example.com", plan="pro")
    assert [person.identifiers for person in track.simulator.state.people] == [{"id": "2"}]


async def test_unsuppress_allows_all_identifiers_again(track: TrackClient) -> None:
    """Unsuppressing one identifier allows those suppressed with it; the person stays gone."""
    await identify(track, "1", email="ann@example.com", plan="pro")
    await track.person("1", "suppress")
    await track.person({"email": "ann@example.com"}, "unsuppress")
    assert track.simulator.state.suppressed == []
    assert track.simulator.state.people == []
    await identify(track, "1", city="Springfield")
    assert [one.attributes for one in track.simulator.state.people] == [{"city": "Springfield"}]
