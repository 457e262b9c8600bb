"""What was sent and what came back, for outcomes, logs and people: without secrets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from destination_core.errors import DeliveryError
from destination_core.http.messages import Request, Response
from destination_core.http.redaction import Redactor


@dataclass(slots=True, repr=False)
class Exchange:
    """One request with its response, or with the error that came instead; ``seconds`` of wall time.

    Kept as references: nothing is copied or blanked out until somebody asks.
    """

    request: Request
    response: Response | None = None
    error: DeliveryError | None = None
    seconds: float = 0.0

    def redacted(self, secrets: Collection[str] = ()) -> dict[str, Any]:
        """Return it as JSON, without ``secrets`` in any spelling and without credentials.

        ``{request: {method, url, headers, body}, response: {status, headers, body, truncated},
        seconds, error}``; ``response`` and ``error`` are absent when there was none. Bodies are
        decoded where they are JSON or text, and cut.
        """
        request, response = self.request, self.response
        clean = Redactor(secrets, request)
        shown: dict[str, Any] = {
            "request": {
                "method": request.method,
                "url": clean.url(request.url),
                "headers": clean.headers(request.headers),
                "body": clean.body(request.body or b""),
            },
            "seconds": round(self.seconds, 6),
        }
        if response is not None:
            shown["response"] = {
                "status": response.status,
                "headers": clean.headers(response.headers),
                "body": clean.body(response.body),
                "truncated": response.truncated,
            }
        if self.error is not None:
            shown["error"] = clean.text(str(self.error))
        return shown

    def __repr__(self) -> str:
        came = self.response.status if self.response else self.error and self.error.code
        return f"<Exchange {self.request.method} {self.request.host}: {came}>"
