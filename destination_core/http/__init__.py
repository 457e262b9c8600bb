"""The request client that actions send with, and what it records."""

from destination_core.http.addresses import segment
from destination_core.http.classify import code_of, error_for, error_of
from destination_core.http.client import Client
from destination_core.http.exchange import Exchange
from destination_core.http.headers import basic_auth
from destination_core.http.messages import Request, Response
from destination_core.http.options import RequestOptions, Session, core_version
from destination_core.http.retry_after import retry_after
from destination_core.http.routed import RoutedTransport
from destination_core.http.transport import AiohttpTransport, Transport

__all__ = [
    "AiohttpTransport",
    "Client",
    "Exchange",
    "Request",
    "RequestOptions",
    "Response",
    "RoutedTransport",
    "Session",
    "Transport",
    "basic_auth",
    "code_of",
    "core_version",
    "error_for",
    "error_of",
    "retry_after",
    "segment",
]
