"""Every exception of the project; the class is the retry policy.

::

    DestinationError
      ConfigurationError          wrong before any event was seen
        PluginError · InvalidSettings · InvalidMapping · InvalidSubscription
      DeliveryError               wrong while handling one event
        PermanentError            the same request would fail again
          InvalidEvent · InvalidPayload · PluginFault
        SetupError                credentials, region or endpoint: pause, keep the events
          InvalidAuthentication
        RetryableError            the same request may succeed later (retry_after)
          Paused                  nothing was sent: the destination is left alone for now

``str(error)`` is for the customer, ``error.detail`` for the operator. Nothing inspects names or
messages to decide what happens next.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, ClassVar, Final

LONGEST: Final = 500
"""Characters of what a plugin raised that are shown."""

MANUAL: Final = "For further information visit "
"""What pydantic's errors end with."""

_CALLERS: Final = frozenset({"destination_core", "pluggy", "asyncio", "contextlib"})
"""Whose lines stand between the engine and a plugin."""


class DestinationError(Exception):
    """Root of everything this project raises on purpose."""

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail


class ConfigurationError(DestinationError):
    """Something is wrong with what was installed or configured, before any event was seen."""


class PluginError(ConfigurationError):
    """A plugin cannot be loaded or breaks the contract."""


class InvalidSettings(ConfigurationError):
    """Settings are missing, malformed or contradictory; ``problems`` lists every fault."""

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class InvalidMapping(ConfigurationError):
    """A mapping is not one; ``problems`` lists every fault with its path."""

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class InvalidSubscription(ConfigurationError):
    """A subscription names an unknown action or carries a trigger that cannot be parsed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a payload.

    ``pointer`` is a JSON pointer into the payload ("" is the payload itself), ``message`` says
    what was expected and what came.
    """

    pointer: str
    message: str


class DeliveryError(DestinationError):
    """Something went wrong while handling one event.

    ``code`` is one of Segment's error codes (upper snake case), ``status`` the HTTP status that
    caused it, if any. Whatever a plugin gives for message, detail and code is kept as text that
    can be written down.
    """

    default_code: ClassVar[str] = "UNKNOWN_ERROR"

    def __init__(
        self,
        message: str,
        *,
        detail: str | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(_text(message), detail=None if detail is None else _text(detail))
        self.code = _text(code or self.default_code)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive pickling: errors cross process boundaries in tests and runners."""
        return (_rebuild, (type(self), self.args, self.__dict__))


class PermanentError(DeliveryError):
    """The same request would fail again: do not retry."""

    default_code = "PERMANENT_ERROR"


class InvalidEvent(PermanentError):
    """An event cannot be read: malformed JSON, not an object, no type, over a limit.

    The message begins with ``place``, where in a file it stood, if it did; ``reason`` is without.
    ``event`` is what was read, where that was an object.
    """

    default_code = "INVALID_EVENT"

    def __init__(
        self,
        message: str,
        *,
        place: str = "",
        event: dict[str, Any] | None = None,
        detail: str | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        where = f"{place}: " if place else ""
        super().__init__(f"{where}{message}", detail=detail, code=code, status=status)
        self.place = place
        self.event = event
        self.reason = _text(message)


class InvalidPayload(PermanentError):
    """A mapped payload does not fit the action's schema, or a mapping fails on this event."""

    default_code = "PAYLOAD_VALIDATION_FAILED"

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        detail: str | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, detail=detail, code=code, status=status)
        self.problems = tuple(problems)


class PluginFault(PermanentError):
    """A plugin raised what it did not mean, or answered with what is no answer."""

    default_code = "PLUGIN_ERROR"


class SetupError(DeliveryError):
    """Credentials, region or endpoint are wrong: pause the destination and keep its events."""

    default_code = "SETUP_ERROR"


class InvalidAuthentication(SetupError):
    """The destination refused the credentials."""

    default_code = "INVALID_AUTHENTICATION"


class RetryableError(DeliveryError):
    """The same request may succeed later.

    ``retry_after`` is the number of seconds the destination asked for, if it did. Raises
    ``TypeError`` when it is no number: a header is read by ``Response.retry_after``.
    """

    default_code = "RETRYABLE_ERROR"

    def __init__(
        self,
        message: str,
        *,
        detail: str | None = None,
        code: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, detail=detail, code=code, status=status)
        wait: object = retry_after
        if wait is not None and (not isinstance(wait, int | float) or math.isnan(wait)):
            raise TypeError(f"retry_after is {wait!r}; give the seconds as a number, or None")
        self.retry_after = retry_after


class Paused(RetryableError):
    """Nothing was sent: the runner leaves the destination alone for ``retry_after`` seconds."""

    default_code = "PAUSED"


def _rebuild(
    kind: type[DeliveryError], args: tuple[Any, ...], state: dict[str, Any]
) -> DeliveryError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def _text(value: object) -> str:
    """Return a text without halves of surrogate pairs, which UTF-8 does not have."""
    return str(value).encode("utf-8", "replace").decode()


def _place(error: BaseException) -> str:
    """Return the last line of the plugin's own on the way to an error, else the last of all."""
    frames = [
        (str(frame.f_globals.get("__name__")).partition(".")[0], frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
    ]
    author = next((package for package, *_ in frames if package not in _CALLERS), None)
    own = [one for one in frames if one[0] == author] or frames
    return f" at {PurePath(own[-1][1]).name}:{own[-1][2]}" if own else ""


def _on_one_line(text: str) -> str:
    """Put a text of several lines on one, without the address of pydantic's manual at its end."""
    lines = [line.strip() for line in text.splitlines()]
    return "; ".join(one for one in lines if one and not one.startswith(MANUAL))


def plugin_fault(
    what: str, error: BaseException, conceal: Callable[[str], str] = str
) -> PluginFault:
    """Turn an exception that a plugin did not mean into one that settles the event.

    ``what`` says what the plugin was doing. The message names the exception and the plugin's line
    that led to it, on one line; ``conceal`` blanks secrets out of its text, before that is cut.
    """
    place = _place(error)
    text = _on_one_line(conceal(f"{type(error).__name__}: {error}"))[:LONGEST]
    return PluginFault(f"{what} raised {text}{place}")
