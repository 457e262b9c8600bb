"""The runner: delivers what is queued, each destination by itself, until it is told to stop."""

from destination_core.connection import Policy
from destination_core.runner.intake import Intakes
from destination_core.runner.runner import Runner
from destination_core.runner.tail import Tail
from destination_core.runner.watchdog import Watchdog
from destination_core.runner.worker import Worker

__all__ = ["Intakes", "Policy", "Runner", "Tail", "Watchdog", "Worker"]
