"""A transport that answers as a vector's ``responses`` say."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import destination_core as dc


class VectorTransport:
    """The n-th request gets the n-th response, the last one repeats; without any, ``200 {}``."""

    def __init__(self, responses: Sequence[Mapping[str, Any]] | None) -> None:
        self._responses = responses or [{"status": 200, "json": {}}]
        self.requests: list[dc.Request] = []
        self.statuses: list[int] = []

    async def send(self, request: dc.Request) -> dc.Response:
        """Answer one request as scripted."""
        answer = self._responses[min(len(self.requests), len(self._responses) - 1)]
        self.requests.append(request)
        self.statuses.append(answer.get("status", 0))
        if answer.get("timeout"):
            raise dc.RetryableError("timed out", code="REQUEST_TIMEOUT")
        if "network_error" in answer:
            raise dc.RetryableError(str(answer["network_error"]), code="NETWORK_ERROR")
        headers = {str(k).lower(): str(v) for k, v in (answer.get("headers") or {}).items()}
        if "json" in answer:
            headers.setdefault("content-type", "application/json")
            body = json.dumps(answer["json"], ensure_ascii=False, separators=(",", ":")).encode()
        else:
            body = str(answer.get("body") or "").encode()
        return dc.Response(answer["status"], headers, body)
