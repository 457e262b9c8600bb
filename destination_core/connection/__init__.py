"""What a customer configures, checked against the plugins that are installed."""

from destination_core.connection.config import InvalidConfiguration, load_connections
from destination_core.connection.connection import Connection
from destination_core.connection.json_schema import config_schema
from destination_core.connection.subscription import (
    CompiledSubscription,
    Subscription,
    compile_subscription,
)

__all__ = [
    "CompiledSubscription",
    "Connection",
    "InvalidConfiguration",
    "Subscription",
    "compile_subscription",
    "config_schema",
    "load_connections",
]
