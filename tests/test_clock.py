"""The clock by which things are due."""

import time

import pytest

from destination_core.clock import SteadyClock


def test_setting_the_machine_s_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on from where it was made, and never back."""
    clock = SteadyClock()
    before = clock()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    after = clock()
    assert before <= after < before + 3_600
