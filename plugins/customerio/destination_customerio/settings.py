"""What a customer configures: credentials, region, and where to be stricter or laxer."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr

import destination_core as dc

TRACK_URLS: Final = {
    "US": "https://track.customer.io",
    "EU": "https://track-eu.customer.io",
}
"""The Track API's host per region; docs.customer.io, Track API, servers."""

SEGMENT_REGIONS: Final = {"US 🇺🇸": "US", "EU 🇪🇺": "EU", "us": "US", "eu": "EU"}
"""Other spellings of the regions: Segment's setting has flags."""


def _region(value: object) -> object:
    return SEGMENT_REGIONS.get(value, value) if isinstance(value, str) else value


class Settings(dc.Settings):
    """Settings of a Customer.io connection; Segment's own keys are accepted as well."""

    site_id: Annotated[
        SecretStr,
        Field(
            alias="siteId",
            title="Site ID",
            description="Customer.io → Settings → API Credentials → Tracking API Keys.",
        ),
    ]
    api_key: Annotated[
        SecretStr,
        Field(
            alias="apiKey",
            title="API Key",
            description="Customer.io → Settings → API Credentials → Tracking API Keys.",
        ),
    ]
    account_region: Annotated[
        Literal["US", "EU"],
        BeforeValidator(_region),
        Field(
            alias="accountRegion",
            title="Account Region",
            description="Where the account's data lives: US or EU.",
        ),
    ] = "US"
    any_identifier: Annotated[
        bool,
        Field(
            title="Any identifier is enough",
            description="Accept a person with any one identifier in Create or Update Person,"
            " instead of requiring both Person ID and Email Address.",
        ),
    ] = False
    raw_event_ids: Annotated[
        bool,
        Field(
            title="Send raw message IDs",
            description="Send messageId itself as the event's ID instead of a ULID made from it,"
            " while the same events still arrive through Segment: Customer.io then sees"
            " duplicates as such.",
        ),
    ] = False
    oversized: Annotated[
        Literal["trim", "reject", "keep"],
        Field(
            title="Attributes over Customer.io's limits",
            description="trim: shorten or drop them, with a warning; reject: reject the event;"
            " keep: send them as they are, and let Customer.io refuse.",
        ),
    ] = "trim"
    requests_per_second: Annotated[
        float | None,
        Field(
            gt=0,
            title="Requests per second",
            description="Customer.io's fair use is 1,000 per second over all that writes to the"
            " account; a batch counts once. null: no limit.",
        ),
    ] = 100.0
    track_url: Annotated[
        str | None,
        Field(
            title="Track API URL",
            description="Instead of the region's own: a proxy, or the simulator.",
            pattern=r"^https?://",
        ),
    ] = None

    @property
    def base_url(self) -> str:
        """The URL that requests go to."""
        return (self.track_url or TRACK_URLS[self.account_region]).rstrip("/")
