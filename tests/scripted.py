"""A transport that answers from a script and remembers what was sent."""

import asyncio
from collections.abc import Callable, Sequence

from destination_core.http import Request, Response

Answer = int | Response | BaseException | Callable[[Request], Response]


class ScriptedTransport:
    """Give the n-th request the n-th answer; the last one repeats.

    An answer is a status (with an empty JSON object), a response, an exception to raise, or a
    function of the request.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers: Sequence[Answer] = answers or (200,)
        self.requests: list[Request] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def send(self, request: Request) -> Response:
        """Answer one request, after giving way to others."""
        number = len(self.requests)
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        answer = self.answers[min(number, len(self.answers) - 1)]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, int):
            return Response(answer, {"content-type": "application/json"}, b"{}")
        return answer if isinstance(answer, Response) else answer(request)
