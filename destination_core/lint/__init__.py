"""Definition checks: what can be wrong with a destination before anything is sent."""

from destination_core.lint.findings import Finding as Finding
from destination_core.lint.findings import Place as Place
from destination_core.lint.rules import lint as lint

__all__ = ["Finding", "Place", "lint"]
