"""What somebody at a terminal sees, and what the shell asks."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.destinations import PROGRAM, track

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


def shown(*arguments: str, **environment: str) -> bytes:
    """Run a command on a terminal of its own, and give all that it shows."""
    kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "CI"}}
    here, there = os.openpty()
    with subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=there,
        stderr=there,
        env={**kept, "TERM": "xterm-256color", **environment},
    ) as process:
        os.close(there)
        seen = b""
        try:
            while part := os.read(here, 65_536):
                seen += part
        except OSError:  # Linux says so when the other side is closed
            pass
        os.close(here)
    assert process.returncode == 0, seen
    return seen


@pytest.mark.parametrize("no_color", ["", "1"])
def test_the_demo_on_a_terminal(tmp_path: Path, no_color: str) -> None:
    """A progress bar is drawn and taken away again; NO_COLOR leaves it without colours."""
    events = tmp_path / "events.ndjson"
    lines = [json.dumps(track(number)) + "\n" for number in range(50)]
    events.write_text("".join(lines), "utf-8")
    seen = shown("demo", "--events", str(events), NO_COLOR=no_color)
    assert b"delivering" in seen
    assert b"50/50" in seen or b"0/50" in seen
    assert b"Customer.io would now hold" in seen
    assert (COLOUR.search(seen) is None) == bool(no_color)


def test_the_shell_is_told_what_may_follow() -> None:
    """Completion knows the commands and the options of each."""
    for words, expected in (
        ("destinations che", "plain,check"),
        ("destinations send --dr", "--dry"),
    ):
        last = str(len(words.split()) - 1)
        completed = subprocess.run(
            [PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={
                **os.environ,
                "_DESTINATIONS_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": last,
            },
        )
        assert expected in completed.stdout


def test_an_event_is_read_as_typed_whatever_the_locale(tmp_path: Path) -> None:
    """In the C locale Python reads arguments as ASCII; the event is UTF-8 all the same."""
    config = tmp_path / "c.json"
    settings = {"site_id": "${env:A_SECRET}", "api_key": "${env:A_SECRET}"}
    one = {
        "plugin": "customerio",
        "settings": settings,
        "subscriptions": [{"preset": "Track Event"}],
    }
    config.write_text(json.dumps({"destinations": {"cio": one}}), "utf-8")
    event = json.dumps({**track(1), "event": "Café"}, ensure_ascii=False)
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    explained = subprocess.run(
        [PROGRAM, "explain", config, event.encode(), "--json"],
        capture_output=True,
        check=False,
        env={**os.environ, **ascii_only, "A_SECRET": "canary"},
    )
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)[0]["payload"]["name"] == "Café"


def test_a_full_disk_is_said_in_one_line() -> None:
    """What is printed to a file on it ends with an error, not with a traceback."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run([PROGRAM, "plugins"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (run.returncode, run.stderr) == (1, b"error: No space left on device\n")
