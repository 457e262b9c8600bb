"""A destination whose URL users supply: requests may go to public addresses only.

Names under `.test` lead where the tests want them to, as a resolver that is not to be trusted does.
"""

import socket
from itertools import chain, repeat
from typing import Any

import destination_core as dc
from tests.faults import target

NAMES = {
    "inside.test": repeat(["127.0.0.1"]),
    "both.test": repeat(["127.0.0.2", "127.0.0.1"]),
    "rebound.test": chain([["127.0.0.2"]], repeat(["127.0.0.1"])),
}
"""Where each name leads, the first time and afterwards."""

_resolve = socket.getaddrinfo


def _resolved(host: Any, port: Any, *given: Any, **named: Any) -> list[Any]:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in NAMES:
        return list(_resolve(host, port, *given, **named))
    return [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in next(NAMES[name])
    ]


socket.getaddrinfo = _resolved


@dc.action("take", subscribe='type = "track"')
async def take(ctx: dc.Context[target.Settings], entry: target.Entry) -> None:
    """Post one entry to the URL of the settings."""
    await ctx.http.post(ctx.settings.url, json=[entry.model_dump()])


@dc.hookimpl
def register_destination() -> dc.Destination[target.Settings]:
    return dc.Destination("guarded", title="Guarded", settings=target.Settings, actions=[take])


@dc.hookimpl
def extend_request(settings: target.Settings) -> dc.RequestOptions:
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    return dc.RequestOptions(headers=headers, public_only=True, allow_redirects=True)
