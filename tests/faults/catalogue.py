"""All faults, in the order of their ids."""

from tests.faults import kill, named_points, termination, two_runners
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = tuple(
    sorted(
        (kill.FAULT, named_points.FAULT, termination.FAULT, two_runners.FAULT),
        key=lambda fault: int(fault.id[1:]),
    )
)
