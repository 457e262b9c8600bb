"""What the runner takes from a configuration file, and what is enough to look into its queue."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from destination_core.connection.config import IngestConfig, QueueConfig
from destination_core.connection.connection import Connection
from destination_core.connection.loader import Loader
from destination_core.connection.policy import Policy
from destination_core.connection.source import read
from destination_core.plugins import Registry


@dataclass(frozen=True, slots=True)
class Service:
    """What `serve` and `run` need: connections with their policies, write keys by source, queue.

    ``disabled`` are the destinations that are not opened.
    """

    connections: tuple[Connection[Any], ...]
    policies: Mapping[str, Policy]
    sources: Mapping[str, tuple[str, ...]] = field(repr=False)
    ingest: IngestConfig
    queue: QueueConfig
    queue_path: Path
    disabled: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """What would keep `serve` from starting here; another machine may be another matter."""
        if not self.sources and "path" not in self.queue.model_fields_set:
            return []  # nothing is to be queued
        path, folder = self.queue_path, self.queue_path.parent
        if not folder.is_dir():
            return [f"queue.path: there is no folder {str(folder)!r}"]
        if not os.access(path if path.exists() else folder, os.W_OK):
            return [f"queue.path: {str(path)!r} cannot be written by the user who runs this"]
        return []

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be seen anywhere: write keys and the secrets of all connections."""
        keys = (key for found in self.sources.values() for key in found)
        return frozenset(keys).union(*(one.secrets for one in self.connections))


@dataclass(frozen=True, slots=True)
class Outline:
    """The names that a configuration gives, and its queue: nothing of it is a secret."""

    destinations: tuple[str, ...]
    sources: tuple[str, ...]
    queue: QueueConfig
    queue_path: Path


def load_service(path: Path, registry: Registry, environment: Mapping[str, str]) -> Service:
    """Read a configuration file for the runner; raises as ``load_connections`` does."""
    loader = Loader(read(path), registry, environment, path.parent)
    connections, sources = loader.connections(), loader.sources()
    config = loader.config
    longest = max((one.delivery.retry_window for one in config.destinations.values()), default=0)
    if config.queue.dedup_window < longest and loader.has("queue"):
        loader.problem(
            ("queue", "dedup_window"),
            f"dedup_window is {config.queue.dedup_window:g} s, shorter than a retry_window of"
            f" {longest:g} s: a repetition could be taken for something new",
        )
    queue_path = path.parent / config.queue.path
    if queue_path.is_dir():
        message = f"'path' is {config.queue.path!r}, which is a folder; name a file"
        loader.problem(("queue", "path"), message)
    loader.finish()
    return Service(
        tuple(connections),
        {name: one.delivery for name, one in config.destinations.items()},
        sources,
        config.ingest,
        config.queue,
        queue_path,
        tuple(name for name, one in config.destinations.items() if not one.enabled),
    )


def load_outline(path: Path) -> Outline:
    """Read of a configuration file what needs neither plugins nor secrets.

    Whoever looks into a queue beside a service need not have its environment. Raises
    ``InvalidConfiguration`` with every mistake of form, ``ConfigurationError`` when the file cannot
    be read.
    """
    loader = Loader(read(path), Registry.of(), {}, path.parent)
    loader.finish()
    config = loader.config
    return Outline(
        tuple(config.destinations),
        tuple(config.sources),
        config.queue,
        path.parent / config.queue.path,
    )
