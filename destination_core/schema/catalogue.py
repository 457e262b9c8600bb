"""What is printed about fields: Segment's catalogue JSON, the default mapping, JSON Schema."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from destination_core.schema.annotations import fields_of
from destination_core.schema.definition import read_fields
from destination_core.schema.fields import JSON_TYPES, MISSING, FieldSpec, Requirement

_SCHEMA = "http://json-schema.org/schema#"
_TEXTS = frozenset({"string", "text", "password"})


def catalogue_fields(model: type[pydantic.BaseModel]) -> dict[str, dict[str, Any]]:
    """Return the fields of settings or of a payload as Segment's catalogue lists them, by key."""
    return input_fields(fields_of(model))


def input_fields(fields: Sequence[FieldSpec]) -> dict[str, dict[str, Any]]:
    """Return Segment's InputField JSON of each field, by key."""
    return {spec.key: _input_field(spec) for spec in fields}


def _input_field(spec: FieldSpec) -> dict[str, Any]:
    always = spec.required or spec.asked
    required = spec.requirement.to_segment() if spec.requirement else always
    choices = [{"label": one.label, "value": one.value} for one in spec.choices or ()]
    nested = input_fields(spec.properties) if spec.properties else None
    shown = {
        "label": spec.label,
        "description": spec.description,
        "type": spec.type,
        "required": required,
        "multiple": spec.multiple or None,
        "allowNull": spec.nullable or None,
        "format": spec.declared
        or (None if spec.format in {"date-like", "text", "password"} else spec.format),
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "choices": choices or None,
        "properties": nested,
        "additionalProperties": True if nested and spec.additional else None,
    }
    return {
        **{name: value for name, value in shown.items() if value is not None},
        **_default(spec, "default"),
        **copy.deepcopy(dict(spec.extras)),
    }


def default_mapping(fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """Return the mapping made of the fields' defaults; the caller may keep and change it."""
    mapping: dict[str, Any] = {}
    for spec in fields:
        mapping |= _default(spec, spec.key)
    return mapping


def _default(spec: FieldSpec, key: str) -> dict[str, Any]:
    return {} if spec.default is MISSING else {key: copy.deepcopy(spec.default)}


def segment_schema(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema that Segment's engine makes of field definitions.

    Raises ``PluginError`` when the definitions are unusable.
    """
    return _schema(read_fields(definitions), additional=False, default_key="default")


def json_schema(fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """Return the JSON Schema of payloads, with each default mapping as ``x-default-mapping``."""
    return _schema(fields, additional=False, default_key="x-default-mapping")


def _schema(fields: Sequence[FieldSpec], *, additional: bool, default_key: str) -> dict[str, Any]:
    rules = [_rule((spec.key,), spec.requirement) for spec in fields if spec.requirement]
    rules += [
        _rule((spec.key, child.key), child.requirement)
        for spec in fields
        if not spec.multiple
        for child in spec.properties or ()
        if child.requirement
    ]
    return {
        "$schema": _SCHEMA,
        "type": "object",
        "additionalProperties": additional,
        "properties": {spec.key: _property(spec, default_key) for spec in fields},
        "required": [spec.key for spec in fields if spec.required],
        **({"allOf": rules} if rules else {}),
    }


def _property(spec: FieldSpec, default_key: str) -> dict[str, Any]:
    types = list(spec.types or JSON_TYPES[spec.type])
    bounds = ("minLength", "maxLength") if spec.type in _TEXTS else ("minimum", "maximum")
    accepted = [*types, "null"] if spec.nullable and not spec.multiple else types
    values: dict[str, Any] = {"type": accepted[0] if len(accepted) == 1 else accepted}
    if spec.choices:
        null = [None] if spec.nullable else []
        values["enum"] = [*(one.value for one in spec.choices), *null]
    if spec.properties:
        nested = _schema(spec.properties, additional=spec.additional, default_key=default_key)
        values |= nested
    said = {
        "title": spec.label,
        "description": spec.description,
        "format": "date-like" if spec.type == "datetime" else spec.format,
        bounds[0]: spec.minimum,
        bounds[1]: spec.maximum,
    }
    said = {name: value for name, value in said.items() if value is not None}
    said |= _default(spec, default_key)
    return {**said, "type": "array", "items": values} if spec.multiple else {**said, **values}


def _rule(target: tuple[str, ...], requirement: Requirement) -> dict[str, Any]:
    conditions = [_condition(one.to_segment()) for one in requirement.conditions]
    if len(conditions) == 1:
        held: dict[str, Any] = _alone(requirement)
    else:
        held = {"anyOf" if requirement.match == "any" else "allOf": conditions}
    then: dict[str, Any] = {"required": [target[-1]]}
    for key in reversed(target[:-1]):
        then = {"properties": {key: then}}
    return {"if": held, "then": then}


def _alone(requirement: Requirement) -> dict[str, Any]:
    condition = requirement.conditions[0].to_segment()
    key = condition.get("fieldKey", "")
    if "value" in condition or not key or "." in key:
        return _condition(condition)
    null = {"properties": {key: {"type": "null"}}}
    if condition["operator"] == "is":
        return {"anyOf": [_condition(condition), null]}
    return {"allOf": [_condition(condition), {"not": null}]}


def _condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    *parents, key = condition.get("fieldKey", "__segment_internal_sync_mode").split(".")
    there: dict[str, Any] = {"required": [key]}
    if "value" in condition:
        value = condition["value"]
        wanted = {"enum": value} if isinstance(value, list) else {"const": value}
        there["properties"] = {key: wanted if condition["operator"] == "is" else {"not": wanted}}
    for parent in reversed(parents):
        there = {"required": [parent], "properties": {parent: there}}
    absent = "value" not in condition and condition["operator"] == "is"
    return {"not": there} if absent else there
