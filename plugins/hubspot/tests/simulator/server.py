"""A HubSpot account on loopback: OAuth, CRM v3, lists v3, events v3, with limits and faults."""

import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from plugins.hubspot.tests.simulator.events import Events
from plugins.hubspot.tests.simulator.lists import Lists
from plugins.hubspot.tests.simulator.objects import Objects
from plugins.hubspot.tests.simulator.problems import Problem, limited
from plugins.hubspot.tests.simulator.properties import Properties
from plugins.hubspot.tests.simulator.tokens import CLIENT, REFRESH, Tokens

WINDOW = 10.0
"""Seconds of the burst limit."""

SCOPES = (
    (r"/crm/v3/lists", "crm.lists"),
    (r"/crm/v3/(objects|properties)/companies", "crm.objects.companies"),
    (r"/crm/v3/(objects|properties)/contacts", "crm.objects.contacts"),
    (r"/events/v3/send", "behavioral_events.send"),
    (r"/events/v3/event-definitions", "behavioral_events.event_definitions.read_write"),
)
"""Which scope a path needs; reading and writing are not told apart."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HubSpot:
    """An async context manager; ``url`` is where it listens, ``asked`` what it was asked.

    ``burst`` is the most requests in ten seconds, ``retry_after`` what a 429 then asks for;
    ``without`` names scopes that the app does not have. ``later`` moves its clock.
    """

    def __init__(self, *, rotates: bool = False) -> None:
        self.burst: int | None = None
        self.retry_after: int | None = None
        self.without: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.url = ""
        self._skew = 0.0
        self._recent: deque[float] = deque()
        self._faults: deque[tuple[str, Callable[[], web.Response]]] = deque()
        self._runner: web.AppRunner | None = None
        self.tokens = Tokens(self.now, rotates=rotates)
        self.properties = Properties()
        self.objects = Objects(self.properties)
        self.lists = Lists(self.objects)
        self.events = Events()

    def now(self) -> float:
        """Return the simulator's time."""
        return time.time() + self._skew

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._skew += seconds

    def fail(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        """Answer the next request whose path matches with a fault; faults queue up."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self._faults.append(
            (path, lambda: web.json_response(body or {}, status=status, headers=sent))
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings of a connection to it."""
        return {**CLIENT, "refresh_token": REFRESH, "api_url": self.url,
                "requests_per_second": None}  # fmt: skip

    def paths(self, part: str = "") -> list[str]:
        """Return the paths that were asked for, in order, without those of OAuth."""
        return [path for _, path in self.asked if part in path and "/oauth/" not in path]

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/oauth/v1/token", self.tokens.grant)
        app.router.add_get("/account-info/v3/details", self._account)
        app.router.add_get("/crm/v3/schemas", self._schemas)
        app.router.add_get("/crm/v3/properties/{kind}", self.properties.list_all)
        app.router.add_post("/crm/v3/properties/{kind}", self.properties.create)
        app.router.add_get("/crm/v3/properties/{kind}/{name}", self.properties.get)
        app.router.add_post("/crm/v3/objects/contacts/gdpr-delete", self.objects.forget)
        app.router.add_get("/crm/v3/objects/{kind}", self.objects.list_all)
        app.router.add_post(
            "/crm/v3/objects/{kind}/batch/{verb:read|create|update|upsert}", self.objects.batch
        )
        app.router.add_post(
            "/crm/v4/associations/{from_kind}/{to_kind}/batch/associate/default",
            self.objects.associate,
        )
        app.router.add_post("/crm/v3/lists", self.lists.create)
        app.router.add_post("/crm/v3/lists/search", self.lists.search)
        app.router.add_get(
            "/crm/v3/lists/object-type-id/{kind}/name/{name}", self.lists.get_by_name
        )
        app.router.add_get("/crm/v3/lists/{list_id}", self.lists.get)
        app.router.add_put("/crm/v3/lists/{list_id}/memberships/add-and-remove", self.lists.change)
        app.router.add_get("/events/v3/event-definitions", self.events.list_all)
        app.router.add_post("/events/v3/event-definitions", self.events.create)
        app.router.add_get("/events/v3/event-definitions/{name}", self.events.get)
        app.router.add_post("/events/v3/send", self.events.send)
        app.router.add_post("/events/v3/send/batch", self.events.send_batch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if self._faults and re.search(self._faults[0][0], request.path):
            return self._faults.popleft()[1]()
        try:
            if request.path != "/oauth/v1/token":
                self.tokens.check(request)
                self._check_scope(request.path)
                if self._is_over():
                    return limited("TEN_SECONDLY_ROLLING", self.retry_after)
            response = await handler(request)
        except Problem as problem:
            response = problem.response()
        except web.HTTPNotFound:
            response = Problem(404, "OBJECT_NOT_FOUND", "resource not found").response()
        if self.burst is not None:
            response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
            response.headers["X-HubSpot-RateLimit-Max"] = str(self.burst)
            response.headers["X-HubSpot-RateLimit-Remaining"] = str(self.burst - len(self._recent))
        return response

    def _is_over(self) -> bool:
        now = self.now()
        while self._recent and self._recent[0] <= now - WINDOW:
            self._recent.popleft()
        if self.burst is not None and len(self._recent) >= self.burst:
            return True
        self._recent.append(now)
        return False

    def _check_scope(self, path: str) -> None:
        needed = next((scope for part, scope in SCOPES if re.match(part, path)), None)
        if needed in self.without:
            raise Problem(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
                context={"requiredGranularScopes": [needed]},
            )

    async def _account(self, _: web.Request) -> web.Response:
        return web.json_response({"portalId": 123, "accountType": "STANDARD", "timeZone": "UTC"})

    async def _schemas(self, _: web.Request) -> web.Response:
        own = [
            {"name": "pets", "fullyQualifiedName": "p123_pets", "objectTypeId": "2-1",
             "labels": {"singular": "Pet", "plural": "Pets"}},
        ]  # fmt: skip
        return web.json_response({"results": own})
