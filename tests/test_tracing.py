"""Tracing: from the call that brought an event to the attempts to deliver it, and no secret."""

import json
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import destination_core as dc
from destination_core.cli import loading
from destination_core.http import Response
from destination_core.queue import SqliteQueue
from destination_core.runner import Intakes
from destination_core.server import Server, Source, Sources
from destination_core.tracing import Tracing
from tests.observed import FAST, Observed, connection, observed, person

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
KEY = "write-key-that-is-secret"


class Spans:
    """Tracing into memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(provider)

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name that have ended."""
        return [one for one in self._exporter.get_finished_spans() if one.name == name]

    def written(self) -> str:
        """Return everything that would be sent."""
        return "".join(one.to_json() for one in self._exporter.get_finished_spans())


@pytest.fixture
def spans() -> Spans:
    """Give spans."""
    return Spans()


async def sent(here: Observed, spans: Spans, events: list[Any], *parents: str) -> list[int]:
    """Send the events in a call per parent, with a write key; return the statuses."""
    sources = Sources([Source("web", (KEY,))])
    statuses = []
    async with (
        Server(sources, here.runner.put, port=0, tracing=spans.tracing) as server,
        aiohttp.ClientSession() as session,
    ):
        for number, parent in enumerate(parents):
            body = {"writeKey": KEY, "batch": events[number :: len(parents)]}
            headers = {"traceparent": parent, "tracestate": "vendor=1"} if parent else {}
            url = f"http://127.0.0.1:{server.port}/v1/batch"
            async with session.post(url, json=body, headers=headers) as answer:
                statuses.append(answer.status)
    return statuses


async def test_an_attempt_belongs_to_the_trace_of_the_call(tmp_path: Path, spans: Spans) -> None:
    """Through the queue: caller, call and attempt are one trace; a retry is another span of it."""
    path = tmp_path / "q"
    async with observed(path, 503, 200, watch=spans.tracing.attempted) as here:
        assert await sent(here, spans, [person(1)], CALLER) == [200]
        await here.settled()
    (call,) = spans.named("POST /v1/batch")
    failed, delivered = spans.named("deliver a")
    assert call.parent is not None
    assert f"{call.parent.trace_id:032x}-{call.parent.span_id:016x}" in CALLER
    assert dict(call.attributes or {})["http.response.status_code"] == 200
    for attempt in (failed, delivered):
        assert attempt.parent is not None
        assert (attempt.parent.trace_id, attempt.parent.span_id) == (
            call.context.trace_id,
            call.context.span_id,
        )
        assert attempt.parent.trace_state.get("vendor") == "1"
    attributes = dict(failed.attributes or {})
    assert (attributes["error.type"], attributes["http.response.status_code"]) == (
        "SERVICE_UNAVAILABLE",
        503,
    )
    assert (failed.status.is_ok, delivered.status.is_ok) == (False, True)
    assert attributes["destinations.action"] == "upsertContact"
    assert (failed.end_time or 0) >= (failed.start_time or 0)


async def test_a_batch_is_linked_to_the_traces_of_its_events(tmp_path: Path, spans: Spans) -> None:
    """It has no single parent: one trace per call, one link to each."""
    async with observed(tmp_path / "q", watch=spans.tracing.attempted) as here:
        slots = here.runner.workers["a"]._slots
        for _ in range(FAST.ahead):  # nothing is claimed until both calls are there
            await slots.acquire()
        await sent(here, spans, [person(n) for n in range(4)], CALLER, OTHER)
        for _ in range(FAST.ahead):
            slots.release()
        await here.settled()
    (attempt,) = spans.named("deliver a")
    assert attempt.parent is None
    calls = {one.context.span_id for one in spans.named("POST /v1/batch")}
    assert {one.context.span_id for one in attempt.links} == calls
    assert dict(attempt.attributes or {})["messaging.batch.message_count"] == 4


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-01", "x" * 10_000])
async def test_a_call_without_a_trace_begins_one(tmp_path: Path, spans: Spans, parent: str) -> None:
    """What cannot be read is as good as nothing."""
    async with observed(tmp_path / "q", watch=spans.tracing.attempted) as here:
        status = (await sent(here, spans, [person(1)], parent))[0]
        await here.settled()
    if status == 400:  # a header that HTTP does not allow
        return
    (call,), (attempt,) = spans.named("POST /v1/batch"), spans.named("deliver a")
    assert call.parent is None
    assert attempt.context.trace_id == call.context.trace_id


async def test_a_state_beyond_measure_is_not_kept(tmp_path: Path, spans: Spans) -> None:
    """It would be written once per event; the trace goes on without it."""
    state = ",".join(f"vendor{n}={'x' * 200}" for n in range(20))
    with spans.tracing.receiving({"traceparent": CALLER, "tracestate": state}, "/v1/t") as receipt:
        kept = receipt.trace
    with spans.tracing.receiving({"traceparent": CALLER, "tracestate": "a=b"}, "/v1/t") as receipt:
        assert receipt.trace.endswith(" a=b")
    assert len(kept) == len(CALLER)


async def test_without_tracing_nothing_is_kept(tmp_path: Path) -> None:
    """No context in the queue, although the caller sent one."""
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as queue:
        put = Intakes([connection("a")], queue, lambda _: None).put
        sources = Sources([Source("web", (KEY,))])
        async with Server(sources, put, port=0) as server, aiohttp.ClientSession() as session:
            body = {"writeKey": KEY, **person(1)}
            url = f"http://127.0.0.1:{server.port}/v1/identify"
            async with session.post(url, json=body, headers={"traceparent": CALLER}) as answer:
                assert answer.status == 200
        (job,) = await queue.claim("a", 10, 60)
    assert job.trace == ""


def test_without_tracing_nothing_is_loaded() -> None:
    """OpenTelemetry costs nothing where it is not wanted, installed or not."""
    program = (
        "import sys, destination_core.service, destination_core.cli.serve;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    "missing", ["destination_core.tracing", "opentelemetry.exporter.otlp.proto.http.trace_exporter"]
)
def test_a_collector_without_the_extra_is_refused(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Not silently: who names a collector expects traces. Half of the extra is none of it."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    told = r"pip install 'destination-core\[otel\]'"
    with pytest.raises(dc.ConfigurationError, match=told), loading.tracing():
        pass
    assert "otel" in (metadata("destination-core").get_all("Provides-Extra") or [])
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with loading.tracing() as tracing:
        assert tracing is None


async def test_no_secret_is_in_a_span(tmp_path: Path, spans: Spans) -> None:
    """Neither write key nor credentials, nor who the event is about, whatever is answered."""

    def answer(request: Any) -> Response:
        quoted = json.dumps({"you sent": dict(request.headers)}).encode()
        return Response(401, {"content-type": "application/json"}, quoted)

    async with observed(tmp_path / "q", answer, watch=spans.tracing.attempted) as here:
        await sent(here, spans, [person(7, traits={"email": "who@example.test"})], CALLER)
        while not spans.named("deliver a"):
            await here.queue.next_due("a")
    written = spans.written()
    assert "INVALID_AUTHENTICATION" in written
    for secret in (KEY, "key-of-a", "who@example.test", "u7", "Bearer"):
        assert secret not in written
