"""`destinations` run in this process."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from destination_core.cli.main import main

SITE = "canary-51te-of-the-tests"
CANARY = "canary-5eCret-value"


@dataclass
class Run:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Decode what it printed."""
        return json.loads(self.out)


class CommandLine:
    """Run commands with credentials in the environment, which nothing that they print may hold."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE)
        monkeypatch.setenv("CUSTOMERIO_API_KEY", CANARY)
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Run:
        """Run a command to its end."""
        self._monkeypatch.setattr(sys, "argv", ["destinations", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = self._capfd.readouterr()
        for secret in (CANARY, SITE):
            assert secret not in out + err
        assert "\x1b[" not in out + err
        return Run(int(caught.value.code or 0), out, err)
