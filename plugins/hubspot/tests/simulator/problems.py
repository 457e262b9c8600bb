"""HubSpot's refusals: the bodies that "Error handling" and the usage guidelines describe."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web


class Problem(Exception):
    """One refusal: its status, its category, what it says, and its context."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        context: Mapping[str, Sequence[str]] | None = None,
        sub: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.context = dict(context or {})
        self.sub = sub

    def body(self) -> dict[str, Any]:
        """Return the body of a request that is refused."""
        body = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
        }
        if self.sub:
            body["subCategory"] = self.sub
        return {**body, "context": self.context} if self.context else body

    def entry(self, trace: str | None) -> dict[str, Any]:
        """Return the error as an answer of status 207 lists it."""
        context = self.context if trace is None else {"objectWriteTraceId": [trace]}
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": context,
        }

    def response(self) -> web.Response:
        """Return the answer."""
        return web.json_response(self.body(), status=self.status)


def invalid(message: str, **more: Any) -> Problem:
    """Return the refusal of a request that is not as it should be."""
    return Problem(400, "VALIDATION_ERROR", message, **more)


def invalid_property(name: str, code: str, message: str) -> Problem:
    """Return the refusal of a property's value, worded as HubSpot words it."""
    said = [{"isValid": False, "message": message, "error": code, "name": name}]
    return invalid(f"Property values were not valid: {json.dumps(said)}")


def missing(message: str, *ids: str) -> Problem:
    """Return the refusal of what is not there."""
    return Problem(404, "OBJECT_NOT_FOUND", message, context={"ids": ids} if ids else None)


def limited(policy: str, retry_after: int | None) -> web.Response:
    """Return the answer to a request over a limit."""
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response(body, status=429, headers=headers)
