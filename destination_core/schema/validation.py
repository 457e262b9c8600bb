"""From mapped data to a payload: strictly at full speed, else with Segment's coercions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import ValidationError

from destination_core.errors import InvalidPayload, PluginError
from destination_core.mapping import CompiledMapping
from destination_core.schema import catalogue, messages
from destination_core.schema.annotations import fields_of
from destination_core.schema.assembly import assembler
from destination_core.schema.coercion import Coercion
from destination_core.schema.conditions import nulled, rules_of, unmet
from destination_core.schema.fields import EXEMPT, MISSING, FieldSpec
from destination_core.schema.messages import Fault, pointer_to
from destination_core.schema.models import Payload
from destination_core.schema.strictness import strict_schema, validator

P = TypeVar("P", bound=Payload)


class PayloadSchema(Generic[P]):
    """A payload model, compiled once for many events.

    ``model`` is the class that :meth:`validate` makes instances of. Raises ``PluginError`` when
    the model's metadata contradicts itself.
    """

    def __init__(self, model: type[P]) -> None:
        self.model = _complete(model)
        self._fields = fields_of(model)
        self._node = strict_schema(model, self._fields)
        self._strict: Callable[[Any], P] | None = validator(self._node) if self._node else None
        self._validate = model.__pydantic_validator__.validate_python
        self._coerce = Coercion(self._fields)
        self._rules = rules_of(self._fields)
        self._deep_rules = any(_has_rules(spec.properties or ()) for spec in self._fields)
        self._conditional = bool(self._rules) or self._deep_rules
        self._null_keys = frozenset(s.key for s in self._fields if s.nullable or not s.types)
        self._passes_exempt = model.model_config.get("extra") == "allow" or any(
            info.alias == EXEMPT for info in model.model_fields.values()
        )

    def __repr__(self) -> str:
        return f"PayloadSchema({self.model.__name__})"

    def validate(self, data: Any) -> P:
        """Return the payload that mapped data makes; the data is not changed.

        What fits the model as it is, is taken as it is. Otherwise empty values and unknown keys
        are dropped, numbers, texts, booleans, dates and lists converted as Segment's engine
        does, and the result validated once more. Raises ``InvalidPayload``: its ``problems``
        hold Segment's sentences, its ``detail`` also the values that came, never a secret's.
        """
        if self._strict is None:
            return self._coerced(data)
        try:
            payload = self._strict(data)
        except ValidationError:
            return self._without_blanks(data)
        if self._conditional and not self._is_settled(data):
            return self._coerced(data)
        return payload

    def reader(self, mapping: CompiledMapping) -> Callable[[Mapping[str, Any]], P]:
        """Return what makes the payload of an event: ``validate`` of what the mapping resolves."""

        def read(event: Mapping[str, Any]) -> P:
            return self.validate(mapping.resolve(event))

        if self._node is None or self._conditional:
            return read
        return assembler(self.model, self._node, self._fields, mapping, read) or read

    def _without_blanks(self, data: Any) -> P:
        """Try once more without null and "": they count as absent, and are all that is wrong."""
        if isinstance(data, dict) and self._strict is not None:
            null_keys = self._null_keys
            bare = {
                key: value
                for key, value in data.items()
                if (value is not None or key in null_keys) and value != ""
            }
            if len(bare) < len(data):
                try:
                    payload = self._strict(bare)
                except ValidationError:
                    return self._coerced(data)
                if not self._conditional or self._is_settled(bare):
                    return payload
        return self._coerced(data)

    def _is_settled(self, data: Mapping[str, Any]) -> bool:
        """Tell whether no condition asks for more, and none changes a value."""
        return not (unmet(self._rules, data) or nulled(self._rules, data) or self._deep_rules)

    def _coerced(self, data: Any) -> P:
        if not isinstance(data, Mapping):
            complaint = messages.wrong_type(("object",), data)
            raise messages.invalid(self.model.__name__, [Fault("", None, complaint, data)])
        coerced, faults = self._coerce(data)
        if faults:
            raise messages.invalid(self.model.__name__, faults)
        if not self._passes_exempt:
            coerced.pop(EXEMPT, None)
        try:
            payload: P = self._validate(coerced)
        except ValidationError as error:
            raise self._refused(error, coerced) from None
        return payload

    def _refused(self, error: ValidationError, coerced: Mapping[str, Any]) -> InvalidPayload:
        """Report what the model's own validators have against values that Segment would take."""
        faults = []
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            pointer, value = "", coerced
            for step in one["loc"]:
                pointer = pointer_to(pointer, step)
                value = _member(value, step)
            spec = next((s for s in self._fields if one["loc"] and s.key == one["loc"][0]), None)
            secret = spec is not None and spec.holds_secrets
            said = "is not valid" if secret else f"is not valid: {one['msg'].rstrip('.')}"
            label = spec.label if spec and len(one["loc"]) == 1 else None
            faults.append(Fault(pointer, label, said, value, secret=secret))
        return messages.invalid(self.model.__name__, faults)

    def objections(self, key: str, value: Any) -> Iterator[str]:
        """Say what a value of one field is refused for, whatever the others are."""
        specs = [replace(spec, requirement=None) for spec in self._fields if spec.key == key]
        _, faults = Coercion(specs)({key: value} if specs else {})
        yield from (fault.message for fault in faults)

    @property
    def specs(self) -> tuple[FieldSpec, ...]:
        """The fields, as compiled."""
        return self._fields

    @property
    def asks_for_sync_mode(self) -> bool:
        """Tell whether the sync mode decides which fields are required."""
        return any(
            one.type == "syncMode"
            for _, requirement in self._rules
            for one in requirement.conditions
        )

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The fields as Segment's catalogue lists them, by key."""
        return catalogue.input_fields(self._fields)

    @property
    def default_mapping(self) -> dict[str, Any]:
        """The mapping made of the fields' defaults."""
        return catalogue.default_mapping(self._fields)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of payloads; ``x-default-mapping`` holds a field's directive."""
        return catalogue.json_schema(self._fields)


def _complete(model: type[P]) -> type[P]:
    """Resolve annotations that named a class before it was there."""
    try:
        model.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        raise PluginError(
            f"{model.__name__} names a type that is not defined: {error.name!r}"
        ) from None
    return model


def _has_rules(fields: Sequence[FieldSpec]) -> bool:
    # Conditions of objects inside objects are left to the patient path.
    return bool(rules_of(fields, root=False)) or any(_has_rules(s.properties or ()) for s in fields)


def _member(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return MISSING
