"""Logs of commands that run for long: repeats are counted, secrets are blanked out."""

import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from destination_core.cli import logs


def record(message: str, *args: object) -> logging.LogRecord:
    """Make a record."""
    return logging.LogRecord("a", logging.ERROR, "", 0, message, args, None)


def test_repeats_are_counted_and_said_when_the_period_is_over() -> None:
    """Each subject has its own count; what is left out is never silent."""
    now = 0.0
    repeats = logs.Repeats(lambda: now, most=2)

    def passed(subject: str) -> list[str]:
        return [one.getMessage() for one in repeats.passed(record("%s: down %d", subject, now))]

    assert [passed("a") for _ in range(5)] == [["a: down 0"], ["a: down 0"], [], [], []]
    assert passed("b") == ["b: down 0"]
    now = logs.PERIOD
    assert passed("a") == ["a: down 0 (repeated 3 times)", "a: down 60"]
    assert [passed("a"), passed("a")] == [["a: down 60"], []]
    assert [one.getMessage() for one in repeats.sums()] == ["a: down 60 (repeated 1 times)"]
    assert list(repeats.sums()) == []


def test_kinds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs every time takes no memory, and is written."""
    monkeypatch.setattr(logs, "KINDS", 10)
    repeats = logs.Repeats(lambda: 0.0, most=1)
    written = [list(repeats.passed(record(f"{number}"))) for number in range(50)]
    assert all(len(one) == 1 for one in written)
    assert len(repeats._seen) == 10


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave this process's logging as it was."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("as_json", [True, False])
def test_every_way_to_the_log_is_clean(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments, objects, tracebacks, uncaught errors; JSON is one object per line."""
    redaction = logs.configure(as_json=as_json)
    redaction.conceal(["s3cret-value"])
    redaction.conceal(['an"other'])
    log = logging.getLogger("x")
    log.error("%s: %s", "a", {"key": "s3cret-value"})
    try:
        int('s3cret-value an"other')
    except ValueError as error:
        log.exception("failed")
        sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=lambda: [].index("s3cret-value"))  # type: ignore[arg-type]
    thread.start()
    thread.join()
    log.info("fine")
    written = capsys.readouterr().err
    assert "s3cret" not in written
    assert "other" not in written
    assert written.count("[redacted]") >= 5
    assert "ended by an error" in written
    if as_json:
        lines = [json.loads(line) for line in written.splitlines()]
        assert lines[-1]["event"] == "fine"
        assert (lines[-1]["level"], lines[-1]["logger"]) == ("info", "x")


@pytest.mark.usefixtures("undone")
def test_what_was_left_out_is_said_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Closing the handler writes the sums."""
    logs.configure(as_json=True)
    for _ in range(logs.MOST + 5):
        logging.getLogger("x").warning("again")
    logging.getLogger().handlers[0].close()
    written = capsys.readouterr().err
    assert written.count('"again"') == logs.MOST
    assert "again (repeated 5 times)" in written


@pytest.mark.usefixtures("undone")
def test_a_message_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a destination answers may be in it; it cannot look like a record of its own."""
    logs.configure(as_json=False)
    logging.getLogger("x").error("a: paused: %s", "401\n2026-11-29T00:00:00Z [info] \x9b\x1b[2J")
    first, second, end = capsys.readouterr().err.split("\n")
    assert first.endswith("a: paused: 401")
    assert second.startswith(r"    2026-11-29T00:00:00Z [info] \x9b\x1b[2J")
    assert (end, second.isprintable()) == ("", True)
