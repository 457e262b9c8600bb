"""A transport to one server, whatever host was meant."""

from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from destination_core.http.messages import Request, Response
from destination_core.http.transport import TOTAL_SECONDS, AiohttpTransport


class RoutedTransport(AiohttpTransport):
    """Send everything to one server, whatever host it was meant for; the path stays.

    ``timeout`` bounds every request, also one that asks for longer.
    """

    def __init__(self, url: str, *, timeout: float = TOTAL_SECONDS) -> None:
        super().__init__(timeout=timeout)
        self._target = urlsplit(url)
        self._most = timeout

    async def send(self, request: Request) -> Response:
        """Send a request to the server."""
        asked = urlsplit(request.url)
        url = urlunsplit((self._target.scheme, self._target.netloc, *asked[2:]))
        seconds = min(request.timeout or self._most, self._most)
        return await super().send(replace(request, url=url, timeout=seconds))
