"""The two models an author writes: what a customer configures, and what an action accepts."""

from typing import Any

import pydantic

from destination_core.numbers import without_points


class Settings(pydantic.BaseModel):
    """What a customer configures for a destination.

    Immutable. Secrets are ``SecretStr``. Unknown keys are refused; a field is known by its
    Python name and by its alias. Open one with :func:`destination_core.schema.load_settings`.
    """

    model_config = pydantic.ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
        str_strip_whitespace=True,
    )


class Payload(pydantic.BaseModel):
    """What an action accepts once the mapping has been applied.

    Immutable, because one payload may be handed out again for a retry. A directive in the
    metadata of a field is its default mapping::

        email: Annotated[str | None, dc.path("$.traits.email")] = None

    Payloads are made from mapped data by :class:`destination_core.schema.PayloadSchema`, which
    also applies Segment's coercions; calling the class validates as pydantic does.
    """

    model_config = pydantic.ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        populate_by_name=True,
        # Segment's field keys are free: "model_id" is one.
        protected_namespaces=(),
    )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were set, under Segment's keys, as JSON values."""
        made: dict[str, Any] = without_points(
            self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        )
        return made
