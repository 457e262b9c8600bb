"""The local server of `destinations dev`."""

import asyncio
from collections.abc import Callable
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from destination_core.workbench.asked import Fault, read
from destination_core.workbench.bench import Bench, manifest, routes
from destination_core.workbench.source import Broken, Source

LARGEST_BODY: Final = 8 * 1024 * 1024


class BenchServer:
    """An async context manager; ``port`` is the one it listens on once it is entered.

    ``tell`` is given a line per request, and per file of the plugin that has changed. It listens
    on this machine only, and refuses what a page in a browser asks for: a stranger's page must not
    send with the author's credentials.
    """

    host: Final = "127.0.0.1"

    def __init__(
        self, source: Source, bench: Bench, *, port: int = 0, tell: Callable[[str], None]
    ) -> None:
        self.port = port
        self._tell = tell
        self._source = source
        self._bench = bench
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            status, body = await self._answer(request)
        except Fault as fault:
            status, body = fault.status, _fault(fault.code, str(fault), fault.place)
        except Broken as broken:
            status, body = 500, _fault("PLUGIN_ERROR", str(broken), broken.place)
        except web.HTTPRequestEntityTooLarge:
            status, body = 413, _fault("PAYLOAD_TOO_LARGE", f"body is over {LARGEST_BODY:,} bytes")
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  the bench stays up
            where = "{0.filename}:{0.lineno}".format(extract_tb(error.__traceback__)[-1])
            self._tell(f"{type(error).__name__} at {where}")
            status, body = 500, _fault("INTERNAL_ERROR", f"{type(error).__name__}", where)
        self._tell(f"{request.method} {request.path} {status}")
        return web.Response(status=status, body=body + b"\n", content_type="application/json")

    async def _answer(self, request: web.BaseRequest) -> tuple[int, bytes]:
        self._refuse_strangers(request)
        try:
            relay = self._source.relay()
        finally:
            for changed in self._source.changed:
                self._tell(f"{changed} has changed")
        path = [one for one in request.path.split("/") if one]
        if request.method == "GET" and path in ([], ["manifest"]):
            made: Any = {"routes": routes(relay.destination), "sent": str(self._bench.target)}
            return 200, _json(manifest(relay.destination) if path else made)
        if request.method != "POST":
            raise Fault(
                405, "METHOD_NOT_ALLOWED", f"{request.method} is not for this; POST", "path"
            )
        request = request.clone(client_max_size=LARGEST_BODY)
        return await self._bench.answer(relay, path, read(await request.read()))

    def _refuse_strangers(self, request: web.BaseRequest) -> None:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        if "Origin" in request.headers or host not in (self.host, "localhost"):
            raise Fault(403, "FORBIDDEN", "pages in browsers and other hosts are not answered",
                        "headers")  # fmt: skip


def _fault(code: str, message: str, place: str = "") -> bytes:
    where = {"place": place} if place else {}
    return _json({"error": {"code": code, "message": message, **where}})


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str)
