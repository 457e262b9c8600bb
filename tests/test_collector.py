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


STARTING = """
import gc
from destination_core.cli.main import starting

before = gc.get_freeze_count()
try:
    with starting(), starting():
        assert not gc.isenabled()
        kept = [[] for _ in range(1_000)]
        raise LookupError
except LookupError:
    pass
assert gc.isenabled()
assert gc.get_freeze_count() >= before + len(kept)
"""


def test_a_start_is_left_alone_also_when_it_fails() -> None:
    """From the end of the outermost on, the collector looks at what is made afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", STARTING], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_loaded_is_left_alone_and_cycles_still_go() -> None:
    """In a process of its own, for it is the whole process that it concerns."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
