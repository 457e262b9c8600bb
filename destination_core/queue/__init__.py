"""The durable queue: what is accepted is kept until it is delivered or dead-lettered.

``Queue`` is the interface; ``SqliteQueue`` is the one that comes with the package: one file, no
server, safe against a crash of the process and of the machine.
"""

from destination_core.queue.interface import Queue
from destination_core.queue.looking import Onlooker
from destination_core.queue.records import (
    Accepted,
    Counts,
    Damage,
    Dead,
    DeadLetter,
    Delivered,
    Expired,
    Filtered,
    Intake,
    Job,
    QueueFull,
    Retry,
    Settlement,
)
from destination_core.queue.sqlite import SqliteQueue

__all__ = [
    "Accepted",
    "Counts",
    "Damage",
    "Dead",
    "DeadLetter",
    "Delivered",
    "Expired",
    "Filtered",
    "Intake",
    "Job",
    "Onlooker",
    "Queue",
    "QueueFull",
    "Retry",
    "Settlement",
    "SqliteQueue",
]
