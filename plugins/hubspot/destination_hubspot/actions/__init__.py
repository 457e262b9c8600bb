"""HubSpot's actions, in the order they are listed."""

from typing import Any, Final

import destination_core as dc
from destination_hubspot.actions import companies, contacts, events, lists, objects
from destination_hubspot.settings import Settings

ACTIONS: Final[tuple[dc.Action[Settings, Any], ...]] = (
    contacts.upsert_contact,
    companies.upsert_company,
    objects.upsert_object,
    events.custom_event,
    lists.update_list,
)
