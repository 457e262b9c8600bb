"""Make aioresponses 0.7.9 work with aiohttp ≥ 3.14, whose responses want a ``stream_writer``.

A test of ours fails once aioresponses does without; then this module goes. It also notes
bodies as bytes.
"""

import inspect
from typing import Any
from unittest.mock import Mock

import aiohttp
from aioresponses import aioresponses


class CompatibleResponse(aiohttp.ClientResponse):
    """A response that aioresponses can make."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
            options.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **options)


class CompatibleResponses(aioresponses):
    """Scripted responses that note a body as the bytes it is, however aiohttp was handed it."""

    async def _request_mock(self, *args: Any, **options: Any) -> aiohttp.ClientResponse:
        data = options.get("data")
        if isinstance(data, aiohttp.Payload):
            options["data"] = await data.as_bytes()
        return await super()._request_mock(*args, **options)
