"""Logs of commands that run for long: for people on a terminal, as JSON for machines.

Whatever is logged, by whomever, goes the same way: repeats are counted instead of written, and
secrets are blanked out of the finished line, so that no formatting can bring one back.
"""

import copy
import logging
import sys
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from destination_core.cli.legible import legible
from destination_core.http.redaction import Redactor


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Let modules seem not to be installed (None tells Python so), unless they are loaded."""
    hidden = {name: None for name in names if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _without("rich", "colorama"):  # it wants them for what is not used here: 40 ms of a start
    import structlog


MOST: Final = 10
"""How often a message is written in ``PERIOD``; what is more is counted."""

PERIOD: Final = 60.0
"""Seconds."""

KINDS: Final = 1_000
"""Messages that are told apart; beyond them, all are written."""


@dataclass(slots=True)
class _Repeat:
    """One message: when its period began, how often it came, and how it last looked."""

    began: float
    last: logging.LogRecord
    many: int = 0


class Repeats:
    """Lets ``most`` records of a kind through in a period, and then says how many more there were.

    Records are of one kind when logger, level, text and subject (the first argument) are the same:
    a destination that is down does not hide that another one is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._seen: dict[Hashable, _Repeat] = {}

    def passed(self, record: logging.LogRecord) -> Iterator[logging.LogRecord]:
        """Yield what is to be written now: sums of periods that are over, then the record."""
        now = self._clock()
        yield from self._over(now - PERIOD)
        kind = (record.name, record.levelno, str(record.msg), _subject(record))
        if kind not in self._seen and len(self._seen) >= KINDS:
            yield record
            return
        seen = self._seen.setdefault(kind, _Repeat(now, record))
        seen.many += 1
        seen.last = record
        if seen.many <= self._most:
            yield record

    def sums(self) -> Iterator[logging.LogRecord]:
        """Yield what has not been said yet, at the end."""
        yield from self._over(float("inf"))

    def _over(self, before: float) -> Iterator[logging.LogRecord]:
        for kind in [kind for kind, one in self._seen.items() if one.began <= before]:
            one = self._seen.pop(kind)
            more = one.many - self._most
            if more > 0:
                made = copy.copy(one.last)
                made.msg = f"{one.last.getMessage()} (repeated {more:,} times)"
                made.args, made.exc_info, made.exc_text, made.stack_info = (), None, None, None
                yield made


def _subject(record: logging.LogRecord) -> str:
    return str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""


class Handler(logging.StreamHandler[Any]):
    """Writes to standard error what ``Repeats`` lets through."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless it is one too many."""
        for one in self._repeats.passed(record):
            super().emit(one)

    def close(self) -> None:
        """Say what was left out, and close."""
        with self.lock or threading.RLock():
            for one in self._repeats.sums():
                super().emit(one)
        super().close()


class Redaction:
    """The last step of every line: secrets that are known are blanked out."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._redactor = Redactor(())

    def conceal(self, secrets: Collection[str]) -> None:
        """Blank these out, too, from now on."""
        self._secrets |= frozenset(secrets)
        self._redactor = Redactor(self._secrets)

    def __call__(self, _logger: Any, _method: str, line: Any) -> str:
        """Return a finished line without secrets."""
        return self._redactor.text(line if isinstance(line, str) else str(line))


def configure(*, as_json: bool) -> Redaction:
    """Send every log record, warning and uncaught error through structlog to standard error.

    Returns where secrets can be given that must not be seen.
    """
    redaction = Redaction()
    handler = Handler()
    handler.setFormatter(_formatter(redaction, as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    return redaction


def _formatter(redaction: Redaction, *, as_json: bool) -> logging.Formatter:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [
            _legible,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # the default one shows local variables, and so secrets
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *renderer,
            redaction,
        ],
    )


def _legible(
    _logger: Any, _method: str, told: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape what could steer a terminal; lines after the first are set in, as no record is."""
    lines = str(told["event"]).split("\n")
    told["event"] = "\n    ".join(legible(one) for one in lines)
    return told


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logging.getLogger("destinations").critical(
        "ended by an error that nobody expected", exc_info=(kind, error, traceback)
    )


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        _uncaught(told.exc_type, told.exc_value, told.exc_traceback)
