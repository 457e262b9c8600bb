"""The short form of every fault; `make faults` runs the long ones."""

from pathlib import Path

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault, Size, Unavailable


@pytest.mark.timeout(600)  # processes start and end in it, on machines that are busy
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
async def test_fault_is_survived(fault: Fault, tmp_path: Path) -> None:
    """All demands hold but those that speak of time, which a machine under load may miss."""
    try:
        result = await fault.run(Size.SHORT, tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    failed = [f"{one.text}: {one.seen}" for one in result.failed if not one.timed]
    assert not failed
    assert result.demands
