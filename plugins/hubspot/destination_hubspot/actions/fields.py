"""Fields that contacts and companies have alike; the names are HubSpot's."""

from typing import Annotated, Any

from pydantic import Field

import destination_core as dc

Phone = Annotated[
    str | None,
    dc.path("$.traits.phone"),
    Field(title="Phone", description="The phone number."),
]

Street = Annotated[
    str | None,
    dc.path("$.traits.address.street"),
    dc.field(category="Address"),
    Field(title="Street Address", description="Street and number."),
]

City = Annotated[
    str | None,
    dc.path("$.traits.address.city"),
    dc.field(category="Address"),
    Field(title="City", description="The city."),
]

State = Annotated[
    str | None,
    dc.path("$.traits.address.state"),
    dc.field(category="Address"),
    Field(title="State", description="The state or region."),
]

Country = Annotated[
    str | None,
    dc.path("$.traits.address.country"),
    dc.field(category="Address"),
    Field(title="Country", description="The country."),
]

PostalCode = Annotated[
    str | None,
    dc.coalesce("$.traits.address.postalCode", "$.traits.address.postal_code"),
    dc.field(category="Address"),
    Field(title="Postal Code", description="The postal code."),
]

Stage = Annotated[
    str | None,
    Field(
        title="Lifecycle Stage",
        description="The stage's internal name. HubSpot moves a record forward only: clear the"
        " stage before setting an earlier one.",
    ),
]

OtherProperties = Annotated[
    dict[str, Any] | None,
    Field(
        title="Other properties",
        description="Other properties by their internal names; they must be defined in HubSpot."
        " null clears one.",
    ),
]
