"""Lists of contacts and their members."""

from typing import Any

from aiohttp import web

from plugins.hubspot.tests.simulator.objects import Objects
from plugins.hubspot.tests.simulator.problems import Problem, invalid, missing

MOST = 500
"""Lists of one page."""


class Lists:
    """The lists of an account by id, and who is in them."""

    def __init__(self, objects: Objects) -> None:
        self.lists: dict[str, dict[str, Any]] = {}
        self.members: dict[str, set[str]] = {}
        self._objects = objects

    def add(self, name: str, processing: str = "MANUAL", kind: str = "0-1", **more: Any) -> str:
        """Put a list there; return its id."""
        list_id = str(len(self.lists) + 1)
        self.lists[list_id] = {
            "listId": list_id, "name": name, "objectTypeId": kind, "processingType": processing,
            "processingStatus": "COMPLETE", **more,
        }  # fmt: skip
        self.members[list_id] = set()
        return list_id

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v3/lists."""
        body = await request.json()
        for needed in ("name", "objectTypeId", "processingType"):
            if not body.get(needed):
                raise invalid(f"Invalid input JSON: {needed} is required")
        if self._named(body["name"], body["objectTypeId"]):
            raise invalid(f"List {body['name']} already exists", sub="ILS.DUPLICATE_LIST_NAMES")
        more = {key: body[key] for key in ("listFolderId",) if key in body}
        list_id = self.add(body["name"], body["processingType"], body["objectTypeId"], **more)
        return web.json_response({"list": self.lists[list_id]})

    async def get(self, request: web.Request) -> web.Response:
        """Answer GET /crm/v3/lists/{id}."""
        return web.json_response({"list": self._list(request.match_info["list_id"])})

    async def get_by_name(self, request: web.Request) -> web.Response:
        """Answer GET /crm/v3/lists/object-type-id/{type}/name/{name}."""
        found = self._named(request.match_info["name"], request.match_info["kind"])
        if found is None:
            raise missing("List does not exist")
        return web.json_response({"list": found})

    async def search(self, request: web.Request) -> web.Response:
        """Answer POST /crm/v3/lists/search."""
        body = await request.json()
        offset, count = body.get("offset", 0), body.get("count", 20)
        if not 0 < count <= MOST:
            raise invalid(f"count must be at most {MOST}")
        found = [
            one
            for one in self.lists.values()
            if body.get("query", "").lower() in one["name"].lower()
            and one["processingType"] in (body.get("processingTypes") or [one["processingType"]])
            and one["objectTypeId"] == body.get("objectTypeId", one["objectTypeId"])
        ]
        page = found[offset : offset + count]
        after = offset + len(page)
        return web.json_response(
            {"lists": page, "offset": after, "hasMore": after < len(found), "total": len(found)}
        )

    async def change(self, request: web.Request) -> web.Response:
        """Answer PUT /crm/v3/lists/{id}/memberships/add-and-remove."""
        found = self._list(request.match_info["list_id"])
        if found["processingType"] == "DYNAMIC":
            raise Problem(400, "VALIDATION_ERROR", "Members of a DYNAMIC list cannot be changed")
        body = await request.json()
        members = self.members[found["listId"]]
        known = self._objects.of("contacts")
        added, removed = body["recordIdsToAdd"], body["recordIdsToRemove"]
        missing_ids = [one for one in (*added, *removed) if one not in known]
        joined = [one for one in added if one in known and one not in members]
        left = [one for one in removed if one in members]
        members.update(joined)
        members.difference_update(left)
        return web.json_response(
            {"recordsIdsAdded": joined, "recordIdsRemoved": left, "recordIdsMissing": missing_ids}
        )

    def _list(self, list_id: str) -> dict[str, Any]:
        if list_id not in self.lists:
            raise missing(f"List does not exist with ID {list_id}.")
        return self.lists[list_id]

    def _named(self, name: str, kind: str) -> dict[str, Any] | None:
        return next(
            (one for one in self.lists.values()
             if one["name"].lower() == name.lower() and one["objectTypeId"] == kind), None,
        )  # fmt: skip
