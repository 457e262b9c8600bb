"""What is asked of the bench: the bodies of its requests."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class Fault(Exception):
    """A request cannot be answered as it was made; ``place`` says where in it."""

    def __init__(self, status: int, code: str, message: str, place: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.place = place


class AskedAudience(BaseModel):
    """An audience that is made or looked for."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    key: str = "audience"
    name: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    external_id: str | None = None


class Asked(BaseModel):
    """The body of a request; names may be written as Segment does (syncMode) or as Python does.

    ``settings`` are put over those of the environment. ``event`` is one event, or several for a
    batch; ``mapping`` that of the subscription, the action's default without it. ``inputs`` are
    what a mapping is saved with, ``saved`` what was kept then. ``payload``, ``search`` and
    ``page`` are for choices.
    """

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    settings: dict[str, Any] = Field(default_factory=dict)
    event: dict[str, Any] | list[dict[str, Any]] | None = None
    mapping: dict[str, Any] | None = None
    sync_mode: str | None = None
    saved: dict[str, Any] | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    payload: dict[str, Any] = Field(default_factory=dict)
    search: str = ""
    page: str | None = None
    audience: AskedAudience | None = None


def read(body: bytes) -> Asked:
    """Read a body; an empty one asks for nothing in particular. Raises ``Fault``."""
    try:
        decoded = json.loads(body or b"{}")
    except UnicodeDecodeError as error:
        raise Fault(400, "INVALID_JSON", f"body is not UTF-8: {error.reason}") from None
    except ValueError as error:
        place = ""
        if isinstance(error, json.JSONDecodeError):
            place = f"line {error.lineno}, column {error.colno}"
        raise Fault(400, "INVALID_JSON", f"body is not JSON: {_first(error)}", place) from None
    try:
        return Asked.model_validate(decoded)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        deepest = max(found, key=lambda one: len(one["loc"]))  # of the kinds that were tried
        place = ".".join(map(str, _short(deepest["loc"])))
        said = deepest["msg"]
        if deepest["type"] == "extra_forbidden":
            model = AskedAudience if deepest["loc"][0] == "audience" else Asked
            said = f"is not known; known are {', '.join(map(to_camel, model.model_fields))}"
        raise Fault(400, "INVALID_REQUEST", said, place or "body") from None


def _short(location: Sequence[int | str]) -> list[int | str]:
    """Leave out which kind of a union was tried."""
    return [
        one for one in location if not (isinstance(one, str) and one.startswith(("dict[", "list[")))
    ]


def _first(error: Exception) -> str:
    return str(error).partition(":")[0]
