"""Where the requests of the bench go, and what went there."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter

from destination_core.errors import DeliveryError
from destination_core.http import (
    AiohttpTransport,
    Exchange,
    Request,
    Response,
    RoutedTransport,
    Transport,
)


@dataclass(frozen=True, slots=True)
class Target:
    """To whom the plugin says; or to the server at ``url``; or, when ``silent``, to nobody."""

    url: str = ""
    silent: bool = False

    def __str__(self) -> str:
        if self.silent:
            return "nowhere: every request is answered 200 {} here"
        return f"to {self.url}, whatever the host" if self.url else "for real"

    def transport(self) -> AbstractAsyncContextManager[Transport]:
        """Open what carries the requests."""
        if self.silent:
            return nullcontext(_Silence())
        return RoutedTransport(self.url) if self.url else AiohttpTransport()


class Recorder:
    """A transport that remembers what went through it, also what no attempt is shown for."""

    def __init__(self, transport: Transport) -> None:
        self.exchanges: list[Exchange] = []
        self._transport = transport

    async def send(self, request: Request) -> Response:
        """Send a request, and keep it with its response or its error."""
        exchange = Exchange(request)
        self.exchanges.append(exchange)
        started = perf_counter()
        try:
            exchange.response = await self._transport.send(request)
        except DeliveryError as error:
            exchange.error = error
            raise
        finally:
            exchange.seconds = perf_counter() - started
        return exchange.response


class _Silence:
    """Answers everything with an empty success."""

    async def send(self, request: Request) -> Response:  # noqa: ARG002  nothing is sent
        return Response(200, {"content-type": "application/json"}, b"{}")
