"""A transport that sends nothing, to see what would go out."""

from destination_core.http import Request, Response


class CapturingTransport:
    """Keep the requests and answer each with an empty success."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        """Keep a request."""
        self.requests.append(request)
        return Response(200, {"content-type": "application/json"}, b"{}")


class SilentTransport:
    """Answer everything with an empty success: `send --dry-run`."""

    async def send(self, request: Request) -> Response:  # noqa: ARG002  nothing is sent
        """Send nothing."""
        return Response(200, {"content-type": "application/json"}, b"{}")
