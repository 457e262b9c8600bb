"""Traces as operators get them: `serve` beside a collector that answers, or does not."""

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio
from aiohttp import web

from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import KEY, serving, until

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Takes what is exported; ``taken`` is what came, as protobuf, to `/v1/traces`."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.url = ""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Take one export."""
        assert request.path == "/v1/traces"
        self.taken.append(await request.read())
        return web.Response(content_type="application/x-protobuf")


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[Collector]:
    """Give a collector."""
    made = Collector()
    runner = web.ServerRunner(web.Server(made, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def test_spans_reach_the_collector(operator: Operator, collector: Collector) -> None:
    """The caller's trace, the call and the delivery; the service has its name; no secret."""
    operator.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        body = {"writeKey": KEY, "batch": [track(1)]}
        url = f"{service.url}/v1/batch"
        async with session.post(url, json=body, headers=headers) as answer:
            assert answer.status == 200
        await until(operator, 1)
        assert await service.end() == 0
    taken = b"".join(collector.taken)
    for words in (b"POST /v1/batch", b"deliver customerio", b"trackEvent", b"destinations"):
        assert words in taken
    assert taken.count(bytes.fromhex(TRACE)) == 2
    for secret in (KEY, operator.simulator.api_key, operator.simulator.site_id):
        assert secret.encode() not in taken


async def test_a_collector_that_is_down_is_no_harm(operator: Operator) -> None:
    """Events are delivered, and the end is not held up beyond its time."""
    operator.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(n) for n in range(20)])
        await until(operator, 20)
        assert await service.end() == 0
