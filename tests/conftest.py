"""Fixtures of the tests of the command line."""

from pathlib import Path

import pytest

from tests.command_line import CommandLine


@pytest.fixture
def destinations(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """Run `destinations` in this process, with credentials in the environment."""
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def config(tmp_path: Path, destinations: CommandLine) -> Path:
    """Give a configuration as `init` writes it."""
    path = tmp_path / "customerio.yaml"
    assert destinations("init", "customerio", "-o", path).code == 0
    return path
