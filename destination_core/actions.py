"""What an author declares: an action, its handlers, and how its batches are cut."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

from destination_core.context import Context
from destination_core.errors import PluginError
from destination_core.features import ChoiceQuery, Choices, SyncModes
from destination_core.outcome import Outcome
from destination_core.schema import FieldSpec, Payload, PayloadSchema, Settings

S = TypeVar("S", bound=Settings)
P = TypeVar("P", bound=Payload)
Given = TypeVar("Given", bound=Payload)
Kept = TypeVar("Kept", bound=Payload)

Handler = Callable[[Context[S], P], Awaitable[object]]
BatchHandler = Callable[[Context[S], Sequence[P]], Awaitable[Sequence[Outcome] | None]]
ChoiceHandler = Callable[[Context[S], ChoiceQuery], Awaitable[Choices]]
SaveHandler = Callable[[Context[S], Given], Awaitable[Kept]]


@dataclass(slots=True, eq=False)
class Encoded:
    """The exact UTF-8 bytes of one item of a batch, and warnings about how it was made."""

    body: bytes
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)  # no slots: they break `Batching[Settings](...)`
class Batching(Generic[S]):
    """How batches are cut.

    ``size`` is the most items of a batch; ``body_bytes`` the most bytes of its body and
    ``item_bytes`` the most of one item, both counted on the exact UTF-8 bytes that ``encode``
    made, joined with commas between the two halves of ``envelope``. ``keys`` names the payload
    fields whose values must be equal within a batch (Segment's batch keys). ``encode`` returns
    None for a payload that cannot be batched: it is then sent singly; it may raise
    ``InvalidPayload``. Without ``encode`` an item is measured as the JSON of its payload.
    """

    size: int = 100
    body_bytes: int | None = None
    item_bytes: int | None = None
    keys: tuple[str, ...] = ()
    encode: "Callable[[Context[S], Action[S, Any], Any], Encoded | None] | None" = None
    envelope: tuple[bytes, bytes] = (b"[", b"]")

    def __post_init__(self) -> None:
        """Refuse limits that no batch could meet."""
        if self.size < 1:
            raise PluginError(f"Batching: size must be at least 1, got {self.size!r}")

    def join(self, bodies: Sequence[bytes]) -> bytes:
        """Return the body of a batch: the items between the two halves of the envelope."""
        return self.envelope[0] + b",".join(bodies) + self.envelope[1]


class Saving(Generic[S, Given, Kept]):
    """What happens when a mapping is saved: ``input`` is asked for, ``output`` is kept with it."""

    def __init__(
        self,
        handler: SaveHandler[S, Given, Kept],
        *,
        given: type[Given],
        kept: type[Kept],
        description: str,
    ) -> None:
        self.handler = handler
        self.input: PayloadSchema[Given] = PayloadSchema(given)
        self.output: PayloadSchema[Kept] = PayloadSchema(kept)
        self.description = description


class Action(Generic[S, P]):
    """One thing a destination can do with a payload.

    Made by ``action``; ``payload`` is the model that the handler's last parameter is annotated
    with, ``subscribe`` the default trigger in FQL, or None. ``is_scoped`` tells whether its
    handlers are told more than the payload.
    """

    def __init__(
        self,
        slug: str,
        handler: Handler[S, P],
        *,
        payload: type[P],
        subscribe: str | None = None,
        title: str = "",
        description: str = "",
        sync_modes: SyncModes | None = None,
        audience: bool = False,
    ) -> None:
        if not inspect.iscoroutinefunction(handler):
            raise PluginError(f"action {slug!r}: the handler must be `async def`")
        self.sync_modes = sync_modes
        self.audience = audience
        self.is_scoped = audience or sync_modes is not None
        self.saving: Saving[S, Any, Any] | None = None
        self.choice_handlers: dict[str, ChoiceHandler[S]] = {}
        self.slug = slug
        self.handler = handler
        self.payload = payload
        self.subscribe = subscribe
        self.title = title or slug
        self.description = description
        self.batch_handler: BatchHandler[S, P] | None = None
        self.batching: Batching[S] | None = None
        self.schema: PayloadSchema[P] = PayloadSchema(payload)
        self.fields: frozenset[str] = frozenset(payload.model_fields)

    def batch(
        self,
        *,
        size: int = 100,
        body_bytes: int | None = None,
        item_bytes: int | None = None,
        keys: Sequence[str] = (),
    ) -> Callable[[BatchHandler[S, P]], BatchHandler[S, P]]:
        """Declare the handler that sends many payloads of this action at once.

        Its result is None when all were accepted, else one ``Outcome`` per payload, in order.
        """

        def declare(handler: BatchHandler[S, P]) -> BatchHandler[S, P]:
            if not inspect.iscoroutinefunction(handler):
                raise PluginError(f"action {self.slug!r}: the batch handler must be `async def`")
            self.batch_handler = handler
            self.batching = Batching(
                size=size, body_bytes=body_bytes, item_bytes=item_bytes, keys=tuple(keys)
            )
            return handler

        return declare

    def choices(self, field: str) -> Callable[[ChoiceHandler[S]], ChoiceHandler[S]]:
        """Declare the handler that asks the destination for the values a field may have.

        The field is one of the payload or of what is given when the mapping is saved.
        """

        def declare(handler: ChoiceHandler[S]) -> ChoiceHandler[S]:
            if not inspect.iscoroutinefunction(handler):
                raise PluginError(f"action {self.slug!r}: choices of {field!r} must be `async def`")
            key = self.key_of(field)
            if key is None:
                known = sorted(one.key for one in self._specs())
                raise PluginError(
                    f"action {self.slug!r} has no field {field!r} to choose for;"
                    f" fields are {', '.join(known)}"
                )
            self.choice_handlers[key] = handler
            return handler

        return declare

    def on_mapping_save(self, handler: SaveHandler[S, Given, Kept]) -> SaveHandler[S, Given, Kept]:
        """Declare what is done once when a mapping is saved, and kept with it.

        The handler's last parameter is annotated with the model of what a customer gives, its
        result with that of what is kept; both are payload models.
        """
        if not inspect.iscoroutinefunction(handler):
            raise PluginError(f"action {self.slug!r}: on_mapping_save must be `async def`")
        given = _payload_of(self.slug, handler)
        kept = get_type_hints(handler).get("return")
        if not (isinstance(kept, type) and issubclass(kept, Payload)):
            raise PluginError(
                f"action {self.slug!r}: on_mapping_save must return a destination_core.Payload"
                f" model, and say so; it says {kept!r}"
            )
        words = inspect.getdoc(handler) or ""
        self.saving = Saving(handler, given=given, kept=kept, description=words)
        self.is_scoped = True
        return handler

    def key_of(self, name: str) -> str | None:
        """Return the key of a field, known by it or by its name in Python; None when unknown."""
        return next((one.key for one in self._specs() if name in (one.key, one.attribute)), None)

    def _specs(self) -> Sequence[FieldSpec]:
        """Return the fields of the payload, and of what is given when the mapping is saved."""
        return (*self.schema.specs, *(() if self.saving is None else self.saving.input.specs))

    def __repr__(self) -> str:
        return f"<Action {self.slug!r}>"


class _Declare(Protocol):
    """What ``action`` returns: a decorator that keeps the handler's types."""

    def __call__(self, handler: Handler[S, P], /) -> Action[S, P]: ...


def action(
    slug: str,
    *,
    subscribe: str | None = None,
    title: str = "",
    description: str = "",
    sync_modes: SyncModes | None = None,
    audience: bool = False,
) -> _Declare:
    """Declare an action; the decorated ``async def`` becomes its handler.

    The payload model comes from the annotation of the handler's last parameter, the description
    from its docstring. The slug is written out, so that renaming the function does not orphan
    stored subscriptions. ``sync_modes`` makes subscriptions choose how records are synced;
    ``audience`` tells the handlers who comes and goes. For a definition that exists only as data,
    call ``Action`` itself.

    Raises ``PluginError`` when there is no slug, the handler is not ``async def`` or its payload is
    unknown.
    """
    given: object = slug
    if not isinstance(given, str):
        raise PluginError('@dc.action has no slug; give it one: @dc.action("upsertContact")')

    def declare(handler: Handler[S, P], /) -> Action[S, P]:
        return Action(
            slug,
            handler,
            payload=_payload_of(slug, handler),
            subscribe=subscribe,
            title=title,
            description=description or inspect.getdoc(handler) or "",
            sync_modes=sync_modes,
            audience=audience,
        )

    return declare


def _payload_of(slug: str, handler: Callable[..., Any]) -> type[Any]:
    parameters = list(inspect.signature(handler).parameters)
    if len(parameters) != 2:  # noqa: PLR2004  ctx and payload
        raise PluginError(
            f"action {slug!r}: the handler must take (ctx, payload),"
            f" it takes ({', '.join(parameters)})"
        )
    found = get_type_hints(handler).get(parameters[-1])
    if not (isinstance(found, type) and issubclass(found, Payload)):
        came = f"not {getattr(found, '__name__', found)}" if found else "it has no annotation"
        raise PluginError(
            f"action {slug!r}: parameter {parameters[-1]!r} must be annotated with a"
            f" destination_core.Payload model; {came}"
        )
    return found
