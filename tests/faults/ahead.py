"""Let a service live in the future: its clock runs so many seconds ahead of the machine's."""

import os
from collections.abc import Mapping
from pathlib import Path

PATCH = """
import os, time
if "CLOCK_AHEAD" in os.environ:
    now, ahead = time.time, float(os.environ["CLOCK_AHEAD"])
    time.time = lambda: now() + ahead
"""
"""Runs before the program, as Python's ``sitecustomize``."""


def environment(folder: Path, seconds: float, given: Mapping[str, str]) -> dict[str, str]:
    """Return what a service's environment has to have beside what is ``given``."""
    place = folder / "clock"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(PATCH, "utf-8")
    path = os.pathsep.join([str(place), given.get("PYTHONPATH", "")])
    return {"CLOCK_AHEAD": str(seconds), "PYTHONPATH": path}
