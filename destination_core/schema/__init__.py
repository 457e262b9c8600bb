"""Settings and payloads: models, Segment's coercions, catalogue.

An author derives from :class:`Settings` and :class:`Payload`; the engine opens the one with
:func:`load_settings` and checks the other with :class:`PayloadSchema`.
"""

from collections.abc import Mapping
from typing import Any

from destination_core.schema.annotations import fields_of as fields_of
from destination_core.schema.catalogue import catalogue_fields as catalogue_fields
from destination_core.schema.catalogue import segment_schema as segment_schema
from destination_core.schema.conditions import SYNC_MODE_KEY as SYNC_MODE_KEY
from destination_core.schema.definition import build_model, check_conditions, read_fields
from destination_core.schema.fields import Choice as Choice
from destination_core.schema.fields import Condition as Condition
from destination_core.schema.fields import FieldSpec as FieldSpec
from destination_core.schema.fields import Requirement as Requirement
from destination_core.schema.fields import input_field as field
from destination_core.schema.models import Payload as Payload
from destination_core.schema.models import Settings as Settings
from destination_core.schema.settings import load_settings as load_settings
from destination_core.schema.validation import PayloadSchema as PayloadSchema


def payload_model(name: str, fields: Mapping[str, Any]) -> type[Payload]:
    """Build a payload model from Segment's field definitions (JSON).

    The attributes are the keys where Python allows it; dump ``by_alias`` for Segment's keys.
    Absent fields read as None and are not dumped with ``exclude_unset``. Raises ``PluginError``
    naming the field that makes no sense.
    """
    read = read_fields(fields)
    check_conditions(read)
    return build_model(name, read, additional=False)


__all__ = [
    "SYNC_MODE_KEY",
    "Choice",
    "Condition",
    "FieldSpec",
    "Payload",
    "PayloadSchema",
    "Requirement",
    "Settings",
    "catalogue_fields",
    "field",
    "fields_of",
    "load_settings",
    "payload_model",
    "segment_schema",
]
