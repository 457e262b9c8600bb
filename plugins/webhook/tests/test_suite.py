"""The kit's standard checks, with batches switched on: the suite sends single events as well."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

import destination_webhook
from destination_core.testing import DestinationSuite, Recorded, Reply


def some_refused(request: Recorded, refused: Collection[int]) -> Reply:
    """Answer with a status per event."""
    size = len(request.json())
    return Reply(207, body=[400 if number in refused else 200 for number in range(size)])


class TestWebhook(DestinationSuite):
    """The default mapping, to a receiver that signs for what it gets."""

    plugin = destination_webhook
    settings: ClassVar = {
        "url": "https://hooks.example.com/segment",
        "signing_secret": "a-secret-of-the-suite-that-is-long",
        "headers": {"Authorization": "Bearer of-the-suite"},
    }
    mappings: ClassVar = {"send": {"enable_batching": True}}
    partial = some_refused
    golden = Path(__file__).parent / "golden"
    readme = Path(__file__).parents[1] / "README.md"
