"""`destinations new` at a terminal: it asks, and takes a no for an answer."""

import os
import pty
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.destinations import PROGRAM

pytestmark = pytest.mark.timeout(300)  # it waits for a program to ask, on however busy a machine

CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]|\r")


class Terminal:
    """`destinations new`, with somebody who reads and types."""

    def __init__(self, folder: Path) -> None:
        self.seen = b""
        self.pid, self.there = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="xterm", XDG_DATA_HOME=str(folder / "data"))
            os.execv(PROGRAM, [str(PROGRAM), "new"])

    def until(self, words: str) -> None:
        """Read until it has shown some words."""
        start = len(self.seen)
        while words.encode() not in CONTROL.sub(b"", self.seen[start:]):
            part = self._read()
            assert part, CONTROL.sub(b"", self.seen).decode()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.there, text.encode())

    def ended(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bytes:
        try:
            part = os.read(self.there, 65_536)
        except OSError:  # Linux says so when the other side is closed
            return b""
        if b"\x1b[6n" in part:  # where is the cursor?
            os.write(self.there, b"\x1b[1;1R")
        self.seen += part
        return part


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Run it in an empty folder."""
    made = Terminal(tmp_path)
    yield made
    if made.pid:
        os.kill(made.pid, signal.SIGKILL)
        os.waitpid(made.pid, 0)
    os.close(made.there)


def test_it_asks_for_what_it_was_not_told(terminal: Terminal, tmp_path: Path) -> None:
    """The name, what people call it, how it authenticates, whether it has batches."""
    terminal.until("The slug of the destination")
    terminal.type("tidy-crm\r")
    for question, answer in (
        ("What people call it", "\r"),
        ("How requests are authenticated", "\x1b[B\r"),  # the arrow down: HTTP Basic
        ("many records in one request?", "n"),
        ("What every path is appended to", "\r"),
        ("Whose copyright it is", "\r"),
    ):
        terminal.until(question)
        terminal.type(answer)
    assert terminal.ended() == 0
    answers = (tmp_path / "destination-tidy-crm" / ".copier-answers.yml").read_text()
    for line in ("slug: tidy-crm", "title: Tidy Crm", "authentication: basic", "batch: false"):
        assert line in answers


def test_whoever_stops_answering_gets_nothing(terminal: Terminal, tmp_path: Path) -> None:
    """Ctrl-C at a question: a word, and the exit code of an interruption."""
    terminal.until("The slug of the destination")
    terminal.type("tidy-crm\r")
    terminal.until("What people call it")
    terminal.type("\x03")
    assert terminal.ended() == 130
    assert terminal.seen.decode().rstrip().endswith("interrupted")
    assert not (tmp_path / "destination-tidy-crm").exists()
