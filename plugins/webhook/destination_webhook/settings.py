"""What a customer configures: where to, what is secret, how fast."""

from typing import Annotated

from pydantic import Field, SecretStr

import destination_core as dc


class Settings(dc.Settings):
    """Settings of a webhook: a receiver, and how it knows us."""

    url: Annotated[
        str,
        Field(
            title="URL",
            description="Where requests go, unless a mapping names another URL.",
            min_length=1,
        ),
    ]
    signing_secret: Annotated[
        SecretStr | None,
        Field(
            title="Signing Secret",
            description="Signs every request (Standard Webhooks): whsec_ and Base64, or any text of"
            " 24 bytes or more.",
        ),
    ] = None
    previous_signing_secret: Annotated[
        SecretStr | None,
        Field(
            title="Previous Signing Secret",
            description="Signs as well while the receiver still knows only the old secret.",
        ),
    ] = None
    headers: Annotated[
        dict[str, SecretStr],
        Field(
            title="Secret Headers",
            description="Headers with a secret, such as Authorization, sent with every request to"
            " the host of the URL above and to no other.",
            default_factory=dict,
        ),
    ]
    timeout: Annotated[
        float,
        Field(
            title="Timeout",
            description="Seconds that the receiver may take for an answer.",
            gt=0,
            le=60,
        ),
    ] = 10.0
    requests_per_second: Annotated[
        float | None,
        Field(
            title="Requests per Second",
            description="How many requests are sent in a second at most.",
            gt=0,
        ),
    ] = None

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The secrets that sign, the current one first."""
        both = (self.signing_secret, self.previous_signing_secret)
        return tuple(one for one in both if one is not None)
