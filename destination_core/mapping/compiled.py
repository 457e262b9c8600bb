"""Compile a mapping into functions of an event."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from destination_core.errors import InvalidMapping, InvalidPayload, Problem
from destination_core.mapping import validation
from destination_core.mapping.directives import Compiler, Member, object_of
from destination_core.mapping.values import MISSING, Fault, Resolver, type_name

ROOT_DIRECTIVE: Final = "__segment_internal_directive"
"""A directive that is applied to the whole mapping; the other keys are its ``mapping``."""

Clock = Callable[[], datetime]


class CompiledMapping:
    """A mapping that was checked and compiled; ``source`` is its JSON.

    ``members`` are its fields by themselves, None where a directive makes the whole payload.
    """

    __slots__ = ("_resolver", "members", "source")

    def __init__(
        self,
        source: Mapping[str, Any],
        resolver: Resolver,
        members: tuple[Member, ...] | None = None,
    ) -> None:
        self.source = source
        self.members = members
        self._resolver = resolver

    def resolve(self, event: Mapping[str, Any]) -> Any:
        """Return the payload that the mapping makes of an event.

        An object, or what the directive at the root of the mapping gives. It shares nothing with
        the mapping but may share with the event: copy before writing. Raises ``InvalidPayload``
        with the path of the field that failed (codes ``MAPPING_ERROR`` and ``LIQUID_ERROR``).
        """
        try:
            value = self._resolver(event)
        except Fault as fault:
            pointer = "".join(f"/{key}" for key in fault.path)
            raise InvalidPayload(
                f"mapping of {pointer or 'the payload'} fails: {fault}",
                problems=[Problem(pointer, str(fault))],
                code=fault.code,
            ) from None
        except RecursionError:
            raise InvalidPayload(
                "mapping fails: the event is nested too deeply", code="MAPPING_ERROR"
            ) from None
        return None if value is MISSING else value

    def doomed(self) -> Iterator[tuple[str, str]]:
        """Yield path and fault of what fails on every event: a broken template, a missing option.

        Such mappings are legal, as in the hosted engine; found are those that every event meets.
        """
        for member in self.members or (Member("", self._resolver),):
            try:
                if member.resolve is not None:
                    member.resolve({})
            except Fault as fault:
                if fault.always:
                    path = [member.key, *fault.path] if self.members else fault.path
                    yield "".join(f"/{key}" for key in path), str(fault)

    def __repr__(self) -> str:
        return f"<CompiledMapping of {', '.join(map(str, self.source))}>"


def compile(  # noqa: A001  `mapping.compile`, as in `re.compile`
    mapping: Mapping[str, Any], *, now: Clock | None = None
) -> CompiledMapping:
    """Check and compile a mapping; ``now`` is the clock of ``@liquid`` dates.

    Raises ``InvalidMapping`` with every fault and its path.
    """
    root = _with_root_directive(mapping)
    found = validation.faults(root)
    if found:
        raise InvalidMapping(f"mapping: {validation.listed(found)}", problems=found)
    compiler = Compiler(now or _utc_now)
    if validation.directive_of(root) is not None:
        return CompiledMapping(mapping, compiler.value(root))
    members = compiler.members(root)
    return CompiledMapping(mapping, object_of(members), members)


def _with_root_directive(mapping: Any) -> Any:
    if not isinstance(mapping, Mapping) or ROOT_DIRECTIVE not in mapping:
        return mapping
    root = mapping[ROOT_DIRECTIVE]
    message = ""
    if not isinstance(root, Mapping) or not root:
        message = "The root directive must be an object"
    elif len(root) > 1:
        message = "The root mapping must only have a single directive object"
    else:
        ((name, options),) = root.items()
        if isinstance(options, Mapping):
            rest = {key: value for key, value in mapping.items() if key != ROOT_DIRECTIVE}
            return {name: {**options, "mapping": rest}}
        message = f"The root directive must be an object, {name} is {type_name(options)}"
    raise InvalidMapping(f"mapping: {message}", problems=[message])


def _utc_now() -> datetime:
    return datetime.now(UTC)
