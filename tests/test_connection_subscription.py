"""Subscriptions: Segment's shapes, presets, and the checks against a destination."""

from typing import Any

import pytest

import destination_core as dc
from destination_core.connection import compile_subscription
from tests import acme

DESTINATION = acme.register_destination()
MAPPING = {"id": {"@path": "$.userId"}}
IDENTIFY = 'type = "identify"'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"partnerAction": "upsertContact", "subscribe": IDENTIFY, "mapping": MAPPING},
            dc.Subscription("upsertContact", "upsertContact", IDENTIFY, MAPPING),
        ),
        (
            {"name": "x", "actionSlug": "upsertContact", "trigger": IDENTIFY, "settings": MAPPING,
             "enabled": False},
            dc.Subscription("x", "upsertContact", IDENTIFY, MAPPING, enabled=False),
        ),
        (
            {"partnerAction": "a", "actionSlug": "b", "subscribe": "s", "trigger": "t"},
            dc.Subscription("a", "a", "s", {}),
        ),
        (
            {"name": "", "partnerAction": "a", "subscribe": "", "mapping": None, "enabled": None},
            dc.Subscription("a", "a", "", {}),
        ),
        (
            {"actionSlug": "a", "trigger": "", "settings": '{"id": {"@path": "$.userId"}}'},
            dc.Subscription("a", "a", "", MAPPING),
        ),
    ],
)  # fmt: skip
def test_segments_shapes_are_read(raw: dict[str, Any], expected: dc.Subscription) -> None:
    """The runtime's keys go before the Public API's; without a mapping nothing is mapped."""
    assert dc.Subscription.from_segment(raw) == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({}, "has no `partnerAction`"),
        ({"partnerAction": "", "subscribe": ""}, "has no `partnerAction`"),
        ({"partnerAction": 1, "subscribe": ""}, "has no `partnerAction`"),
        ({"partnerAction": "a"}, "'a': `subscribe` must be a trigger in FQL, got None"),
        ({"name": "x", "partnerAction": "a", "subscribe": 1}, "'x': `subscribe` must be"),
        (None, "subscription must be an object, got None"),
    ],
)
def test_a_shape_that_is_not_segments_is_refused(raw: dict[str, Any], reason: str) -> None:
    """By the key that is missing or wrong."""
    with pytest.raises(dc.InvalidSubscription, match=reason):
        dc.Subscription.from_segment(raw)


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("{'id': 1}", "'x': `mapping` is a text that is no JSON: Expecting property name"),
        ("", "'x': `mapping` is a text that is no JSON: Expecting value"),
        ("[" * 100_000, "'x': `mapping` is a text that is no JSON: "),
        ("[]", r"'x': `mapping` must be an object, got '\[\]'"),
        (5, "'x': `mapping` must be an object, got 5"),
        ([["id", 1]], "'x': `mapping` must be an object, got "),
    ],
)
def test_a_mapping_that_is_no_object_is_refused(mapping: Any, reason: str) -> None:
    """With the name of its subscription, also where it came as a text."""
    with pytest.raises(dc.InvalidMapping, match=reason):
        dc.Subscription.from_segment(
            {"name": "x", "partnerAction": "a", "subscribe": "", "mapping": mapping}
        )


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"action": "upsertContcat"}, dc.InvalidSubscription,
         "subscription 's': action 'upsertContcat' is unknown to acme; did you mean 'upsertCont"),
        ({"action": "zzz"}, dc.InvalidSubscription, "unknown to acme; actions are upsertContact"),
        ({"mapping": {"id": {"@path": 1}, "x": {"@no": 1}}}, dc.InvalidMapping,
         "subscription 's': mapping: 2 faults: /id/@path should be"),
        ({"mapping": {"__segment_internal_directive": 1}}, dc.InvalidMapping, "root directive"),
    ],
)  # fmt: skip
def test_a_faulty_subscription_is_refused(
    changed: dict[str, Any], error: type[Exception], reason: str
) -> None:
    """Its name is in front of what is wrong, and the nearest right word behind it."""
    given = {"name": "s", "action": "upsertContact", "trigger": IDENTIFY, "mapping": MAPPING}
    with pytest.raises(error) as caught:
        compile_subscription(DESTINATION, dc.Subscription(**(given | changed)))
    assert reason in str(caught.value)


def test_the_faults_of_a_mapping_stay_apart() -> None:
    """Whoever shows them one by one finds each in ``problems``."""
    with pytest.raises(dc.InvalidMapping) as caught:
        compile_subscription(
            DESTINATION,
            dc.Subscription("s", "upsertContact", IDENTIFY, {"a": {"@no": 1}, "b": {"@path": 1}}),
        )
    assert [str(one).split()[0] for one in caught.value.problems] == ["/a", "/b/@path"]


@pytest.mark.parametrize(
    ("trigger", "caret"),
    [("type =", 6), ('type = "identify" and', 21), ("type ~ 'x'", 5), ('userid = "x"', 0)],
)
def test_a_trigger_shows_where_it_breaks(trigger: str, caret: int) -> None:
    """The subscription's name, the trigger, and a caret under the place."""
    with pytest.raises(dc.InvalidSubscription, match="subscription 's': ") as caught:
        compile_subscription(DESTINATION, dc.Subscription("s", "upsertContact", trigger, MAPPING))
    lines = str(caught.value).splitlines()
    below = next(n for n, line in enumerate(lines) if line.strip() == "^")
    shown, mark = lines[below - 1], lines[below]
    assert trigger in shown
    assert mark.index("^") - shown.index(trigger) == caret


def test_a_missing_mapping_is_the_actions_own() -> None:
    """None means the default mapping, an empty one means nothing."""
    default = compile_subscription(DESTINATION, dc.Subscription("s", "upsertContact", IDENTIFY))
    assert default.mapping.source == acme.upsert_contact.schema.default_mapping
    assert list(default.warnings()) == []
    empty = compile_subscription(DESTINATION, dc.Subscription("s", "upsertContact", IDENTIFY, {}))
    assert empty.mapping.resolve({"userId": "u1"}) == {}


@pytest.mark.parametrize(
    ("mapping", "warnings"),
    [
        (MAPPING, []),
        ({}, ["required field 'id' of action 'upsertContact' has no mapping"]),
        (MAPPING | {"emial": "x"}, ["'emial' is unknown to action 'upsertContact'"]),
        (MAPPING | {"emial": "x"}, ["and will be dropped; did you mean 'email'?"]),
        (MAPPING | {"email": "${env:TOKEN}"}, ["mapping of /email: ${env:TOKEN} is sent as it"]),
        (MAPPING | {"name": {"@literal": ["x ${file:a.txt} y"]}},
         ["mapping of /name/@literal/0: ${file:a.txt} is sent as it stands"]),
        (MAPPING | {"name": {"@template": "${{a}} ${env"}}, []),
        (MAPPING | {"_metadata": 1, "__segment_internal_x": 1}, []),
        ({"__segment_internal_directive": {"@transform": {"apply": {}}}, "zzz": 1}, []),
        (MAPPING | {"email": {"@liquid": "{% include 'x' %}"}}, ["mapping of /email fails on"]),
        (MAPPING | {"name": {"@if": {}}}, ['/name fails on every event: @if requires an "exists"']),
        (MAPPING | {"email": {"@liquid": "{{ a | upcase }} | map {{ 'a | map' }}"}}, []),
        (MAPPING | {"email": {"@liquid": "{{ a | upcase | map: 'a' }}"}}, ["'map' is disabled"]),
        (MAPPING | {"email": {"@liquid": "{% if a %}{{ a | nope }}{% endif %}"}},
         ["mapping of /email: filter 'nope' is unknown, and leaves what"]),
        (MAPPING | {"attributes": "text"},
         ["mapping of /attributes is rejected on every event: Attributes must be an object"]),
        (MAPPING | {"attributes": {"@literal": [{"@path": "$.a"}]}}, ["/attributes is rejected"]),
        (MAPPING | {"attributes": {"a": {"@path": "$.a"}}, "email": None, "name": 7}, []),
        ({"id": ""}, ["mapping of /id is rejected on every event: The root value is missing the"]),
        (MAPPING | {"email": {"@case": {"operator": "x", "value": {"@path": "$.a"}}}}, []),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant(mapping: dict[str, Any], warnings: list[str]) -> None:
    """Legal, accepted, and said: each warning names the subscription and the field."""
    found = list(
        compile_subscription(
            DESTINATION, dc.Subscription("s", "upsertContact", IDENTIFY, mapping)
        ).warnings()
    )
    assert len(found) == len(warnings)
    for one, expected in zip(found, warnings, strict=True):
        assert one.startswith("subscription 's': ")
        assert expected in one


def test_a_preset_is_found_by_name() -> None:
    """The nearest name is offered, and all of them."""
    preset = dc.Preset("Contacts", action="upsertContact", subscribe=IDENTIFY, mapping=MAPPING)
    destination = dc.Destination(
        "acme",
        title="Acme",
        settings=acme.Settings,
        actions=[acme.upsert_contact],
        presets=[preset],
    )
    made = dc.Subscription.from_preset(destination, "Contacts")
    assert made == dc.Subscription("Contacts", "upsertContact", IDENTIFY, preset.mapping)
    with pytest.raises(dc.InvalidSubscription, match=r"did you mean 'Contacts'\? presets are"):
        dc.Subscription.from_preset(destination, "contact")
    with pytest.raises(dc.InvalidSubscription, match="unknown to acme; presets are none"):
        dc.Subscription.from_preset(DESTINATION, "Contacts")


@pytest.mark.parametrize(
    ("trigger", "warnings"),
    [
        ('type = "trak"', ["asks for type 'trak', which no event has; did you mean 'track'?"]),
        ('type = "zzz" or event = "x"', ["types are track, identify, page, screen, group, alias"]),
        ('!(type != "Track")', ["asks for type 'Track'"]),
        ('type != "" and event = "trak" and properties.type = "trak"', []),
        ('type = "delete" or match(type, "tra*")', []),
    ],
)
def test_a_type_that_no_event_has_is_told(trigger: str, warnings: list[str]) -> None:
    """Such a trigger selects nothing, or everything, and that shows only in what is missing."""
    made = compile_subscription(DESTINATION, dc.Subscription("s", "upsertContact", trigger))
    found = list(made.warnings())
    assert len(found) == len(warnings)
    for one, expected in zip(found, warnings, strict=True):
        assert one.startswith("subscription 's': trigger ")
        assert expected in one
