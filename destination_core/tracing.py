"""OpenTelemetry: one trace from the call that brought an event to the attempts to deliver it.

An event waits in a queue in between, perhaps for hours, so the trace context is kept beside it. Of
the optional extra `otel`: nothing else imports this module, unless tracing is on.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from destination_core.http import core_version

if TYPE_CHECKING:
    from destination_core.work import Attempt

PARENT: Final = "traceparent"
STATE: Final = "tracestate"
CLOSE_SECONDS: Final = 3.0
"""How long the end may be held up by a collector that does not answer."""

LONGEST_STATE: Final = 512
"""Characters of a `tracestate` that are kept, once per event: what W3C asks for at least."""

FAILED: Final = 500
"""From this status on it is the server's fault."""


class Tracing:
    """Makes spans of calls and attempts, and nothing else: no event, no URL, no header is in them.

    A batch has events of many traces, so its span is linked to each of them; when all of them are
    of one, it is a child of it.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("destination_core", core_version())
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def to_collector(cls, service: str = "destinations") -> Self:
        """Send spans by OTLP over HTTP; where to, and how many, say OpenTelemetry's variables."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  slow
            OTLPSpanExporter,
        )

        named = {SERVICE_NAME: service, SERVICE_VERSION: core_version()}
        provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    def close(self) -> None:
        """Send what is left, unless that takes longer than ``CLOSE_SECONDS``."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    @contextmanager
    def receiving(self, headers: Mapping[str, str], route: str) -> Iterator["Receipt"]:
        """Make the span of a call that brings events; it goes on what the caller began."""
        span = self._tracer.start_span(
            f"POST {route}",
            context=self._context(headers.get(PARENT, ""), headers.get(STATE, "")),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": "POST", "http.route": route},
        )
        try:
            yield Receipt(span, self._written(span))
        finally:
            span.end()

    def attempted(self, attempt: "Attempt", traces: Sequence[str]) -> None:
        """Make the span of an attempt that has ended; ``traces`` are those of its events."""
        different = list(dict.fromkeys(one for one in traces if one))
        contexts = [self._context(*_read(one)) for one in different]
        ended = time.time_ns()
        actions = {task.action.slug for task in attempt.tasks}
        span = self._tracer.start_span(
            f"deliver {attempt.connection}",
            context=contexts[0] if len(contexts) == 1 else Context(),
            links=[Link(get_current_span(one).get_span_context()) for one in contexts]
            if len(contexts) > 1
            else (),
            kind=SpanKind.CLIENT,
            attributes={
                "destinations.destination": attempt.connection,
                "destinations.action": ",".join(sorted(actions)),
                "destinations.attempt": attempt.number,
                "messaging.batch.message_count": len(attempt.tasks),
            },
            start_time=ended - int(attempt.seconds * 1e9),
        )
        responses = [one.response for one in attempt.exchanges if one.response is not None]
        if responses:
            span.set_attribute("http.response.status_code", responses[-1].status)
        if attempt.error is not None:  # its code, not its words: they may quote an answer
            span.set_attribute("error.type", attempt.error.code)
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def _context(self, parent: str, state: str) -> Context:
        carrier = {PARENT: parent, STATE: state} if state else {PARENT: parent}
        return self._propagator.extract(carrier, Context())

    def _written(self, span: Span) -> str:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, set_span_in_context(span, Context()))
        state = carrier.get(STATE, "")
        return f"{carrier.get(PARENT, '')} {state if len(state) <= LONGEST_STATE else ''}".strip()


class Receipt:
    """The span of one call; ``trace`` is what to keep beside its events."""

    def __init__(self, span: Span, trace: str) -> None:
        self._span = span
        self.trace = trace

    def answered(self, status: int) -> None:
        """Note how the call was answered."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= FAILED:
            self._span.set_status(StatusCode.ERROR)


def _read(trace: str) -> tuple[str, str]:
    parent, _, state = trace.partition(" ")
    return parent, state
