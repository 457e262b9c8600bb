"""The definition checks, one function each; the standard suite runs the same ones."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from destination_core import fql, mapping
from destination_core.actions import Action
from destination_core.destination import Destination
from destination_core.errors import DestinationError
from destination_core.lint.findings import Finding, Place, place_of, place_of_field
from destination_core.schema import FieldSpec, fields_of

SLUG: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""A destination's: it is the name of an entry point and stands in configurations."""

ACTION_SLUG: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")

SECRET_WORDS: Final = frozenset(
    {"apikey", "credential", "credentials", "key", "passphrase", "password", "secret", "token"}
)
HARMLESS_WORDS: Final = frozenset({"endpoint", "id", "lifetime", "name", "public", "type", "url"})
"""With one of them the name is of something about a secret: `key_id`, `token_url`."""

SECRET_PAYLOAD_WORDS: Final = frozenset({"apikey", "passphrase", "password", "secret"})
"""Fewer than for settings: keys and tokens of payloads are mostly those of devices."""

Exempt = Mapping[str, str]
"""Required fields without a default mapping, as ``action.field``, with the reason."""


def lint(destination: Destination[Any], *, exempt: Exempt | None = None) -> list[Finding]:
    """Run every definition check over a destination, in the order of the definition."""
    found = [one for rule in _OF_DESTINATION for one in rule(destination)]
    for action in destination.actions:
        for rule in _OF_ACTION:
            found += rule(action)
        found += _required_fields(action, exempt or {})
    return found


def _slugs(destination: Destination[Any]) -> Iterator[Finding]:
    if not SLUG.fullmatch(destination.slug):
        yield Finding(
            "slug",
            f"destination slug {destination.slug!r} is not lower-case letters, digits and hyphens",
        )
    for action in destination.actions:
        if not ACTION_SLUG.fullmatch(action.slug):
            yield _of(
                action,
                "slug",
                f"action slug {action.slug!r} is not letters and digits, as in 'upsertContact'",
            )


def _destination_texts(destination: Destination[Any]) -> Iterator[Finding]:
    if not destination.title:
        yield Finding("title", "the destination has no title; give it one: title=...")
    if not destination.actions:
        yield Finding("actions", "the destination has no action; declare one with @dc.action")
    for spec in fields_of(destination.settings):
        if not spec.description:
            yield Finding(
                "description",
                f"setting {spec.key!r} has no description; say where to find it:"
                " Field(description=...)",
                "warning",
                field=spec.key,
                place=place_of_field(destination.settings, spec.attribute),
            )


def _presets(destination: Destination[Any]) -> Iterator[Finding]:
    for preset in destination.presets:
        action = destination.action(preset.action)
        about = f"preset {preset.name!r}"
        if fault := _trigger_fault(preset.subscribe):
            yield Finding("preset", f"{about}: {fault}", action=preset.action)
        if action is None:
            names = ", ".join(one.slug for one in destination.actions)
            yield Finding(
                "preset", f"{about} names action {preset.action!r}, which is not there; use {names}"
            )
            continue
        if preset.mapping is None:
            continue
        fields = action.schema.fields
        for key in preset.mapping:
            if key not in fields:
                yield _of(action, "preset", f"{about} maps {key!r}, which is no field", field=key)
        for key, field in fields.items():
            if field.get("required") is True and key not in preset.mapping:
                yield _of(action, "preset", f"{about} leaves out {key!r}, required", field=key)
        if fault := _mapping_fault(preset.mapping):
            yield _of(action, "preset", f"{about}: mapping {fault}")


def _secrets(destination: Destination[Any]) -> Iterator[Finding]:
    for spec in fields_of(destination.settings):
        if _sounds_secret(spec, SECRET_WORDS):
            yield Finding(
                "secret",
                f"setting {spec.key!r} sounds like a secret and would be shown; annotate it with"
                " pydantic.SecretStr",
                field=spec.key,
                place=place_of_field(destination.settings, spec.attribute),
            )


def _defaults(destination: Destination[Any]) -> Iterator[Finding]:
    model = destination.settings
    for name, said in _wrong_defaults(model):
        yield Finding(
            "default",
            f"default of setting {name!r} is not valid: {said}",
            field=name,
            place=place_of_field(model, name),
        )


def _payload_defaults(action: Action[Any, Any]) -> Iterator[Finding]:
    keys = {spec.attribute: spec.key for spec in fields_of(action.payload)}
    for name, said in _wrong_defaults(action.payload):
        where = f"{action.slug}.{keys.get(name, name)}"
        message = f"default of field {where} is not valid: {said}"
        yield _of(action, "default", message, field=keys.get(name, name))


def _wrong_defaults(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the members whose default their own type does not take, and why: nobody checks it."""
    for name, info in model.model_fields.items():
        if info.is_required() or info.default_factory is not None:
            continue
        declared: Any = Annotated[info.annotation, *info.metadata, None]
        try:
            TypeAdapter[Any](declared).validate_python(info.default)
        except ValidationError as error:
            yield name, error.errors(include_input=False, include_url=False)[0]["msg"]


def _shared_batch_keys(destination: Destination[Any]) -> Iterator[Finding]:
    for key in destination.batching.keys if destination.batching else ():
        if not any(key in _names(action) for action in destination.actions):
            yield Finding("batch-key", f"batch key {key!r} is a field of no action", field=key)


def _names(action: Action[Any, Any]) -> set[str]:
    """Return the names of an action's fields: their keys, and what Python calls them."""
    return {*action.fields, *action.schema.fields}


def _action_texts(action: Action[Any, Any]) -> Iterator[Finding]:
    slug = action.slug
    if action.title == slug:
        yield _of(
            action,
            "title",
            f"action {slug!r} has no title; people see its slug instead: title=...",
            "warning",
        )
    if not action.description:
        yield _of(action, "description", f"action {slug!r} has no description; write its docstring")
    for spec in fields_of(action.payload):
        if not spec.label:
            yield _of(action, "title", f"field {slug}.{spec.key} has no title", field=spec.key)
        if not spec.description:
            yield _of(
                action,
                "description",
                f"field {slug}.{spec.key} has no description: Field(description=...)",
                "warning",
                field=spec.key,
            )


def _triggers(action: Action[Any, Any]) -> Iterator[Finding]:
    if action.subscribe is not None and (fault := _trigger_fault(action.subscribe)):
        yield _of(action, "trigger", f"action {action.slug!r}: default {fault}")


def _mappings(action: Action[Any, Any]) -> Iterator[Finding]:
    for key, value in action.schema.default_mapping.items():
        if fault := _mapping_fault({key: value}):
            yield _of(
                action,
                "default-mapping",
                f"field {action.slug}.{key}: default mapping {fault}",
                field=key,
            )
        for _, slip in mapping.suspicions(value):
            where = f"field {action.slug}.{key}"
            yield _of(action, "default-mapping", f"{where}: {slip}", "warning", field=key)


def _payload_secrets(action: Action[Any, Any]) -> Iterator[Finding]:
    for spec in fields_of(action.payload):
        if _sounds_secret(spec, SECRET_PAYLOAD_WORDS):
            yield _of(
                action,
                "secret",
                f"field {action.slug}.{spec.key} sounds like a secret; credentials belong to the"
                " settings, as pydantic.SecretStr",
                field=spec.key,
            )


def _batch_keys(action: Action[Any, Any]) -> Iterator[Finding]:
    for key in action.batching.keys if action.batching else ():
        if key not in _names(action):
            names = ", ".join(sorted(action.fields))
            yield _of(
                action,
                "batch-key",
                f"action {action.slug!r}: batch key {key!r} is not one of its fields {names}",
                field=key,
            )


def _required_fields(action: Action[Any, Any], exempt: Exempt) -> Iterator[Finding]:
    for spec in fields_of(action.payload):
        where = f"{action.slug}.{spec.key}"
        mapped = spec.key in action.schema.default_mapping
        if spec.required and not mapped and not spec.unmapped and where not in exempt:
            yield _of(
                action,
                "required-field",
                f"required field {where} has no default mapping; give it one, or say why not:"
                " dc.field(unmapped='...')",
                field=spec.key,
            )


_OF_DESTINATION: Final[tuple[Callable[[Destination[Any]], Iterator[Finding]], ...]] = (
    _slugs,
    _destination_texts,
    _secrets,
    _defaults,
    _presets,
    _shared_batch_keys,
)
_OF_ACTION: Final[tuple[Callable[[Action[Any, Any]], Iterator[Finding]], ...]] = (
    _action_texts,
    _triggers,
    _mappings,
    _payload_secrets,
    _payload_defaults,
    _batch_keys,
)


def _of(
    action: Action[Any, Any], rule: str, message: str, level: Any = "error", field: str = ""
) -> Finding:
    return Finding(rule, message, level, action.slug, field, _place(action, field))


def _place(action: Action[Any, Any], field: str) -> Place | None:
    spec = next((one for one in fields_of(action.payload) if one.key == field), None)
    if spec is not None:
        return place_of_field(action.payload, spec.attribute)
    return place_of(action.handler)


def _trigger_fault(trigger: str) -> str:
    try:
        fql.parse(trigger)
    except DestinationError as error:
        return str(error)
    return ""


def _mapping_fault(source: Mapping[str, Any]) -> str:
    try:
        again = json.loads(json.dumps(source))
    except (TypeError, ValueError) as error:
        return f"is no JSON: {error}"
    if again != source:
        return "changes on its way through JSON; use str, int, float, bool, None, list and dict"
    try:
        mapping.compile(again)
    except DestinationError as error:
        return f"does not compile: {error}"
    return ""


def _sounds_secret(spec: FieldSpec, secret: frozenset[str]) -> bool:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", spec.attribute).lower().split("_")
    words = {*split, *("".join(pair) for pair in pairwise(split))}
    if spec.holds_secrets or spec.type in {"boolean", "object", "number", "integer"}:
        return False
    return bool(words & secret) and not words & HARMLESS_WORDS
