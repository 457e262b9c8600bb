"""Prebuilt subscriptions; those that need something made or chosen first are not in Quick Setup."""

from typing import Final

import destination_core as dc
from destination_hubspot.actions.lists import AUDIENCE_EVENTS

PRESETS: Final = (
    dc.Preset("Upsert Contact", "upsertContact", 'type = "identify"'),
    dc.Preset("Upsert Company", "upsertCompany", 'type = "group"', quick_setup=False),
    dc.Preset("Custom Event", "customEvent", 'type = "track"', quick_setup=False),
    dc.Preset("Audience List", "updateList", AUDIENCE_EVENTS, quick_setup=False),
)
