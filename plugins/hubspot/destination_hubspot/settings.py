"""What a customer configures: the app's credentials, and the refresh token of the account."""

from typing import Annotated, Final

from pydantic import Field, SecretStr

import destination_core as dc

API_URL: Final = "https://api.hubapi.com"
"""The host of HubSpot's APIs; developers.hubspot.com, API reference, servers."""


class Settings(dc.Settings):
    """Settings of a HubSpot connection: an app that an account has authorised by OAuth 2."""

    client_id: Annotated[
        str,
        Field(
            min_length=1,
            title="Client ID",
            description="HubSpot developer account → Apps → your app → Auth.",
        ),
    ]
    client_secret: Annotated[
        SecretStr,
        Field(
            min_length=1,
            title="Client Secret",
            description="HubSpot developer account → Apps → your app → Auth.",
        ),
    ]
    refresh_token: Annotated[
        SecretStr,
        Field(
            min_length=1,
            title="Refresh Token",
            description="What POST /oauth/v1/token answered when the account authorised the app"
            " with the scopes that README.md lists.",
        ),
    ]
    user_id_property: Annotated[
        str | None,
        Field(
            title="User ID property",
            description="The unique contact property that holds the user's ID, where there is"
            " one: a user who asks to be forgotten is found by it. Without it only by email.",
            pattern=r"^[a-z][a-z0-9_]*$",
        ),
    ] = None
    requests_per_second: Annotated[
        float | None,
        Field(
            gt=0,
            title="Requests per second",
            description="HubSpot allows an app 100 to 190 requests in ten seconds for each"
            " account; a batch counts once. null: no limit.",
        ),
    ] = 10.0
    api_url: Annotated[
        str | None,
        Field(
            title="API URL",
            description=f"Instead of {API_URL}: a proxy, or a simulator.",
            pattern=r"^https?://",
        ),
    ] = None

    @property
    def base_url(self) -> str:
        """The URL that requests go to."""
        return (self.api_url or API_URL).rstrip("/")
