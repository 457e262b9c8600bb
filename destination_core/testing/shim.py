"""Make aioresponses 0.7.9 work with aiohttp ≥ 3.14, whose responses want a ``stream_writer``.

A test of ours fails once aioresponses does without; then this module goes.
"""

import inspect
from typing import Any
from unittest.mock import Mock

import aiohttp


class CompatibleResponse(aiohttp.ClientResponse):
    """A response that aioresponses can make."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
            options.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **options)
