"""Connections to the destination of `outreach`, and the answers that it gets."""

from typing import Any

import orjson

import destination_core as dc
from tests import outreach
from tests.scripted import ScriptedTransport

SETTINGS = {"api_key": "k-s3cret"}
ROW = {"type": "track", "event": "new", "messageId": "m1"}
VIPS = dc.Audience("vips", "VIPs", outreach.ListSettings(folder="VIP"), "77")
RELAY: dc.Relay[Any] = dc.Registry.of(outreach).relay("outreach")
MAPPING = {"email": {"@path": "$.userId"}, "list_id": "9"}


def saying(*bodies: Any, status: int = 200) -> ScriptedTransport:
    """Answer with these bodies, one after the other."""
    return ScriptedTransport(*[dc.Response(status, {}, orjson.dumps(one)) for one in bodies])


def opened(*subscriptions: dc.Subscription, **more: Any) -> dc.Connection[Any]:
    return dc.Connection("o", RELAY, settings=SETTINGS, subscriptions=subscriptions, **more)


def sync(name: str = "Sync", mapping: Any = MAPPING, **more: Any) -> dc.Subscription:
    return dc.Subscription(name, "syncMember", 'type = "track"', mapping, **more)


def accepted(request: dc.Request) -> dc.Response:
    size = len(orjson.loads(request.body or b"[]"))
    return dc.Response(200, {}, orjson.dumps({"results": [{"status": 200}] * size}))
