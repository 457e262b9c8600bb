"""The garbage collector of a program that delivers."""

import subprocess
import sys

SCRIPT = """
import gc
import destination_core as dc

kept = [[] for _ in range(1_000)]
dc.relax_collector()
frozen = gc.get_freeze_count()
assert frozen >= len(kept), frozen
assert gc.get_threshold()[0] > 700, gc.get_threshold()
loop = []
loop.append(loop)
del loop
assert gc.collect() > 0
"""


def test_what_is_loaded_is_left_alone_and_cycles_still_go() -> None:
    """In a process of its own, for it is the whole process that it concerns."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
