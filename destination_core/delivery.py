"""Call the plugin for one connection: attempts, retries, bisection, outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Final, Generic, TypeVar

from destination_core.attempts import Gate, Retry, within
from destination_core.authorization import Authorization, is_refused
from destination_core.connection import Connection
from destination_core.context import Context, Scope
from destination_core.errors import (
    ConfigurationError,
    DeliveryError,
    InvalidPayload,
    Paused,
    PermanentError,
    PluginFault,
    RetryableError,
    plugin_fault,
)
from destination_core.http import Client, Exchange, Session
from destination_core.http.redaction import Redactor
from destination_core.outcome import Outcome, checked, require_nothing
from destination_core.schema import Settings
from destination_core.work import Attempt, Deletion, Delivery, Entry, Task

S = TypeVar("S", bound=Settings)
T = TypeVar("T")

Watch = Callable[[Attempt], None]
"""Is told of every attempt when it has ended; must not raise."""

DIVISIBLE: Final = frozenset({400, 413, 422})
"""Statuses that a destination may give a whole batch for the sake of one item of it."""


class Deliverer(Generic[S]):
    """Deliver the tasks of one connection; every task gets its ``Delivery``, none raises."""

    def __init__(
        self,
        connection: Connection[S],
        session: Session,
        gate: Gate,
        retry: Retry,
        clock: Callable[[], float],
        *,
        deadline: float | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.connection = connection
        self._relay = connection.relay
        self._slug = connection.relay.destination.slug
        self._session = session
        self._gate = gate
        self._is_broken_off = False
        session.check = gate.check
        self._retry = retry
        self._clock = clock
        self._deadline = deadline
        self._watch = watch
        self._is_watched = watch is not None or connection.relay.watches_attempts
        self.secrets = connection.secrets
        self._redactor = Redactor(connection.secrets)
        has_tokens = connection.relay.destination.authentication is not None
        self._authorization = (
            Authorization(connection, session, clock, deadline=deadline) if has_tokens else None
        )

    def context(self, exchanges: list[Exchange] | None = None) -> Context[S]:
        """Make the context of one attempt; its client records into ``exchanges``."""
        client = Client(self._session, [] if exchanges is None else exchanges)
        ctx = Context(self.connection.settings, client, self._clock)
        if self._authorization is not None:
            ctx.access_token = self._authorization.token
        return ctx

    def scope(self, tasks: Sequence[Task]) -> Scope:
        """Tell what an attempt is about, for an action that asks."""
        events = [task.event for task in tasks]
        return Scope(tasks[0].usage, self.connection.audiences, events)

    def break_off(self) -> None:
        """Believe no handler from now on that ends: who waits for it cancels it."""
        self._is_broken_off = True

    def hold(self) -> None:
        """Let nobody wait for the rate any longer whose attempt has sent nothing yet."""
        if self._session.rate is not None:
            self._session.rate.close()

    async def close(self) -> None:
        """Let what must not be cut off come to its end."""
        if self._authorization is not None:
            await self._authorization.close()

    async def single(self, task: Task) -> Delivery:
        """Deliver one payload by itself."""
        relay, number, renewals = self._relay, 0, 0
        while True:
            number += 1
            exchanges: list[Exchange] = []
            ctx = self.context(exchanges)
            error: DeliveryError | None = None
            started = perf_counter()
            try:
                async with self._gate:
                    started = perf_counter()
                    if self._authorization is not None:
                        ctx = await self._authorized(self._authorization, exchanges)
                    if task.is_scoped:
                        ctx.within(self.scope([task]))
                    answer = await self._bounded(relay.perform(ctx, task.action, task.payload))
                    if answer is not None:
                        require_nothing(answer, f"{self._slug}: {task.action.slug}")
            except BaseException as raised:  # noqa: BLE001  a plugin may raise anything
                error = self._error(task.action.slug, raised)
            self._gate.learn([error], _seconds(exchanges))
            seconds = perf_counter() - started
            if self._is_watched:
                self._attempted((task,), exchanges, number, seconds, error)
            if self._authorization is not None and not renewals and is_refused(error):
                error = await self._renew(self._authorization, ctx, error)
                if error is None:
                    renewals = 1
                    continue
            retry = self._retry
            if not isinstance(error, RetryableError) or not retry.is_due(error, number - renewals):
                return self._delivery(task, error, tuple(ctx.warnings), exchanges, number)
            await asyncio.sleep(retry.delay(number, error.retry_after))

    async def batch(self, entries: Sequence[Entry]) -> None:
        """Deliver a batch; what the destination refuses for now is tried again, alone.

        Each entry's ``delivery`` says what became of it.
        """
        number, waiting = 0, entries
        while waiting:
            number += 1
            await self._divide(waiting, number)
            if number >= self._retry.attempts:
                return
            tried, waiting, asked = waiting, [], 0.0
            for entry in tried:
                error = entry.delivery.error
                if isinstance(error, RetryableError) and self._retry.is_due(error, number):
                    waiting.append(entry)
                    asked = max(asked, error.retry_after or 0.0)
            if waiting:
                await asyncio.sleep(self._retry.delay(number, asked))

    async def delete(self, deletion: Deletion) -> Delivery | None:
        """Forget a user; None when the destination cannot."""
        exchanges: list[Exchange] = []
        warnings: list[str] = []
        error: DeliveryError | None = None

        async def forget(ctx: Context[S]) -> bool:
            ctx.warnings = warnings
            return await self._relay.on_delete(ctx, deletion)

        try:
            if not await self.ask(forget, exchanges):
                return None
        except BaseException as raised:  # noqa: BLE001  a plugin may raise anything
            error = self._error("on_delete", raised)
        self._gate.learn([error], _seconds(exchanges))
        return Delivery(
            deletion.event,
            self.connection.name,
            "",
            "on_delete",
            error=error,
            warnings=self._shown(warnings),
            exchanges=exchanges,
            attempts=1 - isinstance(error, Paused),
            secrets=self.secrets,
        )

    async def test_authentication(self) -> bool:
        """Ask the destination about the credentials; raises what the plugin raises."""
        return await self.consult("test_authentication", self._relay.test_authentication)

    async def consult(self, what: str, call: Callable[[Context[S]], Awaitable[T]]) -> T:
        """Make a call for its answer; raises what the plugin means, without secrets."""
        try:
            return await self.ask(call)
        except DeliveryError as raised:
            self._redactor.error(raised)
            raise
        except ConfigurationError:
            raise
        except Exception as raised:
            raise self._fault(what, raised) from raised

    async def ask(
        self, call: Callable[[Context[S]], Awaitable[T]], exchanges: list[Exchange] | None = None
    ) -> T:
        """Make a call that is no delivery; its deadline and its access token are as for others."""
        authorization = self._authorization
        exchanges = [] if exchanges is None else exchanges
        async with self._gate:
            if authorization is None:
                return await self._bounded(call(self.context(exchanges)))
            ctx = await self._authorized(authorization, exchanges)
            try:
                return await self._bounded(call(ctx))
            except DeliveryError as error:
                if not is_refused(error) or not await authorization.renew(ctx.access_token):
                    raise
            exchanges.clear()
            ctx = await self._authorized(authorization, exchanges)
            return await self._bounded(call(ctx))

    def rejection(self, task: Task, raised: BaseException) -> Delivery:
        """Settle a task that never went out: making its item of a batch raised this."""
        error = self._error(f"encoding {task.action.slug!r}", raised)
        return self._delivery(task, error, (), (), 0)

    async def _authorized(
        self, authorization: Authorization[S], exchanges: list[Exchange]
    ) -> Context[S]:
        """Make the context of an attempt, with an access token that is good for a while."""
        await authorization.ready()
        self._adopt(authorization)
        return self.context(exchanges)

    def _adopt(self, authorization: Authorization[S]) -> None:
        if self._session is not authorization.session:
            self._session = authorization.session
            self.secrets = authorization.secrets
            self._redactor = Redactor(self.secrets)

    async def _renew(
        self, authorization: Authorization[S], ctx: Context[S], error: DeliveryError | None
    ) -> DeliveryError | None:
        """Renew the token that was refused; None when it is worth another attempt."""
        try:
            return None if await authorization.renew(ctx.access_token) else error
        except DeliveryError as failure:
            return failure

    async def _divide(
        self, entries: Sequence[Entry], number: int, *, renewed: bool = False
    ) -> None:
        """Send entries as one batch; halve it while the destination refuses it as a whole.

        Those whose access token was refused are sent once more, with another one.
        """
        exchanges: list[Exchange] = []
        ctx, outcomes, error = await self._perform(entries, number, exchanges)
        if self._authorization is not None and not renewed:
            refused = [n for n, one in enumerate(outcomes) if is_refused(one.error)]
            if refused:
                failure = await self._renew(self._authorization, ctx, outcomes[refused[0]].error)
                if failure is None:
                    tried = [entries[n] for n in refused]
                    await self._divide(tried, number, renewed=True)
                    left = [n for n in range(len(entries)) if n not in set(refused)]
                    entries, outcomes = [entries[n] for n in left], [outcomes[n] for n in left]
                    error = None
                elif failure is not outcomes[refused[0]].error:
                    outcomes = [
                        Outcome(failure) if n in refused else one for n, one in enumerate(outcomes)
                    ]
        if (
            len(entries) > 1
            and isinstance(error, PermanentError)
            and (
                error.status in DIVISIBLE
                or isinstance(error, InvalidPayload)
                or (isinstance(error, PluginFault) and not _is_taken(exchanges))
            )
        ):
            middle = len(entries) // 2
            await self._divide(entries[:middle], number)
            await self._divide(entries[middle:], number)
            return
        shared = tuple(ctx.warnings)
        for entry, outcome in zip(entries, outcomes, strict=True):
            warnings = shared + entry.item.warnings + outcome.warnings
            entry.delivery = self._delivery(entry.task, outcome.error, warnings, exchanges, number)

    async def _perform(
        self,
        entries: Sequence[Entry],
        number: int,
        exchanges: list[Exchange],
    ) -> tuple[Context[S], Sequence[Outcome], DeliveryError | None]:
        relay = self._relay
        ctx = self.context(exchanges)
        items = [entry.item for entry in entries]
        error: DeliveryError | None = None
        outcomes: Sequence[Outcome] = ()
        started = perf_counter()
        try:
            async with self._gate:
                started = perf_counter()
                if self._authorization is not None:
                    ctx = await self._authorized(self._authorization, exchanges)
                if entries[0].task.is_scoped:  # then all are: batches do not mix them
                    ctx.within(self.scope([entry.task for entry in entries]))
                answer = await self._bounded(relay.perform_batch(ctx, items))
            outcomes = checked(answer, len(items), f"{self._slug}: {items[0].action.slug}")
            for outcome in outcomes if answer is not None else ():
                if outcome.error is not None:
                    self._redactor.error(outcome.error)
        except BaseException as raised:  # noqa: BLE001  a plugin may raise anything
            error = self._error(items[0].action.slug, raised)
        said = [one.error for one in outcomes] if error is None else [error]
        self._gate.learn(said, _seconds(exchanges))
        seconds = perf_counter() - started
        if self._is_watched:
            tasks = [entry.task for entry in entries]
            self._attempted(tasks, exchanges, number, seconds, error)
        return ctx, outcomes if error is None else [Outcome(error)] * len(items), error

    def _attempted(
        self,
        tasks: Sequence[Task],
        exchanges: Sequence[Exchange],
        number: int,
        seconds: float,
        error: DeliveryError | None,
    ) -> None:
        """Tell who watches attempts."""
        relay, watch = self._relay, self._watch
        if isinstance(error, Paused):
            return
        attempt = Attempt(self.connection.name, tasks, exchanges, number, seconds, error)
        if watch is not None:
            watch(attempt)
        if relay.watches_attempts:
            relay.attempt_finished(attempt)

    def _bounded(self, call: Awaitable[T]) -> Awaitable[T]:
        """Give a call of the plugin its deadline, if there is one."""
        if self._deadline is None:
            return call
        return within(self._deadline, call, lambda: self._is_broken_off)

    def _error(self, what: str, raised: BaseException) -> DeliveryError:
        """Turn whatever a plugin raised into an error of the delivery, unless it was not its own.

        Somebody's Ctrl-C goes on, and so does a cancellation that came from outside; one that the
        plugin made up, or an exit, would end others' deliveries too.
        """
        if isinstance(raised, DeliveryError):
            return self._redactor.error(raised)
        task = asyncio.current_task()
        cancelled = isinstance(raised, asyncio.CancelledError)
        if isinstance(raised, KeyboardInterrupt) or (cancelled and task and task.cancelling()):
            raise raised
        return self._fault(what, raised)

    def _fault(self, what: str, raised: BaseException) -> DeliveryError:
        if isinstance(raised, TimeoutError):
            return RetryableError(f"{self._slug}: {what} timed out", code="REQUEST_TIMEOUT")
        return plugin_fault(f"{self._slug}: {what}", raised, self._redactor.text)

    def _shown(self, warnings: Sequence[str]) -> tuple[str, ...]:
        """Blank out secrets in warnings: a plugin may quote an answer, or its settings."""
        return tuple([self._redactor.text(str(one)) for one in warnings])

    def _delivery(
        self,
        task: Task,
        error: DeliveryError | None,
        warnings: tuple[str, ...],
        exchanges: Sequence[Exchange],
        number: int,
    ) -> Delivery:
        return Delivery(
            task.event,
            self.connection.name,
            task.subscription,
            task.action.slug,
            task.payload,
            error,
            self._shown(warnings) if warnings else (),
            exchanges,
            number - isinstance(error, Paused),
            self.secrets,
        )


def _seconds(exchanges: Sequence[Exchange]) -> float:
    """Return how long the requests of an attempt took."""
    return sum([one.seconds for one in exchanges])


def _is_taken(exchanges: Sequence[Exchange]) -> bool:
    """Tell whether the destination has said yes to something of a batch."""
    return any(one.response is not None and one.response.ok for one in exchanges)
