"""All faults, in the order of their ids."""

from tests.faults import kill
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (kill.FAULT,)
