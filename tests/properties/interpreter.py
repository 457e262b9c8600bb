"""The mapping kit once more, as simply as it can be said: a function per directive."""

import json
from collections.abc import Callable, Mapping
from typing import Any

MISSING = object()


def interpreted(value: Any, event: Any) -> Any:
    """Return what a mapping makes of an event."""
    if isinstance(value, list):
        return [one for one in (interpreted(item, event) for item in value) if one is not MISSING]
    if not isinstance(value, dict):
        return value
    for key, options in value.items():
        if key in DIRECTIVES:
            return DIRECTIVES[key](options, event)
    members = {key: interpreted(one, event) for key, one in value.items()}
    return {key: one for key, one in members.items() if one is not MISSING}


def _path(path: str, event: Any) -> Any:
    """Follow a path: members of objects, items of lists; any path into null is null."""
    if event is None:
        return None
    value = event
    for key in path.removeprefix("$.").split("."):
        if isinstance(value, Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def _template(template: str, event: Any) -> str:
    head, *pieces = template.split("{{")
    for piece in pieces:
        path, tail = piece.split("}}")
        head += _shown(_path(path, event)) + tail
    return head


def _shown(value: Any) -> str:
    if value is None or value is MISSING:
        return ""
    if isinstance(value, list) and not _holds_object(value):  # as JavaScript writes it
        return ",".join(map(_shown, value))
    return value if isinstance(value, str) else _text(value)


def _holds_object(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and any(map(_holds_object, value))
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _if(options: Any, event: Any) -> Any:
    key = "exists" if "exists" in options else "blank"
    found = interpreted(options[key], event)
    if found is MISSING or found is None or (key == "blank" and found == ""):
        other = options.get("else")
        return MISSING if other is None else interpreted(other, event)
    return interpreted(options["then"], event)


def _case(options: Any, event: Any) -> Any:
    found = interpreted(options["value"], event)
    return getattr(found, options["operator"])() if isinstance(found, str) else found


def _replace(options: Any, event: Any) -> Any:
    found = interpreted(options["value"], event)
    if found is MISSING or found is None or isinstance(found, list | dict):
        return MISSING
    count = -1 if options["global"] else 1
    found = _shown(found).replace(options["pattern"], options["replacement"], count)
    return found.replace(options["pattern2"], "", count) if options["pattern2"] else found


def _array_path(options: Any, event: Any) -> Any:
    path, shape = options
    found = _path(path, event)
    if not shape or not isinstance(found, list | dict):
        return found
    items = [found] if isinstance(found, dict) else found
    return [interpreted(shape, one) for one in items]


def _flatten(options: Any, event: Any) -> Any:
    found = interpreted(options["value"], event)
    kinds = (dict,) if options["omitArrays"] else (dict, list)
    return dict(_leaves(found, (), kinds)) if isinstance(found, kinds) and found else found


def _leaves(value: Any, keys: tuple[str, ...], kinds: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, kinds):
        return [("/".join(keys), value)]
    members: Any = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, one in members for leaf in _leaves(one, (*keys, str(key)), kinds)]


def _json(options: Any, event: Any) -> Any:
    found = interpreted(options["value"], event)
    if options["mode"] == "encode":
        return MISSING if found is MISSING else _text(found)
    try:
        return json.loads(found) if isinstance(found, str) else found
    except ValueError:
        return found


def _merge(options: Any, event: Any) -> Any:
    objects = options["objects"]
    made: dict[str, Any] = {}
    for one in objects if options["direction"] == "right" else reversed(objects):
        made |= interpreted(one, event)
    return made


def _transform(options: Any, event: Any) -> Any:
    return interpreted(options["mapping"], interpreted(options["apply"], event))


def _exclude(value: Any, event: Any) -> Any:
    found = interpreted(value, event)
    return MISSING if found is None else _without_nulls(found)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    return value


DIRECTIVES: Mapping[str, Callable[[Any, Any], Any]] = {
    "@path": _path,
    "@template": _template,
    "@literal": lambda value, _: value,
    "@if": _if,
    "@case": _case,
    "@replace": _replace,
    "@arrayPath": _array_path,
    "@flatten": _flatten,
    "@json": _json,
    "@merge": _merge,
    "@transform": _transform,
    "@excludeWhenNull": _exclude,
}
