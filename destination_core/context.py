"""What a handler is handed beside the payload."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from destination_core.http import Client
from destination_core.schema import Settings

S_co = TypeVar("S_co", bound=Settings, covariant=True)


class Context(Generic[S_co]):
    """The settings of the connection and a request client that belongs to this attempt.

    A context lives as long as one attempt; what its client sends is recorded on the attempt.
    """

    __slots__ = ("http", "now", "settings", "warnings")

    def __init__(self, settings: S_co, http: Client, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.http = http
        #: the clock, in Unix seconds; a test may set it
        self.now = now
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Tell the customer that a payload is sent, but not as it came.

        The message ends up in ``Delivery.warnings``; in a batch, on every payload of it (report
        a warning about a single payload through its ``Outcome`` or ``Encoded``).
        """
        self.warnings.append(message)
