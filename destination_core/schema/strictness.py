"""The fast path: a validator that accepts a payload only if Segment would not change it.

It is the model's own validator with every liberty taken away. What pydantic would convert, what
Segment would convert, drop or refuse - it all fails here and is looked at again with more
patience (``schema.coercion``). So a payload that passes needs no second look.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import SchemaValidator, core_schema

from destination_core.schema.fields import FieldSpec
from destination_core.schema.formats import CHECKS
from destination_core.schema.models import Payload
from destination_core.schema.values import has_type

Node = Mapping[str, Any]

_WRAPPERS = frozenset({"function-before", "function-after", "function-wrap", "default"})
_CONTAINERS = frozenset({"set", "frozenset", "tuple"})


class UnsupportedModel(Exception):
    """A model whose strictness cannot be derived (a recursive one): it has no fast path."""


def strict_schema(model: type[Payload], fields: Sequence[FieldSpec]) -> Node | None:
    """Return the core schema of the fast path; None when a model is too peculiar for one."""
    schema: Node = model.__pydantic_core_schema__
    definitions: dict[str, Node] = {}
    if schema["type"] == "definitions":
        definitions = {one["ref"]: one for one in schema["definitions"]}
        schema = schema["schema"]
    try:
        return _Strict(definitions).model(schema, fields, root=True)
    except UnsupportedModel:
        return None


def validator(node: Node, config: Mapping[str, Any] | None = None) -> Callable[[Any], Any] | None:
    """Compile a core schema into a function that raises ``ValidationError`` or returns the value.

    None for a pydantic-core that cannot be told to leave alone the validators it has already: it
    would see the class and take that.
    """
    try:
        made = SchemaValidator(node, config, _use_prebuilt=False)  # type: ignore[arg-type]
    except TypeError:
        return None
    return made.validate_python


class _Strict:
    """Rewrites the nodes of a core schema; fields with nodes of unknown kind are guarded."""

    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions
        self._open: list[str] = []

    def model(self, node: Node, fields: Sequence[FieldSpec], *, root: bool) -> Node:
        if node["type"] in _WRAPPERS:
            return {**node, "schema": self.model(node["schema"], fields, root=root)}
        if node["type"] == "definition-ref":
            return self._resolved(node, lambda found: self.model(found, fields, root=root))
        inner = node.get("schema")
        if node["type"] != "model" or not inner or inner["type"] != "model-fields":
            raise UnsupportedModel(node["type"])
        by_attribute = {spec.attribute: spec for spec in fields}
        members = {
            name: self._member(member, by_attribute.get(name), root=root)
            for name, member in inner["fields"].items()
        }
        config = dict(node.get("config") or {})
        # Mapped data has Segment's keys only; and only mappings are payloads.
        for option in ("validate_by_name", "validate_by_alias", "populate_by_name"):
            config.pop(option, None)
        bare = {key: value for key, value in node.items() if key != "ref"}
        return {**bare, "config": config, "strict": False, "schema": {**inner, "fields": members}}

    def _resolved(self, node: Node, build: Callable[[Node], Node]) -> Node:
        ref = node["schema_ref"]
        if ref in self._open or ref not in self._definitions:
            raise UnsupportedModel(ref)
        self._open.append(ref)
        try:
            return build(self._definitions[ref])
        finally:
            self._open.pop()

    def _member(self, member: Node, spec: FieldSpec | None, *, root: bool) -> Node:
        if spec is None:
            return member
        return {**member, "schema": self._field(member["schema"], spec, root=root)}

    def _field(self, node: Node, spec: FieldSpec, *, root: bool) -> Node:
        kind = node["type"]
        if kind in _WRAPPERS:
            return {**node, "schema": self._field(node["schema"], spec, root=root)}
        if kind == "nullable":
            inner = self._field(node["schema"], spec, root=root)
            return {**node, "schema": inner} if spec.nullable else inner
        if kind == "definition-ref":
            return self._resolved(node, lambda found: self._field(found, spec, root=root))
        if not spec.multiple:
            return self._value(node, spec, root=root)
        if kind == "list":
            return {**node, "strict": True, "items_schema": self._item(node, spec)}
        if kind in _CONTAINERS:
            items = self._item(node, spec)
            inner = {**node, "strict": False, "items_schema": [items] if kind == "tuple" else items}
            return _before(_only(lambda value: isinstance(value, list)), inner)
        raise UnsupportedModel(kind)

    def _item(self, node: Node, spec: FieldSpec) -> Node:
        item = node.get("items_schema", {"type": "any"})
        return self._value(item[0] if isinstance(item, list) else item, spec, root=False)

    def _value(self, node: Node, spec: FieldSpec, *, root: bool) -> Node:
        kind = node["type"]
        if kind in _WRAPPERS or kind == "nullable":
            inner = self._value(node["schema"], spec, root=root)
            return inner if kind == "nullable" else {**node, "schema": inner}
        if kind == "definition-ref":
            return self._resolved(node, lambda found: self._value(found, spec, root=root))
        if kind == "model":
            if spec.properties is None:
                raise UnsupportedModel(kind)
            return self.model(node, spec.properties, root=False)
        return _checked(spec, _scalar(node, spec, root=root))


def _scalar(node: Node, spec: FieldSpec, *, root: bool) -> Node:
    kind = node["type"]
    if kind == "union" and spec.types:
        members = [one[0] if isinstance(one, tuple) else one for one in node["choices"]]
        if "number" not in spec.types:
            members = [member for member in members if member["type"] != "float"]
        choices = [_scalar(member, spec, root=root) for member in members]
        return {"type": "union", "mode": "left_to_right", "choices": choices}
    if kind == "str":
        # An empty text counts as absent, but only in the payload itself, not in its objects.
        least = max(node.get("min_length") or 0, 1 if root else 0)
        return {**node, "strict": True, **({"min_length": least} if least else {})}
    if kind == "float":
        return {**node, "strict": True, "allow_inf_nan": False}
    if kind in {"int", "bool", "dict"}:
        return {**node, "strict": True}
    if kind == "literal" and "" not in node["expected"]:
        return node
    if spec.convert is not None:
        node = _before(spec.convert, node)
    return _before(_only(lambda value: _unchanged(spec, value, root=root)), node)


def _unchanged(spec: FieldSpec, value: Any, *, root: bool) -> bool:
    if isinstance(value, str) and value == "" and root:
        return False
    return not spec.types or has_type(spec.types, value)


def _checked(spec: FieldSpec, node: Node) -> Node:
    """Add what is known about the field and not by its Python type."""
    if spec.choices is not None and node["type"] not in {"literal", "enum"}:
        texts = all(isinstance(one.value, str) for one in spec.choices)
        if texts and node["type"] == "str":
            expected = [one.value for one in spec.choices if one.value != ""]
            return dict(core_schema.literal_schema(expected or [MISSING_CHOICE]))
        raise UnsupportedModel("choices")
    for bound, key, length in (
        (spec.minimum, "ge", "min_length"),
        (spec.maximum, "le", "max_length"),
    ):
        if bound is not None:
            node = _bounded(node, bound, key, length)
    check = CHECKS.get(spec.format) if spec.format and spec.convert is None else None
    if check is not None and node["type"] in {"str", "union"}:
        return _after(_only(lambda value: not isinstance(value, str) or check(value)), node)
    return node


#: No text is this one: the literal of a field none of whose choices can be given.
MISSING_CHOICE = "\0"


def _bounded(node: Node, bound: float, number_key: str, length_key: str) -> Node:
    if node["type"] == "union":
        choices = [_bounded(one, bound, number_key, length_key) for one in node["choices"]]
        return {**node, "choices": choices}
    if node["type"] == "float":
        return {**node, number_key: bound}
    whole = math.ceil(bound) if number_key == "ge" else math.floor(bound)
    if node["type"] == "int":
        return {**node, number_key: whole}
    if node["type"] == "str":
        # What is there already is the least that a text of the payload itself must have.
        known = node.get(length_key)
        return {**node, length_key: whole if known is None else max(known, whole)}
    return node


def _only(test: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not test(value):
            raise ValueError("needs Segment's coercions")
        return value

    return check


def _before(function: Callable[[Any], Any], node: Node) -> Node:
    return dict(core_schema.no_info_before_validator_function(function, node))


def _after(function: Callable[[Any], Any], node: Node) -> Node:
    return dict(core_schema.no_info_after_validator_function(function, node))
