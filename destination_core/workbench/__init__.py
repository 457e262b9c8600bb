"""The bench on which an author tries a plugin: `destinations dev`."""

from destination_core.workbench.bench import Bench as Bench
from destination_core.workbench.bench import routes as routes
from destination_core.workbench.server import BenchServer as BenchServer
from destination_core.workbench.source import Broken as Broken
from destination_core.workbench.source import Source as Source
from destination_core.workbench.target import Target as Target

__all__ = ["Bench", "BenchServer", "Broken", "Source", "Target", "routes"]
