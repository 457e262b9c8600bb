"""Which dead letters are meant, how they are shown, and the queue they lie in."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from destination_core.cli.legible import legible
from destination_core.cli.loading import check_queue
from destination_core.cli.moments import Moment, shown

if TYPE_CHECKING:
    from destination_core.connection import Outline, Service
    from destination_core.queue import DeadLetter, Onlooker, SqliteQueue

F = TypeVar("F", bound=Callable[..., Any])
Filters = Mapping[str, Any]
"""``destination``, ``action``, ``user``, ``message``, ``code``, ``reason``, ``since``, ``until``;
``numbers``: the ones that are named, if any."""

PAGE = 100


def filters(function: F) -> F:
    """Add the options that choose dead letters."""
    for option in (
        click.option("--until", type=Moment(), help="Not after: a date, or an age as 2h."),
        click.option("--since", type=Moment(), help="Not before: a date, or an age as 2h."),
        click.option("--reason", help="Whose reason has this in it."),
        click.option("--code", help="With this error code only."),
        click.option("--message", help="Of the event with this messageId only."),
        click.option("--user", help="Of the user with this userId or anonymousId only."),
        click.option("--action", help="Of this action only."),
        click.option("--destination", help="Of this destination only."),
    ):
        function = option(function)
    return function


def numbers(function: F) -> F:
    """Add the argument that names dead letters."""
    return click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER...]")(function)


def check_destination(name: str | None, known: Iterable[str]) -> None:
    """Raise ``click.UsageError`` when there is no such destination, rather than find nothing."""
    names = [one for one in known if one]
    if name is not None and name not in names:
        raise click.UsageError(f"there is no destination {name!r}; there are {', '.join(names)}")


async def matching(queue: "SqliteQueue | Onlooker", wanted: Filters) -> "AsyncIterator[DeadLetter]":
    """Yield the dead letters that are meant, the oldest first; says when the action has none."""
    after, actions = 0, set[str]()
    while page := await queue.dead_letters(
        destination=wanted.get("destination"), limit=PAGE, after=after
    ):
        for one in page:
            actions.add(one.action)
            if _fits(one, wanted):
                yield one
        after = page[-1].id
    action = wanted.get("action")
    if action is not None and action not in actions:
        there = f"; there are of {', '.join(sorted(filter(None, actions)))}" if actions else ""
        click.echo(legible(f"no dead letter is of the action {action!r}{there}"), err=True)


def _fits(one: "DeadLetter", wanted: Filters) -> bool:
    from destination_core.queue import finding

    code, reason, action = (wanted.get(name) for name in ("code", "reason", "action"))
    who, message, named = (wanted.get(name) for name in ("user", "message", "numbers"))
    since, until = wanted.get("since"), wanted.get("until")
    return (
        (not named or one.id in named)
        and (code is None or one.code == code)
        and (reason is None or reason.lower() in one.reason.lower())
        and (action is None or one.action == action)
        and (since is None or one.at >= since)
        and (until is None or one.at <= until)
        and ((who is None and message is None) or finding.is_of(event(one), who, message))
    )


def event(one: "DeadLetter") -> Any:
    """Return the event of a dead letter."""
    return orjson.loads(one.record)["event"]


def line(one: "DeadLetter") -> str:
    """Return a dead letter in one line: number, time, where, whose, and why."""
    whose = identity(one)
    parts = [
        f"{one.id:>8}",
        shown(one.at),
        legible(one.destination),
        legible(one.action or "-"),
        legible(whose["event"] or whose["type"] or "-"),
        legible(whose["userId"] or whose["anonymousId"] or "-"),
        legible(whose["messageId"] or "-"),
        legible(f"{one.code}: {one.reason}"),
    ]
    return "  ".join(parts)


def identity(one: "DeadLetter") -> dict[str, Any]:
    """Return what tells which event it was, under the names that `tail --json` has."""
    found = event(one)
    known = found if isinstance(found, dict) else {}  # of a damaged one only text is left
    return {
        name: known.get(name) for name in ("type", "event", "userId", "anonymousId", "messageId")
    }


def summary(one: "DeadLetter") -> dict[str, Any]:
    """Return what a dead letter says, without the event."""
    return {
        "id": one.id,
        "at": shown(one.at),
        "destination": one.destination,
        "subscription": one.subscription,
        "action": one.action,
        "code": one.code,
        "reason": one.reason,
        "source": one.source,
        "attempts": one.attempts + 1,
    }


def looking(service: "Service | Outline") -> "Onlooker":
    """Look into the queue of a service: whoever uses it is not disturbed."""
    from destination_core.queue import Onlooker

    check_queue(service.queue_path)
    return Onlooker(service.queue_path)


@asynccontextmanager
async def opened(
    service: "Service | Outline", *, new: bool = False
) -> "AsyncIterator[SqliteQueue]":
    """Open the queue of a service; a ``new`` one may be made."""
    from destination_core.queue import SqliteQueue

    if not new:
        check_queue(service.queue_path)
    settings = service.queue
    async with SqliteQueue(
        service.queue_path,
        max_bytes=settings.max_bytes,
        min_free_bytes=settings.min_free_bytes,
        window=settings.dedup_window,
        retention=settings.dead_retention,
    ) as queue:
        yield queue
