"""The catalogue of a destination: what it has, as JSON and as Markdown."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.actions import Action
from destination_core.destination import Destination
from destination_core.schema import catalogue_fields, fields_of


def catalogue(destination: Destination[Any]) -> dict[str, Any]:
    """Return everything about a destination as JSON: settings, actions with fields, presets."""
    return {
        "slug": destination.slug,
        "title": destination.title,
        "description": destination.description,
        **_capabilities(destination),
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


MARKS: Final = {
    "dynamic": "`destinations choices`",
    "unsafe_hidden": "hidden",
    "readOnly": "read-only",
}
"""How the reference page marks a field; Segment's keys."""

TABLE: Final = re.compile(r"(<!-- actions -->\n).*?(<!-- /actions -->)", re.DOTALL)


def with_action_table(page: str, destination: Destination[Any]) -> str | None:
    """Return a page with the table between its two marks written anew; None without marks."""
    table = action_table(destination)
    made, times = TABLE.subn(lambda found: f"{found[1]}{table}\n{found[2]}", page)
    return made if times else None


def markdown(destination: Destination[Any]) -> str:
    """Return the reference page of a destination."""
    parts = [f"# {destination.title}", destination.description, "## Settings"]
    parts.append(_table(configured_fields(destination), default="default"))
    parts += _audiences_part(destination)
    parts += ["## Actions", action_table(destination)]
    for action in destination.actions:
        parts += [f"### {action.title}", f"`{action.slug}`: {action.description}"]
        parts.append(_modes_part(action))
        parts.append(_table(fields_of_action(action), default="default mapping"))
        parts += _saving_part(action)
    if destination.presets:
        rows = ["| preset | action | trigger | Quick Setup |", "|---|---|---|---|"]
        rows += [
            f"| {one.name} | `{one.action}` | `{one.subscribe}` | {_yes(one.quick_setup)} |"
            for one in destination.presets
        ]
        parts += ["## Presets", "\n".join(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def configured_fields(destination: Destination[Any]) -> dict[str, dict[str, Any]]:
    """Return the settings by the names that `destinations init` writes; Segment's are told."""
    fields = catalogue_fields(destination.settings)
    named = {}
    for spec in fields_of(destination.settings):
        field = fields[spec.key]
        if spec.key != spec.attribute:
            said = f"{field.get('description', '')} In Segment: {spec.key}.".lstrip()
            field = {**field, "description": said}
        named[spec.attribute] = field
    return named


def default_text(value: Any) -> str:
    """Write a default in one line: a path as itself, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        if set(value) == {"@path"}:
            return str(value["@path"])
        if set(value) == {"@template"}:
            return str(value["@template"])
        if set(value) == {"@literal"}:
            return json.dumps(value["@literal"], ensure_ascii=False)
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
        "fields": fields_of_action(action),
        "defaultMapping": action.schema.default_mapping,
        **({} if action.sync_modes is None else {"syncMode": action.sync_modes.to_segment()}),
        **_hooks(action),
    }


def fields_of_action(action: Action[Any, Any]) -> dict[str, dict[str, Any]]:
    """Return an action's fields as Segment's catalogue lists them, by key.

    Those whose values the destination can be asked for are ``dynamic``.
    """
    return _dynamic(action, action.schema.fields)


def _dynamic(
    action: Action[Any, Any], fields: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    asked = action.choice_handlers
    return {
        key: {**field, **({"dynamic": True} if key in asked else {})}
        for key, field in fields.items()
    }


def _capabilities(destination: Destination[Any]) -> dict[str, Any]:
    """Return what only some destinations have: a scheme of authentication, audiences."""
    found: dict[str, Any] = {}
    if destination.authentication is not None:
        found["authentication"] = {"scheme": destination.authentication.scheme}
    if destination.audiences is not None:
        settings = destination.audiences.settings
        fields = {} if settings is None else catalogue_fields(settings)
        found["audiences"] = {"mode": destination.audiences.mode, "settings": fields}
    return found


def _hooks(action: Action[Any, Any]) -> dict[str, Any]:
    """Return what is asked for and kept when a mapping is saved, under Segment's key."""
    saving = action.saving
    if saving is None:
        return {}
    said = {
        "description": saving.description,
        "inputFields": _dynamic(action, saving.input.fields),
        "outputTypes": saving.output.fields,
    }
    return {"hooks": {"onMappingSave": said}}


def _audiences_part(destination: Destination[Any]) -> list[str]:
    audiences = destination.audiences
    if audiences is None:
        return []
    said = (
        "An audience is made before its members are sent, by `destinations save`."
        if audiences.mode == "synced"
        else "An audience need not be made before its members are sent."
    )
    fields = {} if audiences.settings is None else catalogue_fields(audiences.settings)
    return ["## Audiences", said, _table(fields, default="default") if fields else ""]


def _modes_part(action: Action[Any, Any]) -> str:
    modes = action.sync_modes
    if modes is None:
        return ""
    offered = ", ".join(
        f"`{mode}`" + (" (default)" if mode == modes.default else "") for mode in modes.choices
    )
    return f"Sync modes: {offered}. {modes.description}".rstrip()


def _saving_part(action: Action[Any, Any]) -> list[str]:
    saving = action.saving
    if saving is None:
        return []
    return [
        f"When the mapping is saved: {saving.description}",
        _table(_dynamic(action, saving.input.fields), default="default"),
        f"Kept with it: {', '.join(f'`{key}`' for key in saving.output.fields)}.",
    ]


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
        marks = [mark for name, mark in MARKS.items() if field.get(name)]
        kind += f" ({', '.join(marks)})" if marks else ""
        cell = f"`{shown}`" if shown else ""
        rows.append(
            f"| **{label}**{required} `{key}` | {kind} | {cell} | {field.get('description', '')} |"
        )
    return "\n".join(rows)
