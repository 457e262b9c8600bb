"""The hosted engine's open half, in a process of Node."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

INSTALLED: Final = Path(__file__).parents[2] / "benchmarks" / "peer"
"""Where ``make bench`` installs it."""

DRIVER: Final = Path(__file__).with_name("peer.js")

NOT_ASKED: Final = frozenset({"definition", "retry", "error_objects"})
"""Operations of vectors that the driver does not have."""


def is_installed(folder: Path = INSTALLED) -> bool:
    """Tell whether the peer's packages are there."""
    return (folder / "node_modules" / "@segment" / "actions-core").is_dir()


class Peer:
    """Answers inputs of vectors as it would have been recorded; use it as a context manager."""

    def __init__(self, folder: Path = INSTALLED) -> None:
        self._process = subprocess.Popen(
            ["node", str(DRIVER), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process:  # closes the pipes, which ends the process, and waits for it
            pass

    def answer(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``expect`` or ``error``, or ``failed`` when the driver cannot make sense of it."""
        asking, answering = self._process.stdin, self._process.stdout
        assert asking
        assert answering
        asking.write(json.dumps({"kind": kind, "input": given}).encode() + b"\n")
        asking.flush()
        line = answering.readline()
        if not line:
            raise RuntimeError(f"the peer has stopped; are its packages in {INSTALLED}?")
        answer: dict[str, Any] = json.loads(line)
        return answer
