"""What the Track API documents, and what the simulator does where the documents are silent.

Sources: the Track API's OpenAPI description, https://docs.customer.io/journeys/invalid-api-requests
(messages) and https://docs.customer.io/journeys/anonymous-events (merging). A field whose
docstring says "Undocumented" holds a choice of ours, made so that what passes here passes there.
"""

from dataclasses import dataclass
from typing import Literal

PERSON_IDENTIFIERS = frozenset({"id", "email", "phone", "cio_id"})
MERGE_IDENTIFIERS = frozenset({"id", "email", "cio_id"})
CONTENT_ACTIONS = frozenset({"viewed_content", "clicked_content"})
"""Undocumented: what Segment's Report Content Event sends in production."""

EVENT_ACTIONS = frozenset({"event", "page", "screen"}) | CONTENT_ACTIONS
PLATFORMS = frozenset({"ios", "android"})
DELIVERY_METRICS = frozenset({"opened", "converted", "delivered"})

ACTIONS: dict[str, frozenset[str]] = {
    "person": frozenset(
        {
            "identify",
            "delete",
            "event",
            "page",
            "screen",
            "add_relationships",
            "delete_relationships",
            "add_device",
            "delete_device",
            "merge",
            "suppress",
            "unsuppress",
        }
        | CONTENT_ACTIONS
    ),
    "object": frozenset(
        {"identify", "identify_anonymous", "delete", "add_relationships", "delete_relationships"}
    ),
    "delivery": frozenset({"event"}),
}
"""The action matrix of the v2 API, and the object action that is in its schema alone."""

V1_METRICS = frozenset(
    {
        "bounced",
        "clicked",
        "converted",
        "deferred",
        "delivered",
        "dropped",
        "opened",
        "spammed",
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits (bytes of UTF-8, seconds, counts) and the choices a workspace or a test makes."""

    item_bytes: int = 32_000
    """"32kb" in the documents: the smaller reading, so that what passes here passes anyway."""

    batch_bytes: int = 500_000
    """"500kb" in the documents: the smaller reading."""

    oversize_status: Literal[400, 413] = 413
    """Undocumented: the status of a body over its limit."""

    id_bytes: int = 150
    """The most bytes of a person's or an object's ID."""

    attribute_name_bytes: int = 150
    attribute_value_bytes: int = 1_000
    attributes: int = 300
    """The most attributes of one person, object or relationship."""

    object_bytes: int = 100_000
    """The most bytes of all attributes of one object or relationship ("100kb")."""

    event_name_bytes: int = 100
    event_data_bytes: int = 100_000
    """The most bytes of the data of one v1 event; in v2 the item's limit is met first."""

    latest_timestamp: int = 100_000_000_000
    """Undocumented: seconds from here on are milliseconds by mistake (the Ruby client's bound)."""

    ulid: Literal["lenient", "strict"] = "lenient"
    """Whether a deduplication ``id`` must be a ULID; documented, but others are accepted today."""

    anonymous_seconds: float = 30 * 86_400
    """How long an anonymous event waits for its person."""

    anonymous_grace_seconds: float = 300
    """How long after an identify new anonymous events still join the person."""

    event_merging: bool = True
    """The workspace setting that lets anonymous events join a person (on since July 2021)."""

    update_email_by_id: bool = True
    """The workspace setting "Allow updates to email using ID"."""

    object_types: frozenset[str] | None = None
    """The object types of the workspace; None accepts every positive number."""

    wrong_region_status: int = 301
    """The answer of the other region's host: a redirect by default, 401 for a plain refusal."""

    requests_per_second: int | None = None
    """Requests answered each second before 429; None never throttles (documented: 1,000)."""

    throttle_retry_after: str | None = None
    """The ``Retry-After`` of such a 429; the documents promise none."""
