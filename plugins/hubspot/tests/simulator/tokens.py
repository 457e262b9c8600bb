"""The OAuth endpoint: access tokens that end, refresh tokens that may be replaced."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from plugins.hubspot.tests.simulator.problems import Problem

CLIENT = {"client_id": "client-1", "client_secret": "client-s3cret"}
REFRESH = "refresh-000"
LIFETIME = 1_800


class Tokens:
    """Gives access tokens; ``rotates`` replaces the refresh token at each grant."""

    def __init__(self, now: Callable[[], float], *, rotates: bool) -> None:
        self.grants = 0
        self.refresh = REFRESH
        self.lifetime = LIFETIME
        self.revoked: set[str] = set()
        self._ends: dict[str, float] = {}
        self._now = now
        self._rotates = rotates

    def revoke(self) -> None:
        """Make every access token that was given invalid, before its time."""
        self.revoked.update(self._ends)

    async def grant(self, request: web.Request) -> web.Response:
        """Answer POST /oauth/v1/token."""
        if request.content_type != "application/x-www-form-urlencoded":
            return _refused("BAD_REQUEST", "a form is wanted")
        form = await request.post()
        if form.get("grant_type") != "refresh_token":
            return _refused("BAD_GRANT_TYPE", "missing or unknown grant type")
        for name, value in CLIENT.items():
            if form.get(name) != value:
                words = name.replace("_", " ")
                return _refused(f"BAD_{name.upper()}", f"missing or invalid {words}")
        if form.get("refresh_token") != self.refresh:
            return _refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        self.grants += 1
        value = f"access-{self.grants:03}"
        self._ends[value] = self._now() + self.lifetime
        if self._rotates:
            self.refresh = f"refresh-{self.grants:03}"
        granted = {
            "access_token": value,
            "refresh_token": self.refresh,
            "token_type": "bearer",
            "expires_in": self.lifetime,
        }
        return web.json_response(granted)

    def check(self, request: web.Request) -> None:
        """Raise ``Problem`` unless the request carries an access token that is good."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        ends = self._ends.get(value)
        if scheme != "Bearer" or ends is None or value in self.revoked:
            raise Problem(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            )
        if ends <= self._now():
            raise Problem(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired 0 second(s) ago.",
                context={"expire time": [datetime.fromtimestamp(ends, UTC).isoformat()]},
            )


def _refused(status: str, message: str) -> web.Response:
    body = {"status": status, "message": message, "correlationId": str(uuid.uuid4())}
    return web.json_response(body, status=400)
