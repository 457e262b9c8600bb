"""The catalogue of a destination: what it has, as JSON and as Markdown."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.destination import Action, Destination
from destination_core.schema import catalogue_fields


def catalogue(destination: Destination[Any]) -> dict[str, Any]:
    """Return everything about a destination as JSON: settings, actions with fields, presets."""
    return {
        "slug": destination.slug,
        "title": destination.title,
        "description": destination.description,
        "settings": catalogue_fields(destination.settings),
        "actions": [_action(destination, action) for action in destination.actions],
        "presets": [
            {
                "name": preset.name,
                "action": preset.action,
                "trigger": preset.subscribe,
                "mapping": _mapping(destination, preset.action, preset.mapping),
                "quickSetup": preset.quick_setup,
            }
            for preset in destination.presets
        ],
    }


def json_schemas(destination: Destination[Any]) -> dict[str, Any]:
    """Return the JSON Schemas of the settings and of every action's payload."""
    return {
        "settings": destination.settings.model_json_schema(),
        "actions": {one.slug: one.schema.json_schema() for one in destination.actions},
    }


def action_table(destination: Destination[Any]) -> str:
    """Return a Markdown table of the actions."""
    rows = ["| action | what it does | default trigger |", "|---|---|---|"]
    for action in destination.actions:
        first = action.description.splitlines()[0] if action.description else ""
        trigger = f"`{action.subscribe}`" if action.subscribe else ""
        rows.append(f"| **{action.title}** `{action.slug}` | {first} | {trigger} |")
    return "\n".join(rows)


TABLE: Final = re.compile(r"(<!-- actions -->\n).*?(<!-- /actions -->)", re.DOTALL)


def with_action_table(page: str, destination: Destination[Any]) -> str | None:
    """Return a page with the table between its two marks written anew; None without marks."""
    table = action_table(destination)
    made, times = TABLE.subn(lambda found: f"{found[1]}{table}\n{found[2]}", page)
    return made if times else None


def markdown(destination: Destination[Any]) -> str:
    """Return the reference page of a destination."""
    parts = [f"# {destination.title}", destination.description, "## Settings"]
    parts.append(_table(catalogue_fields(destination.settings), default="default"))
    parts += ["## Actions", action_table(destination)]
    for action in destination.actions:
        parts += [f"### {action.title}", f"`{action.slug}`: {action.description}"]
        parts.append(_table(action.schema.fields, default="default mapping"))
    if destination.presets:
        rows = ["| preset | action | trigger | Quick Setup |", "|---|---|---|---|"]
        rows += [
            f"| {one.name} | `{one.action}` | `{one.subscribe}` | {_yes(one.quick_setup)} |"
            for one in destination.presets
        ]
        parts += ["## Presets", "\n".join(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def default_text(value: Any) -> str:
    """Write a default in one line: a path as itself, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        if set(value) == {"@path"}:
            return str(value["@path"])
        if set(value) == {"@template"}:
            return str(value["@template"])
        chain = _coalesced(value)
        if chain:
            return ", else ".join(chain)
    return json.dumps(value, ensure_ascii=False)


def _yes(answer: bool) -> str:
    return "yes" if answer else ""


def _coalesced(value: Any) -> list[str]:
    """Return the paths of a chain of `@if exists`, or nothing when it is something else."""
    paths: list[str] = []
    while isinstance(value, Mapping) and set(value) == {"@if"}:
        options = value["@if"]
        if options.get("exists") != options.get("then") or "@path" not in options["then"]:
            return []
        paths.append(str(options["then"]["@path"]))
        value = options.get("else")
    if isinstance(value, Mapping) and set(value) == {"@path"}:
        return [*paths, str(value["@path"])]
    return []


def _action(destination: Destination[Any], action: Action[Any, Any]) -> dict[str, Any]:
    return {
        "slug": action.slug,
        "title": action.title,
        "description": action.description,
        "defaultSubscription": action.subscribe,
        "batch": action.batch_handler is not None or destination.batching is not None,
        "fields": action.schema.fields,
        "defaultMapping": action.schema.default_mapping,
    }


def _mapping(
    destination: Destination[Any], slug: str, mapping: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    action = destination.action(slug)
    return mapping or (action.schema.default_mapping if action else {})


def _table(fields: Mapping[str, Mapping[str, Any]], *, default: str) -> str:
    rows = [f"| field | type | {default} | description |", "|---|---|---|---|"]
    for key, field in fields.items():
        label = field.get("label", key)
        required = " (required)" if field.get("required") is True else ""
        kind = field.get("type", "")
        shown = default_text(field.get("default"))
        cell = f"`{shown}`" if shown else ""
        rows.append(
            f"| **{label}**{required} `{key}` | {kind} | {cell} | {field.get('description', '')} |"
        )
    return "\n".join(rows)
