"""The Track API without its sockets: a request in, the documented answer out, the state changed."""

import base64
import binascii
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import orjson

from destination_customerio.simulator.answers import (
    MALFORMED,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    Answer,
    answer,
    partial,
    refused,
)
from destination_customerio.simulator.operations import Operations
from destination_customerio.simulator.problems import Problem, invalid, required
from destination_customerio.simulator.rules import Rules
from destination_customerio.simulator.state import State
from destination_customerio.simulator.v1 import TrackV1
from destination_customerio.simulator.validation import problems_of

REFUSED_ON_REQUEST = Problem("invalid", "attributes", "refused by a scripted fault")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in; ``path`` is raw (percent-encoded), without the query.

    ``here`` tells whether it came to the host of the account's own region.
    """

    method: str
    path: str
    authorization: str
    body: bytes
    here: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """The workspace that is simulated: its credentials, its region and the URL of its host."""

    site_id: str
    api_key: str
    region: str
    url: str

    def admits(self, authorization: str) -> bool:
        """Tell whether a Basic ``Authorization`` header names this account.

        URL-safe Base64 is read too: the official Go client sends it.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(token.strip(), altchars=b"-_" if {*"-_"} & {*token} else None)
        except (binascii.Error, ValueError):
            return False
        return given == f"{self.site_id}:{self.api_key}".encode()


class Track:
    """Answer calls to the Track API of one account.

    With ``keep_state`` False requests are checked and answered but leave no trace, for
    benchmarks that send millions.
    """

    def __init__(
        self,
        account: Account,
        rules: Rules,
        clock: Callable[[], float],
        *,
        keep_state: bool = True,
    ) -> None:
        self.state = State(rules, clock)
        self._account = account
        self._rules = rules
        self._clock = clock
        self._apply = Operations(self.state, clock).apply if keep_state else _forget
        self._v1 = TrackV1(rules, self._apply)
        self._admitted: str | None = None
        self._second = (0, 0)

    def answer(self, call: Call, refuse: Collection[int] = ()) -> Answer:
        """Return the answer to a call; batch items at the indexes in ``refuse`` are refused."""
        public = call.path == "/api/v1/metrics"
        if not public and not self._is_admitted(call.authorization):
            return UNAUTHORIZED
        if call.method == "GET":
            return self._who(call.path)
        if not call.here:
            return self._wrong_region(call)
        if self._is_throttled():
            return self._throttled()
        if call.path == "/api/v2/batch":
            return self._batch(call, refuse)
        return self._single(call)

    def _is_admitted(self, authorization: str) -> bool:
        # Clients repeat one header: compare before decoding.
        if authorization != self._admitted:
            if not self._account.admits(authorization):
                return False
            self._admitted = authorization
        return True

    def _who(self, path: str) -> Answer:
        match path:
            case "/api/v1/accounts/region":
                account = self._account
                return answer(
                    200, {"url": account.url, "region": account.region, "environment_id": 1}
                )
            case "/auth":
                return answer(200, {"meta": {"message": "nice credentials."}})
            case _:
                return NOT_FOUND

    def _wrong_region(self, call: Call) -> Answer:
        status = self._rules.wrong_region_status
        body = {"errors": [{"detail": "wrong datacenter", "status": str(status)}]}
        moved = 300 <= status < 400  # noqa: PLR2004  the redirects
        return answer(status, body, {"Location": self._account.url + call.path} if moved else None)

    def _is_throttled(self) -> bool:
        limit = self._rules.requests_per_second
        if limit is None:
            return False
        now = int(self._clock())
        second, spent = self._second
        self._second = (now, spent + 1 if now == second else 1)
        return self._second[1] > limit

    def _throttled(self) -> Answer:
        after = self._rules.throttle_retry_after
        problem = Problem("throttled", "", "Too many requests")
        body = {"errors": [problem.as_json()]}
        return answer(429, body, None if after is None else {"Retry-After": after})

    def _single(self, call: Call) -> Answer:
        if len(call.body) > self._rules.item_bytes and not call.path.startswith("/api/v1/"):
            return self._too_large(self._rules.item_bytes)
        body: Any = None
        if call.body:
            try:
                body = orjson.loads(call.body)
            except orjson.JSONDecodeError:
                return refused([MALFORMED])
        if call.path == "/api/v2/entity" and call.method == "POST":
            return self._entity(body)
        if call.path.startswith("/api/v1/"):
            return self._v1.answer(call.method, call.path.split("/")[3:], body)
        return NOT_FOUND

    def _too_large(self, limit: int) -> Answer:
        problem = invalid("", f"request cannot be larger than {limit} bytes")
        return refused([problem], self._rules.oversize_status)

    def _entity(self, entity: Any) -> Answer:
        problems = problems_of(entity, self._rules)
        if problems:
            return refused(problems)
        self._apply(entity)
        return OK

    def _batch(self, call: Call, refuse: Collection[int]) -> Answer:
        if call.method != "POST":
            return NOT_FOUND
        if len(call.body) > self._rules.batch_bytes:
            return self._too_large(self._rules.batch_bytes)
        try:
            body = orjson.loads(call.body)
        except orjson.JSONDecodeError:
            return refused([MALFORMED])
        items = body.get("batch") if isinstance(body, dict) else None
        if not items:
            return refused([required("batch")])
        if not isinstance(items, list):
            return refused([invalid("batch", "must be an array")])
        measured = len(call.body) > self._rules.item_bytes
        errors: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            problems = self._item_problems(item, measured)
            if index in refuse and not problems:
                problems = [REFUSED_ON_REQUEST]
            if problems:
                errors.extend(problem.as_json(index) for problem in problems)
            else:
                self._apply(item)
        return partial(errors) if errors else OK

    def _item_problems(self, item: Any, measured: bool) -> list[Problem]:
        limit = self._rules.item_bytes
        if measured and len(orjson.dumps(item)) > limit:
            return [invalid("", f"request cannot be larger than {limit} bytes")]
        return problems_of(item, self._rules)


def _forget(_: Any) -> None:
    """Keep nothing of an accepted entity."""
