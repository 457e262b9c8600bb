"""Property definitions, and whether a value fits one."""

import re
from typing import Any

from aiohttp import web

from plugins.hubspot.tests.simulator.problems import (
    Problem,
    invalid,
    invalid_property,
    missing,
)

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
STAGES = ["subscriber", "lead", "opportunity", "customer"]
"""Lifecycle stages in their order: HubSpot moves a record forward only."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
GROUPS = {"contacts": "contactinformation", "companies": "companyinformation"}


def definition(name: str, **more: Any) -> dict[str, Any]:
    """Make a definition as the properties API shows it."""
    label = name.replace("_", " ").capitalize()
    return {
        "name": name,
        "label": label,
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": False,
        "options": [],
        "modificationMetadata": {"readOnlyValue": False},
        **more,
    }


def _choice(name: str, values: list[str]) -> dict[str, Any]:
    options = [{"label": one.capitalize(), "value": one, "hidden": False} for one in values]
    options.append({"label": "Old", "value": "old", "hidden": True})
    return definition(name, type="enumeration", fieldType="select", options=options)


def _plain(*names: str) -> list[dict[str, Any]]:
    return [definition(one) for one in names]


def _read_only(*names: str) -> list[dict[str, Any]]:
    return [definition(one, modificationMetadata={"readOnlyValue": True}) for one in names]


ADDRESS = ("address", "city", "state", "zip", "phone")

STANDARD: dict[str, list[dict[str, Any]]] = {
    "contacts": [
        *_plain("email", "company", "firstname", "lastname", "country", "website", *ADDRESS),
        *_plain("favourites", "hs_additional_emails"),
        definition("logins", type="number", fieldType="number"),
        definition("customer_number", hasUniqueValue=True),
        _choice("lifecyclestage", STAGES),
        *_read_only("hs_object_id", "createdate"),
    ],
    "companies": [
        *_plain("name", "domain", "description", *ADDRESS),
        definition("numberofemployees", type="number", fieldType="number"),
        _choice("industry", ["TOOLS", "TOYS"]),
        _choice("lifecyclestage", STAGES),
        *_read_only("hs_object_id"),
    ],
    "tickets": [
        *_plain("subject", "content"),
        definition("ticket_number", hasUniqueValue=True),
        *_read_only("hs_object_id"),
    ],
    "p123_pets": [*_plain("name"), definition("chip", hasUniqueValue=True)],
}


class Properties:
    """The definitions of an account, by object type and name."""

    def __init__(self) -> None:
        self.of = {
            kind: {one["name"]: dict(one) for one in listed} for kind, listed in STANDARD.items()
        }

    def typed(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the definitions of a type; raises ``Problem`` when there is no such type."""
        if kind not in self.of:
            raise missing(f"Unable to infer object type from: {kind}")
        return self.of[kind]

    def is_unique(self, kind: str, name: str) -> bool:
        """Tell whether records can be found by a property."""
        if kind == "contacts" and name == "email":
            return True
        return bool(self.typed(kind).get(name, {}).get("hasUniqueValue"))

    def check(self, kind: str, values: Any) -> None:
        """Raise ``Problem`` for values that HubSpot would refuse."""
        if not isinstance(values, dict):
            raise invalid("Invalid input JSON: properties must be an object")
        defined = self.typed(kind)
        for name, value in values.items():
            found = defined.get(name)
            if found is None:
                said = f'Property "{name}" does not exist'
                raise invalid_property(name, "PROPERTY_DOESNT_EXIST", said)
            if not isinstance(value, str):
                raise invalid(f"Invalid input JSON: {name} must be a string")
            if found["modificationMetadata"]["readOnlyValue"]:
                raise invalid_property(name, "READ_ONLY_VALUE", f'"{name}" is a read only property')
            if value:
                _check_value(found, value)

    async def list_all(self, request: web.Request) -> web.Response:
        """Answer GET /crm/v3/properties/{type}."""
        defined = self.typed(request.match_info["kind"])
        return web.json_response({"results": list(defined.values())})

    async def get(self, request: web.Request) -> web.Response:
        """Answer GET /crm/v3/properties/{type}/{name}."""
        kind, name = request.match_info["kind"], request.match_info["name"]
        found = self.typed(kind).get(name)
        if found is None:
            raise missing(f"Property '{name}' does not exist")
        return web.json_response(found)

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v3/properties/{type}."""
        kind, body = request.match_info["kind"], await request.json()
        defined = self.typed(kind)
        for needed in ("name", "label", "type", "fieldType", "groupName"):
            if not body.get(needed):
                raise invalid(f"Invalid input JSON: {needed} is required")
        if not NAME.fullmatch(body["name"]):
            raise invalid(f"Property name {body['name']} is invalid")
        if body["groupName"] != GROUPS.get(kind):
            raise invalid(f"Property group {body['groupName']} does not exist")
        if body["name"] in defined:
            raise Problem(409, "OBJECT_ALREADY_EXISTS", f"Property {body['name']} already exists")
        defined[body["name"]] = definition(**body)
        return web.json_response(defined[body["name"]], status=201)


def _check_value(found: dict[str, Any], value: str) -> None:
    name = found["name"]
    if name == "email" and not EMAIL.fullmatch(value):
        raise invalid_property(name, "INVALID_EMAIL", f"Email address {value} is invalid")
    if found["type"] == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise invalid_property(name, "INVALID_NUMBER", f"{value} was not a valid number.")
    if found["type"] == "enumeration" and value not in [one["value"] for one in found["options"]]:
        said = f"{value} was not one of the allowed options"
        raise invalid_property(name, "INVALID_OPTION", said)
