"""The vendor's own Python client works against the simulator."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from customerio import CustomerIO, CustomerIOException
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from destination_customerio.simulator import Simulator


class PlainHTTP(HTTPAdapter):
    """Speak HTTP where the client insists on writing https."""

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send the request without TLS, and otherwise as it is."""
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **options)


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Run a simulator."""
    async with Simulator() as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[CustomerIO]:
    """Give a client with the simulator's credentials, host and port."""
    with client_of(simulator, simulator.api_key) as made:
        yield made


def client_of(simulator: Simulator, api_key: str) -> CustomerIO:
    """Return the official client, pointed at the simulator."""
    host, _, port = simulator.url.removeprefix("http://").partition(":")
    client = CustomerIO(simulator.site_id, api_key, host=host, port=int(port), retries=0)
    client.http.mount("https://", PlainHTTP())
    return client


async def test_a_customer_life(simulator: Simulator, client: CustomerIO) -> None:
    """Identify, track, view pages, add and delete devices: all arrive."""

    def life() -> None:
        client.track_anonymous("anon-1", "viewed", {"product": "tea"})
        client.identify("a/b", email="ann@example.com", anonymous_id="anon-1", plan="pro")
        client.track("a/b", "bought", {"price": 12.5}, id="01BX5ZZKBKACTAV9WEVGEMMVRY")
        client.track("a/b", "bought", {"price": 12.5}, id="01BX5ZZKBKACTAV9WEVGEMMVRY")
        client.pageview("a/b", "/pricing", referrer="https://example.com")
        client.backfill("a/b", "signed up", 1_700_000_000)
        client.add_device("a/b", "token-1", "ios", last_used=1_700_000_000)
        client.add_device("a/b", "token-2", "android")
        client.delete_device("a/b", "token-1")

    await asyncio.to_thread(life)
    (person,) = simulator.state.people
    assert person.identifiers == {"id": "a/b", "email": "ann@example.com"}
    assert person.attributes == {"anonymous_id": "anon-1", "plan": "pro"}
    assert [one.name for one in person.events] == ["viewed", "bought", "/pricing", "signed up"]
    assert list(person.devices) == ["token-2"]
    assert simulator.state.duplicates == 1


async def test_merge_suppress_delete(simulator: Simulator, client: CustomerIO) -> None:
    """Merge, suppress, unsuppress and delete do what they say."""

    def work() -> None:
        for number in ("1", "2", "3", "4"):
            client.identify(number, number=number)
        client.merge_customers("id", "1", "id", "2")
        client.suppress("3")
        client.identify("3", number="again")
        client.suppress("5")
        client.unsuppress("5")
        client.delete("4")

    await asyncio.to_thread(work)
    assert [person.identifiers["id"] for person in simulator.state.people] == ["1"]
    assert simulator.state.suppressed == [{"id": "3"}]


async def test_batch(simulator: Simulator, client: CustomerIO) -> None:
    """A batch is taken item by item; the client counts 207 as success, so its body is read."""
    operations = [
        {"type": "person", "identifiers": {"id": "1"}, "action": "event", "name": "bought"},
        {"type": "person", "identifiers": {"id": "1"}, "action": "event"},
    ]
    response = await asyncio.to_thread(client.batch, operations)
    assert response.status_code == 207
    assert [error["batch_index"] for error in response.json()["errors"]] == [1]
    assert len(simulator.state.events) == 1


async def test_refusals_become_exceptions(simulator: Simulator, client: CustomerIO) -> None:
    """A 400 and a 401 are exceptions of the client with the status in their text."""
    with pytest.raises(CustomerIOException, match=r"^400: .*must not be blank"):
        await asyncio.to_thread(client.track, "1", " ")
    with (
        client_of(simulator, "wrong") as stranger,
        pytest.raises(CustomerIOException, match=r"^401: "),
    ):
        await asyncio.to_thread(stranger.identify, "1")
