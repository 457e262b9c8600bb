"""Segment-compatible ingest over HTTP, with health checks and metrics."""

from destination_core.server.answers import document
from destination_core.server.call import CODES, Discard, read_call
from destination_core.server.keys import Source, Sources
from destination_core.server.server import Server
from destination_core.server.wire import Refused

__all__ = ["CODES", "Discard", "Refused", "Server", "Source", "Sources", "document", "read_call"]
