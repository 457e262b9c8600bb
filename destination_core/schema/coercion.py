"""Segment's second look at a payload: drop what is empty, convert what can be, list the faults.

Everything here works on JSON values and on :class:`FieldSpec` trees; the model comes after. The
order is that of the hosted engine: empty values go, scalars become lists, conditions are read,
then each value is converted and checked. The payload that came is never changed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from destination_core.schema import messages
from destination_core.schema.conditions import nulled, rules_of, unmet
from destination_core.schema.fields import EXEMPT, MISSING, FieldSpec, JsonType
from destination_core.schema.messages import Fault, pointer_to
from destination_core.schema.values import complaints_about, converted, has_type


class Coercion:
    """The second look at objects with certain fields, compiled once.

    ``additional`` keeps the members that no field declares; ``root`` says that the object is the
    payload itself, where empty texts count as absent and conditions of the fields are read.
    """

    def __init__(
        self, fields: Sequence[FieldSpec], *, additional: bool = False, root: bool = True
    ) -> None:
        self._fields = tuple(fields)
        self._by_key = {spec.key: spec for spec in fields}
        self._additional = additional
        self._root = root
        self._rules = rules_of(fields, root=root)
        self._inner = {
            spec.key: Coercion(spec.properties, additional=spec.additional, root=False)
            for spec in fields
            if spec.properties is not None
        }
        self._plain = {spec.key: spec.types for spec in fields if _is_plain(spec)}

    def __call__(self, payload: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """Return the payload as the hosted engine would hand it on, and what is wrong with it.

        The result is only meaningful when there are no faults.
        """
        faults: list[Fault] = []
        cleaned = self._without_empty(payload)
        coerced = self._object(cleaned, "", None, faults)
        if EXEMPT in cleaned:
            coerced[EXEMPT] = cleaned[EXEMPT]
        return coerced, faults

    def _without_empty(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        cleaned = {}
        for key, value in payload.items():
            spec = self._by_key.get(key)
            kept = value if spec is None else self._unless_empty(spec, value)
            if kept is not MISSING and not (self._root and isinstance(kept, str) and not kept):
                cleaned[key] = kept
        return cleaned

    def _unless_empty(self, spec: FieldSpec, value: Any) -> Any:
        """Return the value without what is empty in it; MISSING when it is empty itself.

        Deviations VAL-05 (the same rule for one event and for a batch), VAL-06 (every level
        wraps) and VAL-23 (objects in a list are cleaned too).
        """
        if not spec.multiple or value is None:
            return self._one_unless_empty(spec, value, nullable=spec.nullable)
        if isinstance(value, str) and not value:
            return MISSING
        items = value if isinstance(value, list) else [value]
        # Null is a value of the field, never of an item (VAL-03).
        kept = [self._one_unless_empty(spec, item, nullable=False) for item in items]
        return [item for item in kept if item is not MISSING]

    def _one_unless_empty(self, spec: FieldSpec, value: Any, *, nullable: bool) -> Any:
        if value is None:
            return None if nullable or not spec.types else MISSING
        if isinstance(value, str) and not value:
            return value if "string" in spec.types or not spec.types else MISSING
        if spec.properties is not None and isinstance(value, Mapping):
            return self._inner[spec.key]._without_empty(value)  # noqa: SLF001  its own kind
        return value

    def _object(
        self, payload: Mapping[str, Any], pointer: str, label: str | None, faults: list[Fault]
    ) -> dict[str, Any]:
        blank = self._conditions(payload, pointer, label, faults) if self._rules else ()
        coerced: dict[str, Any] = dict(payload) if self._additional else {}
        for spec in self._fields:
            key = spec.key
            if key in payload:
                value = None if key in blank else payload[key]
                if key in self._plain and has_type(self._plain[key], value):
                    coerced[key] = value
                else:
                    coerced[key] = self._field(spec, value, pointer_to(pointer, key), faults)
            elif spec.required:
                faults.append(Fault(pointer, label, messages.missing(key)))
        return coerced

    def _conditions(
        self, payload: Mapping[str, Any], pointer: str, label: str | None, faults: list[Fault]
    ) -> set[str]:
        for path, requirement in unmet(self._rules, payload):
            parent = "".join(pointer_to("", key) for key in path[:-1])
            named = None if parent else label
            complaint = messages.missing(path[-1], requirement)
            faults.append(Fault(pointer + parent, named, complaint))
        return nulled(self._rules, payload)

    def _field(self, spec: FieldSpec, value: Any, pointer: str, faults: list[Fault]) -> Any:
        if value is None and spec.nullable:
            return None
        if not spec.multiple:
            types: tuple[JsonType, ...] = (*spec.types, "null") if spec.nullable else spec.types
            return self._value(spec, types, value, pointer, faults, label=spec.label)
        # Items have no label of their own: the place says which one it is.
        return [
            self._value(spec, spec.types, item, pointer_to(pointer, index), faults)
            for index, item in enumerate([value] if value is None else value)
        ]

    def _value(
        self,
        spec: FieldSpec,
        types: tuple[JsonType, ...],
        came: Any,
        pointer: str,
        faults: list[Fault],
        *,
        label: str | None = None,
    ) -> Any:
        fits, value = converted(types, came)
        complaints = [] if fits else [messages.wrong_type(types, value)]
        if value is not None or not fits:
            complaints += complaints_about(spec, value)
        if not complaints and spec.properties is not None and isinstance(value, Mapping):
            return self._inner[spec.key]._object(value, pointer, label, faults)  # noqa: SLF001  its own kind
        if not complaints and spec.convert is not None and value is not None:
            try:
                value = spec.convert(value)
            except ValueError:
                complaints = [messages.wrong_format(spec.format or spec.type)]
        faults.extend(
            Fault(pointer, label, complaint, came, spec.holds_secrets) for complaint in complaints
        )
        return value


def _is_plain(spec: FieldSpec) -> bool:
    """Tell whether a value of the right JSON type needs no further look."""
    bounded = spec.minimum is not None or spec.maximum is not None
    checked = spec.format is not None or spec.choices is not None or spec.convert is not None
    return not (spec.multiple or bounded or checked or spec.properties is not None)
