"""The command line: `destinations`.

Commands import what they need when they run, so that `--help` and completion are quick.
"""

from destination_core.cli.main import main

__all__ = ["main"]
