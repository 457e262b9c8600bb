"""Segment-compatible ingest over HTTP, with health checks and metrics."""

from destination_core.server.keys import Source, Sources
from destination_core.server.server import Server
from destination_core.server.wire import Discard, Refused, read_call

__all__ = ["Discard", "Refused", "Server", "Source", "Sources", "read_call"]
