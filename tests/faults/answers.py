"""F10: answers to a batch that speak of each item by itself, in all shapes, readable and not."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from tests.faults.event import identifier
from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage

BATCH = 20


def _errors(*errors: Any) -> bytes:
    return orjson.dumps({"errors": list(errors)})


SHAPES: dict[str, tuple[int, Callable[[int], bytes], tuple[int, ...] | None]] = {
    "first refused": (207, lambda _: _errors({"batch_index": 0, "message": "no"}), (0,)),
    "named twice": (207, lambda _: _errors({"batch_index": 0}, {"batch_index": 0}), (0,)),
    "200 with errors": (200, lambda _: _errors({"batch_index": 0}), (0,)),
    "index missing": (207, lambda _: _errors({"message": "no"}), None),
    "index beyond": (207, lambda size: _errors({"batch_index": size}), None),
    "index negative": (207, lambda _: _errors({"batch_index": -1}), None),
    "index a text": (207, lambda _: _errors({"batch_index": "0"}), None),
    "index a fraction": (207, lambda _: _errors({"batch_index": 0.5}), None),
    "index a boolean": (207, lambda _: _errors({"batch_index": True}), None),
    "one index of two": (207, lambda _: _errors({"batch_index": 0}, {"message": "no"}), None),
    "errors absent": (207, lambda _: b"{}", None),
    "errors empty": (207, lambda _: _errors(), None),
    "errors null": (207, lambda _: b'{"errors": null}', None),
    "errors an object": (207, lambda _: b'{"errors": {"0": "no"}}', None),
    "errors of texts": (207, lambda _: _errors("no"), None),
    "a list": (207, lambda _: b"[]", None),
    "HTML": (207, lambda _: b"<html>Welcome to our Wi-Fi</html>", None),
    "nothing": (207, lambda _: b"", None),
    "cut off": (207, lambda _: b'{"errors": [{"batch_ind', None),
    "too long": (207, lambda _: b" " * 2_000_000 + b'{"errors": []}', None),
    "200 with HTML": (200, lambda _: b"<html>Welcome to our Wi-Fi</html>", None),
    "200 with errors of texts": (200, lambda _: _errors("no"), None),
    "200, cut off": (200, lambda _: b'{"errors": [{"batch_ind', None),
}
"""By name: status, body for so many items, which are refused; None where nothing is confirmed."""


class Answering:
    """Plays Customer.io's `/batch`: takes what it confirms, which it passes on to the oracle.

    Every other request is answered well, so that no breaker opens.
    """

    def __init__(self, towards: str, token: str) -> None:
        self.url = ""
        self.shapes: Counter[str] = Counter()
        self.refused = 0
        self.over = False
        self._towards = towards
        self._headers = {"Authorization": f"Bearer {token}"}
        self._turns = itertools.cycle([name for shape in SHAPES for name in (shape, "")])
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = orjson.loads(await request.read())
        items = call.get("batch", [call])
        shape = "" if self.over or len(items) < 2 else next(self._turns)
        if not shape:
            await self._take(items)
            return web.Response(text="{}")
        self.shapes[shape] += 1
        status, body, refused = SHAPES[shape]
        if refused is not None:
            self.refused += len(refused)
            await self._take([one for n, one in enumerate(items) if n not in refused])
        return web.Response(status=status, body=body(len(items)))

    async def _take(self, items: Sequence[Any]) -> None:
        assert self._session is not None
        bodies = [item["attributes"]["body"] for item in items]
        entries = [{"id": identifier(body["number"]), "body": body} for body in bodies]
        async with self._session.post(self._towards, data=orjson.dumps(entries)) as answer:
            assert answer.status == 200, answer.status


async def run(size: Size, folder: Path) -> Result:
    """Deliver by the Customer.io plugin to a destination that answers in all these shapes."""
    many = 1_000 * len(SHAPES) if size is Size.LONG else 2 * BATCH * len(SHAPES)
    result = Result()
    async with (
        Stage(folder, "a", delivery={**QUICK, "chunk": BATCH, "ahead": 2}) as stage,
        Answering(f"{stage.oracle.url}/a", stage.environment["TARGET_TOKEN"]) as answering,
    ):
        stage.environment["CANARY"] = stage.environment["TARGET_TOKEN"]
        stage.configuration["destinations"]["a"] |= {
            "plugin": "customerio",
            "settings": {
                "site_id": "${env:CANARY}", "api_key": "${env:CANARY}",
                "track_url": answering.url, "any_identifier": True,
            },
            "subscriptions": [{"preset": "Track Event"}],
        }  # fmt: skip
        stage.write()
        await stage.serve()
        await stage.oracle.issue(many, batch=BATCH)
        await stage.drained(600)
        answering.over = True
        counts = await stage.judge(result)
    unseen = sorted(SHAPES.keys() - answering.shapes.keys())
    result.demand("each shape was answered", not unseen, unseen)
    dead = counts["a"]["dead"]
    result.demand("dead is what was refused by name, and nothing else", dead == answering.refused,
                  f"{dead} of {answering.refused}")  # fmt: skip
    duplicates = int(result.figures["duplicates"])
    result.demand("nothing that was confirmed is sent again", duplicates == 0, duplicates)
    result.figures |= {"shapes": len(SHAPES), "answers of such shapes": answering.shapes.total()}
    return result


FAULT = Fault(
    "F10",
    "207 in all shapes",
    "only what is confirmed counts as delivered; what cannot be read is never a success",
    run,
)
