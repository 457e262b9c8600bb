"""Customer.io's actions, in the order they are listed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import destination_core as dc
from destination_customerio.actions import devices, events, objects, people, reports
from destination_customerio.settings import Settings
from destination_customerio.track_api import Call

ACTIONS: Final[tuple[dc.Action[Settings, Any], ...]] = (
    events.track_event,
    people.create_update_person,
    devices.create_update_device,
    events.track_anonymous_event,
    events.track_page_view,
    events.track_screen_view,
    devices.delete_device,
    people.delete_person,
    objects.create_update_object,
    objects.delete_object,
    objects.delete_relationship,
    people.merge_people,
    people.suppress_person,
    people.unsuppress_person,
    reports.report_delivery_event,
    reports.report_content_event,
)

CALLS: Final[Mapping[str, Callable[[Any, Settings], dc.Encoded | Call]]] = {
    "trackEvent": events.event_call,
    "createUpdatePerson": people.person_call,
    "createUpdateDevice": devices.device_call,
    "trackAnonymousEvent": events.anonymous_call,
    "trackPageView": events.page_call,
    "trackScreenView": events.screen_call,
    "deleteDevice": devices.delete_call,
    "deletePerson": people.delete_call,
    "createUpdateObject": objects.object_call,
    "deleteObject": objects.delete_call,
    "deleteRelationship": objects.relationship_call,
    "mergePeople": people.merge_call,
    "suppressPerson": people.suppress_call,
    "unsuppressPerson": people.unsuppress_call,
    "reportContentEvent": reports.content_call,
}
"""How each action's payload becomes a call that may be batched."""
