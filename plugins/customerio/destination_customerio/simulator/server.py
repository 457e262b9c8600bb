"""The simulator on loopback sockets."""

import asyncio
import secrets
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self

import orjson
from aiohttp import web

from destination_customerio.simulator.answers import Answer, answer
from destination_customerio.simulator.faults import Fault, Faults
from destination_customerio.simulator.rules import Rules
from destination_customerio.simulator.state import State
from destination_customerio.simulator.track import Account, Call, Track

HOST = "127.0.0.1"
_LARGEST_BODY = 16 * 1024 * 1024
_CONTROL = "/_simulator/"


class Simulator:
    """A Track API on 127.0.0.1, for tests, demos and benchmarks: an async context manager.

    ``url`` is the host of the account's region, ``other_region_url`` the host of the other one,
    which redirects (or refuses, see ``Rules.wrong_region_status``). Without credentials given,
    it makes some up. ``clock`` gives Unix seconds. The last ``record`` calls are kept in
    ``calls``. ``state`` is what the workspace holds, ``faults`` what goes wrong. With
    ``keep_state`` False requests are checked and answered but leave no trace.
    """

    def __init__(
        self,
        *,
        region: Literal["us", "eu"] = "us",
        site_id: str | None = None,
        api_key: str | None = None,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
        port: int = 0,
        record: int = 100,
        keep_state: bool = True,
        seed: int = 0,
    ) -> None:
        self.region = region
        self.site_id = site_id or secrets.token_hex(10)
        self.api_key = api_key or secrets.token_hex(10)
        self.rules = rules or Rules()
        self.faults = Faults(seed)
        self.calls: deque[Call] = deque(maxlen=record)
        self.answered = 0
        self.url = ""
        self.other_region_url = ""
        self._clock = clock
        self._port = port
        self._keep_state = keep_state
        self._runners: list[web.ServerRunner] = []
        self._track = self._new_track()

    @property
    def state(self) -> State:
        """What the workspace holds now."""
        return self._track.state

    def reset(self) -> None:
        """Empty the workspace, the recorded calls and the faults."""
        self._track = self._new_track()
        self.faults.clear()
        self.calls.clear()
        self.answered = 0

    def _new_track(self) -> Track:
        account = Account(self.site_id, self.api_key, self.region, self.url)
        return Track(account, self.rules, self._clock, keep_state=self._keep_state)

    async def __aenter__(self) -> Self:
        self.url = await self._listen(self._handle, self._port)
        self.other_region_url = await self._listen(self._handle_other_region, 0)
        self._track = self._new_track()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._runners:
            await self._runners.pop().cleanup()

    async def _listen(self, handler: Any, port: int) -> str:
        server = web.Server(handler, request_factory=_request, access_log=None)
        # a delayed answer is not waited for; 0 would mean no limit to aiohttp
        runner = web.ServerRunner(server, shutdown_timeout=0.01)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, HOST, port).start()
        return f"http://{HOST}:{runner.addresses[0][1]}"

    async def _handle_other_region(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._handle(request, here=False)

    async def _handle(self, request: web.BaseRequest, *, here: bool = True) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        body = await request.read()
        if path.startswith(_CONTROL):
            return _respond(self._control(request.method, path, body))
        authorization = request.headers.get("Authorization", "")
        call = Call(request.method, path, authorization, body, here)
        self.calls.append(call)
        self.answered += 1
        fault = self.faults.hit(call.method, path) if self.faults else None
        if fault is None:
            return _respond(self._track.answer(call))
        return await self._run_into(fault, call, request)

    async def _run_into(
        self, fault: Fault, call: Call, request: web.BaseRequest
    ) -> web.StreamResponse:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        scripted = fault.answer()
        usual = Answer()
        if fault.applied or not (fault.reset or scripted):
            usual = self._track.answer(call, fault.refuse)
        if fault.reset:
            _cut(request.transport)
        return _respond(scripted or usual)

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        match method, path.removeprefix(_CONTROL):
            case "GET", "state":
                return answer(200, self.state.as_json())
            case "GET", "counts":
                return answer(200, self.state.counts())
            case "GET", "faults":
                return answer(200, self.faults.as_json())
            case "POST", "faults":
                return self._add_faults(body)
            case "DELETE", "faults":
                self.faults.clear()
                return Answer()
            case "POST", "reset":
                self.reset()
                return Answer()
            case _:
                known = "GET state, counts; GET, POST, DELETE faults; POST reset"
                return answer(404, {"error": f"{method} {path}: unknown; known are {known}"})

    def _add_faults(self, body: bytes) -> Answer:
        try:
            given = orjson.loads(body)
            self.faults.add(
                *(Fault.from_json(one) for one in (given if isinstance(given, list) else [given]))
            )
        except (ValueError, TypeError) as error:
            return answer(400, {"error": str(error)})
        return answer(200, self.faults.as_json())


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    """Make aiohttp's request with room for bodies over the API's limits, to refuse them itself."""
    return web.BaseRequest(
        message, payload, protocol, writer, task, task.get_loop(), client_max_size=_LARGEST_BODY
    )


def _respond(made: Answer) -> web.Response:
    return web.Response(
        status=made.status,
        body=made.body,
        headers={"Content-Type": "application/json; charset=utf-8", **made.headers},
    )


def _cut(transport: asyncio.Transport | None) -> None:
    """Close a connection with a TCP reset instead of a goodbye."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
