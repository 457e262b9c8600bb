"""The kit for authors of plugins: standard checks, a recording server, events, golden requests.

Four lines of a plugin's tests run every standard check::

    class TestAcme(DestinationSuite):
        plugin: ClassVar = acme_destination
        settings: ClassVar = {"api_key": "key"}

Imports anything, is imported by nothing; nothing of it is loaded until a test asks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from destination_core.http import RoutedTransport
    from destination_core.testing.clock import Clock
    from destination_core.testing.events import standard_event, standard_events
    from destination_core.testing.golden import Golden
    from destination_core.testing.queues import QueueSuite
    from destination_core.testing.recording import Recorded, RecordingServer, Reply
    from destination_core.testing.suite import DestinationSuite

__all__ = [
    "Clock",
    "DestinationSuite",
    "Golden",
    "QueueSuite",
    "Recorded",
    "RecordingServer",
    "Reply",
    "RoutedTransport",
    "standard_event",
    "standard_events",
]

_HOME: Final = {
    "Clock": "testing.clock",
    "DestinationSuite": "testing.suite",
    "Golden": "testing.golden",
    "QueueSuite": "testing.queues",
    "Recorded": "testing.recording",
    "RecordingServer": "testing.recording",
    "Reply": "testing.recording",
    "RoutedTransport": "http",
    "standard_event": "testing.events",
    "standard_events": "testing.events",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"destination_core.{_HOME[name]}"), name)
