"""Check one v2 entity the way the Track API documents it.

``problems_of`` is the whole contract: an empty list means that the API accepts the entity.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from destination_customerio.simulator import checks
from destination_customerio.simulator.problems import Problem, invalid, required
from destination_customerio.simulator.rules import (
    ACTIONS,
    DELIVERY_METRICS,
    EVENT_ACTIONS,
    MERGE_IDENTIFIERS,
    PERSON_IDENTIFIERS,
    PLATFORMS,
    Rules,
)

Entity = dict[str, Any]
Check = Callable[[Entity, Rules], Iterator[Problem]]

_EVENT_IDENTIFIERS = PERSON_IDENTIFIERS | {"anonymous_id"}
_ANONYMOUS = frozenset({"anonymous_id"})
_RESERVED_FOR_PEOPLE = frozenset({"_relationship"})
_RESERVED_FOR_OBJECTS = frozenset({"relationship"})


def problems_of(entity: Any, rules: Rules) -> list[Problem]:
    """Return every fault of one entity, in the order of its fields."""
    if not isinstance(entity, dict):
        return [invalid("", "must be an object")]
    kind, action = entity.get("type"), entity.get("action")
    if kind is None:
        return [required("type")]
    if not isinstance(kind, str) or kind not in ACTIONS:
        return [invalid("type", f"must be one of {', '.join(sorted(ACTIONS))}")]
    if action is None:
        return [required("action")]
    if not isinstance(action, str) or action not in ACTIONS[kind]:
        return [invalid("action", f"is not an action of type {kind}")]
    return list(_CHECKS[kind, action](entity, rules))


def _person(entity: Entity, rules: Rules) -> Iterator[Problem]:
    """Check what every person operation but merge needs: exactly one identifier."""
    return checks.identifiers(entity.get("identifiers"), "identifiers", PERSON_IDENTIFIERS, rules)


def _identify(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from _person(entity, rules)
    yield from checks.seconds(entity.get("timestamp"), "timestamp", rules)
    held = entity.get("attributes")
    yield from checks.attributes(held, "attributes", rules, _RESERVED_FOR_PEOPLE)
    if isinstance(held, dict):
        yield from identifying_attributes(held, "attributes.", rules)
    if entity.get("cio_relationships") is not None:
        yield from _to_objects(entity, rules)


def identifying_attributes(held: Entity, prefix: str, rules: Rules) -> Iterator[Problem]:
    """Check the attributes that identify a person: each must be a valid identifier when set."""
    for name in ("id", "email", "phone", "anonymous_id"):
        if held.get(name) not in (None, ""):
            yield from checks.identifier(name, held[name], f"{prefix}{name}", rules)


def _event(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from checks.identifiers(
        entity.get("identifiers"), "identifiers", _EVENT_IDENTIFIERS, rules
    )
    yield from checks.event_name(entity.get("name"), "name", rules)
    yield from checks.event_id(entity.get("id"), "id", rules)
    yield from checks.seconds(entity.get("timestamp"), "timestamp", rules)
    data = entity.get("attributes")
    if data is not None and not isinstance(data, dict):
        yield invalid("attributes", "must be an object")


def _add_device(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from _person(entity, rules)
    device = entity.get("device")
    if not isinstance(device, dict):
        yield invalid("device", "must be an object") if device is not None else required("device")
        return
    yield from device_problems(device, "token", rules)


def device_problems(device: Entity, key: str, rules: Rules) -> Iterator[Problem]:
    """Check a device; its token is under ``token`` in v2 and under ``id`` in v1."""
    yield from checks.required_text(device, key, f"device.{key}")
    platform = device.get("platform")
    if platform is None or platform == "":
        yield required("device.platform")
    elif not isinstance(platform, str) or platform not in PLATFORMS:
        yield invalid("device.platform", f"must be one of {', '.join(sorted(PLATFORMS))}")
    yield from checks.seconds(device.get("last_used"), "device.last_used", rules)
    yield from checks.attributes(device.get("attributes"), "device.attributes", rules)


def _delete_device(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from _person(entity, rules)
    device = entity.get("device")
    if not isinstance(device, dict):
        yield invalid("device", "must be an object") if device is not None else required("device")
        return
    yield from checks.required_text(device, "token", "device.token")


def _merge(entity: Entity, rules: Rules) -> Iterator[Problem]:
    if "identifiers" in entity:
        yield invalid("identifiers", "is not allowed: name the people in primary and secondary")
    for side in ("primary", "secondary"):
        yield from checks.identifiers(entity.get(side), side, MERGE_IDENTIFIERS, rules)


def _person_relationships(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from _person(entity, rules)
    yield from _to_objects(entity, rules)


def _to_objects(entity: Entity, rules: Rules) -> Iterator[Problem]:
    for place, named, relationship in _relationships(entity):
        if isinstance(named, Problem):
            yield named
            continue
        yield from _object_identifiers(named, f"{place}.identifiers", rules)
        yield from _relationship_attributes(relationship, place, rules)


def _to_people(
    entity: Entity, rules: Rules, allowed: frozenset[str] = MERGE_IDENTIFIERS
) -> Iterator[Problem]:
    for place, named, relationship in _relationships(entity):
        if isinstance(named, Problem):
            yield named
            continue
        yield from checks.identifiers(named, f"{place}.identifiers", allowed, rules)
        yield from _relationship_attributes(relationship, place, rules)


def _relationships(entity: Entity) -> Iterator[tuple[str, Any, Entity]]:
    """Give (place, identifiers or the fault, relationship) of each entry."""
    held = entity.get("cio_relationships")
    if held is None:
        yield "", required("cio_relationships"), {}
        return
    if not isinstance(held, list):
        yield "", invalid("cio_relationships", "must be an array"), {}
        return
    for index, relationship in enumerate(held):
        place = f"cio_relationships[{index}]"
        if isinstance(relationship, dict):
            yield place, relationship.get("identifiers"), relationship
        else:
            yield place, invalid(place, "must be an object"), {}


def _relationship_attributes(relationship: Entity, place: str, rules: Rules) -> Iterator[Problem]:
    held, field = relationship.get("relationship_attributes"), f"{place}.relationship_attributes"
    yield from checks.attributes(held, field, rules)
    yield from _total(held, field, rules)


def _total(held: Any, field: str, rules: Rules) -> Iterator[Problem]:
    if isinstance(held, dict) and len(held) * rules.attribute_value_bytes > rules.object_bytes:
        size = len(orjson.dumps(held))
        if size > rules.object_bytes:
            yield invalid(field, f"cannot be larger than {rules.object_bytes} bytes in all")


def _object_identifiers(value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    if value is None:
        yield required(field)
    elif not isinstance(value, dict):
        yield invalid(field, "must be an object")
    elif "cio_object_id" in value:
        if len(value) > 1:
            yield invalid(field, "cio_object_id cannot be combined with other identifiers")
        yield from checks.required_text(value, "cio_object_id", f"{field}.cio_object_id")
    else:
        yield from _object_type(value.get("object_type_id"), f"{field}.object_type_id", rules)
        place = f"{field}.object_id"
        if value.get("object_id") is None:
            yield required(place)
        else:
            yield from checks.identifier("object_id", value["object_id"], place, rules)


def _object_type(value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    if value is None or value == "":
        yield required(field)
        return
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and int(text) >= 1):
        yield invalid(field, "must be a number from 1 on, as a string")
    elif rules.object_types is not None and text not in rules.object_types:
        yield invalid(field, "object type does not exist")


def _object(entity: Entity, rules: Rules) -> Iterator[Problem]:
    return _object_identifiers(entity.get("identifiers"), "identifiers", rules)


def _identify_object(entity: Entity, rules: Rules) -> Iterator[Problem]:
    anonymous = entity["action"] == "identify_anonymous"
    yield from _object(entity, rules)
    held = entity.get("attributes")
    yield from checks.attributes(held, "attributes", rules, _RESERVED_FOR_OBJECTS)
    yield from _total(held, "attributes", rules)
    if entity.get("cio_relationships") is not None:
        yield from _to_people(entity, rules, _ANONYMOUS if anonymous else MERGE_IDENTIFIERS)


def _object_relationships(entity: Entity, rules: Rules) -> Iterator[Problem]:
    yield from _object(entity, rules)
    yield from _to_people(entity, rules)


def _delivery(entity: Entity, rules: Rules) -> Iterator[Problem]:
    named = entity.get("identifiers")
    if isinstance(named, dict):
        yield from checks.required_text(named, "id", "identifiers.id")
    else:
        yield required("identifiers")
    metric = entity.get("name")
    if metric is None or metric == "":
        yield required("name")
    elif not isinstance(metric, str) or metric not in DELIVERY_METRICS:
        yield invalid("name", f"must be one of {', '.join(sorted(DELIVERY_METRICS))}")
    held = entity.get("attributes")
    if isinstance(held, dict):
        yield from checks.required_text(held, "device_token", "attributes.device_token")
    else:
        yield required("attributes")
    yield from checks.seconds(entity.get("timestamp"), "timestamp", rules)


_CHECKS: Mapping[tuple[str, str], Check] = {
    **{("person", action): _event for action in EVENT_ACTIONS},
    ("person", "identify"): _identify,
    ("person", "delete"): _person,
    ("person", "add_device"): _add_device,
    ("person", "delete_device"): _delete_device,
    ("person", "merge"): _merge,
    ("person", "suppress"): _person,
    ("person", "unsuppress"): _person,
    ("person", "add_relationships"): _person_relationships,
    ("person", "delete_relationships"): _person_relationships,
    ("object", "identify"): _identify_object,
    ("object", "identify_anonymous"): _identify_object,
    ("object", "delete"): _object,
    ("object", "add_relationships"): _object_relationships,
    ("object", "delete_relationships"): _object_relationships,
    ("delivery", "event"): _delivery,
}
