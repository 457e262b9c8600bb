"""Prebuilt subscriptions: the three that Segment documents, and today's for the later actions."""

from typing import Final

import destination_core as dc

QUICK_SETUP: Final = (
    dc.Preset("Track Event", "trackEvent", 'type = "track"'),
    dc.Preset("Create or Update Person", "createUpdatePerson", 'type = "identify"'),
    dc.Preset("Create or Update Device", "createUpdateDevice", 'event = "Application Installed"'),
)
"""The documented prebuilt subscriptions (Segment's page of October 2021)."""

LATER: Final = tuple(
    dc.Preset(name, action, trigger, quick_setup=False)
    for name, action, trigger in (
        ("Delete Device", "deleteDevice",
         'event = "Application Uninstalled" or event = "Device Deleted"'),
        ("Track Page View", "trackPageView", 'type = "page"'),
        ("Track Screen View", "trackScreenView", 'type = "screen"'),
        ("Create or Update Object", "createUpdateObject", 'type = "group"'),
        ("Delete Object", "deleteObject", 'event = "Object Deleted"'),
        ("Delete Relationship", "deleteRelationship", 'event = "Relationship Deleted"'),
        ("Merge People", "mergePeople", 'type = "alias"'),
        ("Delete Person", "deletePerson", 'event = "User Deleted"'),
        ("Suppress Person", "suppressPerson", 'event = "User Suppressed"'),
        ("Unsuppress Person", "unsuppressPerson", 'event = "User Unsuppressed"'),
        ("Report Delivery Event", "reportDeliveryEvent", 'event = "Report Delivery Event"'),
        ("Report Content Event", "reportContentEvent", 'event = "Report Content Event"'),
    )
)  # fmt: skip
"""Today's presets for the actions that came later."""
