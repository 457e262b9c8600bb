"""What a handler is handed beside the payload."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from destination_core.credentials import AccessToken
from destination_core.http import Client
from destination_core.schema import Settings

S_co = TypeVar("S_co", bound=Settings, covariant=True)


class Context(Generic[S_co]):
    """The settings of the connection and a request client that belongs to this attempt.

    A context lives as long as one attempt; what its client sends is recorded on the attempt.
    """

    __slots__ = ("_access_token", "http", "now", "settings", "warnings")

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

    # What only some destinations use lies in slots that are empty elsewhere: to fill them would
    # cost every event.

    @property
    def access_token(self) -> AccessToken | None:
        """The token of a destination that authenticates with OAuth 2.

        In ``refresh_access_token`` it is the old one, or None when there was none yet.
        """
        return getattr(self, "_access_token", None)

    @access_token.setter
    def access_token(self, token: AccessToken | None) -> None:
        self._access_token = token
