"""Associations between records: which contacts belong to which companies.

Source: developers.hubspot.com, CRM API, associations v4, "Associate records (default)".
"""

from collections.abc import Collection, Mapping

import destination_core as dc
from destination_hubspot import hubspot_api
from destination_hubspot.hubspot_api import Ctx

Pair = tuple[str, str]


async def associate(
    ctx: Ctx, from_type: str, to_type: str, pairs: Collection[Pair]
) -> Mapping[Pair, str]:
    """Associate pairs of record ids; return those that HubSpot refused, with its words.

    One that is there already stays as it is.
    """
    if not pairs:
        return {}
    path = (
        f"/crm/v4/associations/{dc.segment(from_type)}/{dc.segment(to_type)}"
        "/batch/associate/default"
    )
    body = {"inputs": [{"from": {"id": one}, "to": {"id": other}} for one, other in pairs]}
    answer = await hubspot_api.ask_for(ctx, "POST", path, json=body)
    errors = answer.get("errors") or []
    if not errors:
        return {}
    # results come in both directions
    found = [(str(one["from"]["id"]), str(one["to"]["id"])) for one in answer.get("results") or []]
    done = {*found, *((other, one) for one, other in found)}
    return {pair: hubspot_api.said(errors[0]) for pair in pairs if pair not in done}
