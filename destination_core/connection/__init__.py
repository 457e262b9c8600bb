"""What a customer configures, checked against the plugins that are installed."""

from destination_core.connection.config import QueueConfig
from destination_core.connection.connection import Connection
from destination_core.connection.json_schema import config_schema
from destination_core.connection.loader import load_connections
from destination_core.connection.mistakes import InvalidConfiguration
from destination_core.connection.policy import CRASHES, LONGEST_WAIT, Policy
from destination_core.connection.secrets import variable_of
from destination_core.connection.service import Outline, Service, load_outline, load_service
from destination_core.connection.subscription import (
    CompiledSubscription,
    Subscription,
    compile_subscription,
    digest_of,
)

__all__ = [
    "CRASHES",
    "LONGEST_WAIT",
    "CompiledSubscription",
    "Connection",
    "InvalidConfiguration",
    "Outline",
    "Policy",
    "QueueConfig",
    "Service",
    "Subscription",
    "compile_subscription",
    "config_schema",
    "digest_of",
    "load_connections",
    "load_outline",
    "load_service",
    "variable_of",
]
