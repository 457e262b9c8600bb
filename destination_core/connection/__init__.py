"""What a customer configures, checked against the plugins that are installed."""

from destination_core.connection.connection import Connection
from destination_core.connection.subscription import (
    CompiledSubscription,
    Subscription,
    compile_subscription,
)

__all__ = ["CompiledSubscription", "Connection", "Subscription", "compile_subscription"]
