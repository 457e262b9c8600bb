"""What the simulator answers: the documented status and body of each case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from destination_customerio.simulator.problems import Problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the bytes of a JSON body, and headers besides ``Content-Type``."""

    status: int = 200
    body: bytes = b"{}\n"
    headers: Mapping[str, str] = field(default_factory=dict)


OK = Answer()
"""The empty object that every accepted request gets (three bytes, as recorded from the API)."""

UNAUTHORIZED = Answer(401, b'{"meta":{"error":"Unauthorized request"}}')
NOT_FOUND = Answer(404, b'{"meta":{"error":"not found"}}')
MALFORMED = Problem("malformed", "", "The request body is not valid JSON")


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, orjson.dumps(body), headers or {})


def refused(problems: Iterable[Problem], status: int = 400) -> Answer:
    """Return the v2 answer to a request that is wrong as a whole."""
    return answer(status, {"errors": [problem.as_json() for problem in problems]})


def partial(errors: list[dict[str, Any]]) -> Answer:
    """Return the 207 of a batch; ``errors`` hold their ``batch_index``."""
    return answer(207, {"errors": errors})


def refused_v1(errors: list[str], status: int = 400) -> Answer:
    """Return the v1 answer that lists errors: events and devices."""
    return answer(status, {"meta": {"errors": errors}})


def refused_v1_once(error: str, status: int = 400) -> Answer:
    """Return the v1 answer with one error: people and merges."""
    return answer(status, {"meta": {"error": error}})
