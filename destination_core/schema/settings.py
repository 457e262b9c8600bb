"""Opening settings: what a customer typed becomes a model, or an error that helps."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from destination_core.errors import InvalidSettings
from destination_core.schema.annotations import fields_of
from destination_core.schema.messages import shown
from destination_core.schema.models import Settings

S = TypeVar("S", bound=Settings)

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}

_OWN_WORDS: Final = frozenset({"value_error", "assertion_error"})


def load_settings(model: type[S], raw: Mapping[str, Any], *, hidden: Collection[str] = ()) -> S:
    """Validate settings by field name or alias.

    An empty text or null for a required setting counts as absent: it is usually a variable that is
    not set, or what `destinations init` leaves to fill in. Raises ``InvalidSettings`` that lists
    every fault: the setting, what was expected, what came (never a secret, nor what stands under a
    key in ``hidden``), and for an unknown key the nearest known one.
    """
    if not isinstance(raw, Mapping):
        raise InvalidSettings(f"settings must be an object, got {shown(raw)}")
    required = _required(model)
    given = {
        key: value for key, value in raw.items() if key not in required or not _is_empty(value)
    }
    try:
        return model.model_validate(given)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults = dict.fromkeys(_fault(model, raw, detail, hidden) for detail in details)
    # Raised out here, so that the error of pydantic (which knows the values) is not chained.
    raise InvalidSettings("settings: " + "; ".join(faults), problems=tuple(faults))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _required(model: type[Settings]) -> frozenset[str]:
    infos = [(name, info) for name, info in model.model_fields.items() if info.is_required()]
    return frozenset(key for name, info in infos for key in (name, info.alias or name))


def _fault(
    model: type[Settings],
    raw: Mapping[str, Any],
    detail: ErrorDetails,
    hidden: Collection[str],
) -> str:
    where = ".".join(str(step) for step in detail["loc"])
    if not where:
        return _sentence(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown(model, detail)
    name, info = _known(model, detail["loc"][0])
    where = ".".join([name, *(str(step) for step in detail["loc"][1:])])
    if detail["type"] == "missing":
        about = f" ({info.description.rstrip('.')})" if info and info.description else ""
        names = " or ".join(dict.fromkeys([repr(where), repr(_name_of(model, where))]))
        empty = where in raw or _name_of(model, where) in raw
        return f"{names} is required{' and is empty' if empty else ''}{about}"
    if _is_secret(model, detail["loc"][0]):
        came = "a value that is not shown"
        return f"{where!r} must be {_EXPECTED.get(detail['type'], 'valid')}, got {came}"
    if detail["loc"][0] in hidden:
        # a validator's own words may repeat the value
        said = "is not valid" if detail["type"] in _OWN_WORDS else _sentence(detail)
        return f"{where!r} {said}, got a value that is not shown"
    return f"{where!r} {_sentence(detail)}, got {shown(_value_at(raw, detail['loc']))}"


def _unknown(model: type[Settings], detail: ErrorDetails) -> str:
    key = str(detail["loc"][-1])
    names = list(model.model_fields)
    names += [info.alias for info in model.model_fields.values() if info.alias]
    lowered = [name.lower().replace("_", "") for name in names]
    alias = model.model_fields[key].alias if key in model.model_fields else None
    if alias:  # pydantic took what stands under the alias
        return f"{key!r} is given twice, as {key} and {alias}; leave one of them out"
    near = get_close_matches(key.lower().replace("_", ""), lowered, n=1, cutoff=0.6)
    spellings = [name for name, low in zip(names, lowered, strict=True) if low in near]
    best = get_close_matches(key, spellings, n=1, cutoff=0)
    hint = f"did you mean {best[0]!r}?" if best else f"known: {', '.join(names)}"
    where = ".".join(str(step) for step in detail["loc"])
    return f"{where!r} is not a setting; {hint}"


def _known(model: type[Settings], step: str | int) -> tuple[str, FieldInfo | None]:
    for name, info in model.model_fields.items():
        if step in {name, info.alias}:
            return str(step), info
    return str(step), None


def _name_of(model: type[Settings], where: str) -> str:
    aliases = {info.alias: name for name, info in model.model_fields.items() if info.alias}
    return aliases.get(where, where)


def _is_secret(model: type[Settings], step: str | int) -> bool:
    return any(
        spec.holds_secrets for spec in fields_of(model) if step in {spec.key, spec.attribute}
    )


def _sentence(detail: ErrorDetails) -> str:
    expected = _EXPECTED.get(detail["type"])
    if expected:
        return f"must be {expected}"
    if detail["type"] in {"literal_error", "enum"}:
        return f"must be {detail.get('ctx', {}).get('expected', 'one of the choices')}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"is not valid: {message}"


def _value_at(raw: Any, loc: tuple[int | str, ...]) -> Any:
    value = raw
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return value
