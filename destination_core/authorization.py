"""The access token of one connection: renewed once, however many ask for it."""

import asyncio
import copy
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Generic, TypeVar

from destination_core.connection import Connection
from destination_core.context import Context
from destination_core.credentials import EARLY, AccessToken, OAuth2
from destination_core.errors import (
    ConfigurationError,
    DeliveryError,
    InvalidAuthentication,
    PermanentError,
    RetryableError,
    plugin_fault,
)
from destination_core.http import Client, Session
from destination_core.http.redaction import Redactor
from destination_core.schema import Settings

S = TypeVar("S", bound=Settings)

log: Final = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds for which a refusal stands: neither a failed renewal is repeated at once, nor a token
renewed that was made just now."""


class Authorization(Generic[S]):
    """Keeps the token of a connection fresh, and a session that sends it.

    ``session`` has the headers that ``extend_request`` makes of ``token``; ``secrets`` are the
    connection's with those of the token. ``clock`` gives Unix seconds; ``deadline`` is how many
    seconds a renewal may take, and anybody wait for one.
    """

    def __init__(
        self,
        connection: Connection[S],
        session: Session,
        clock: Callable[[], float],
        *,
        deadline: float | None = None,
    ) -> None:
        self.connection = connection
        self.session = session
        self.token: AccessToken | None = None
        self.secrets = connection.secrets
        self._clock = clock
        self._deadline = deadline
        self._renewing: asyncio.Task[None] | None = None
        self._made_at: float | None = None
        self._failure: tuple[float, DeliveryError] | None = None
        declared = connection.relay.destination.authentication
        self._early = declared.early if isinstance(declared, OAuth2) else EARLY

    async def ready(self) -> None:
        """Have a token that does not end soon; raises what a renewal raises."""
        token, now = self.token, self._clock()
        # one that ends soon although it was made just now will not be better for being made anew
        early = 0.0 if self._is_recent(self._made_at) else self._early
        if token is None or token.ends_before(now + early):
            await self._renewed()

    async def renew(self, refused: AccessToken | None) -> bool:
        """Have another token than the one that was refused; False when that is of no use.

        Raises ``InvalidAuthentication`` when the destination will not give one, and
        ``RetryableError`` when it cannot be asked now.
        """
        if self.token is refused:
            if self._is_recent(self._made_at):
                return False
            await self._renewed()
        return True

    async def close(self) -> None:
        """Wait for a renewal that is under way: a new refresh token must not be lost."""
        if self._renewing is not None:
            await asyncio.wait([self._renewing])

    def _is_recent(self, moment: float | None) -> bool:
        """Tell whether something was just now; what is in the future was before a clock was set."""
        return moment is not None and 0 <= self._clock() - moment < PATIENCE

    async def _renewed(self) -> None:
        """Renew the token, together with everybody who waits for the same."""
        if self._failure is not None:
            at, error = self._failure
            if self._is_recent(at):
                raise copy.copy(error)
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(self.token))
            self._renewing.add_done_callback(self._ended)
        try:  # the renewal's own deadline does not end one that swallows its cancellation
            async with asyncio.timeout(self._deadline):
                # one who stops waiting must not stop the others
                await asyncio.shield(self._renewing)
        except TimeoutError:
            raise self._late() from None

    def _late(self) -> RetryableError:
        slug = self.connection.relay.destination.slug
        return RetryableError(f"{slug}: refresh_access_token timed out", code="REQUEST_TIMEOUT")

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._renewing = None
        error = None if task.cancelled() else task.exception()
        self._failure = (self._clock(), error) if isinstance(error, DeliveryError) else None

    async def _renew(self, refused: AccessToken | None) -> None:
        connection = self.connection
        store, name, origin = connection.tokens, connection.name, connection.origin
        async with store.exclusive(name):
            kept = await store.load(name, origin)
            if kept is not None and kept != refused:
                self._take(kept)  # from an earlier run, or another process was faster
                if not kept.ends_before(self._clock() + self._early):
                    return
            made = await self._ask(kept or refused)
            self._made_at = self._clock()
            try:
                await store.save(name, origin, made)
            except OSError as error:
                log.error("%s: its access token cannot be kept: %s", name, error.strerror)  # noqa: TRY400
        self._take(made)

    def _take(self, token: AccessToken) -> None:
        connection = self.connection
        secrets = connection.secrets | token.secrets
        try:
            options = connection.relay.extend_request(connection.settings, token)
        except ConfigurationError as error:
            raise InvalidAuthentication(Redactor(secrets).text(str(error))) from None
        except Exception as error:  # noqa: BLE001  a plugin may raise anything, the new token too
            what = f"{connection.relay.destination.slug}: extend_request"
            fault = plugin_fault(what, error, Redactor(secrets).text)
            raise InvalidAuthentication(str(fault), code=fault.code) from None
        self.session = self.session.renewed(options, secrets)
        self.secrets = secrets
        self.token = token

    async def _ask(self, old: AccessToken | None) -> AccessToken:
        """Let the plugin renew the token; every refusal is one of the credentials."""
        connection = self.connection
        slug = connection.relay.destination.slug
        ctx = Context(connection.settings, Client(self.session, []), self._clock)
        ctx.access_token = old
        clean = Redactor(self.secrets)
        try:
            async with asyncio.timeout(self._deadline):  # a token that comes late is one, too
                made: object = await connection.relay.refresh_access_token(ctx)
        except PermanentError as error:
            raise InvalidAuthentication(
                clean.text(f"{slug}: the access token cannot be renewed: {error}"),
                detail=clean.error(error).detail,
                status=error.status,
            ) from None
        except DeliveryError as error:
            raise clean.error(error) from None
        except TimeoutError:
            raise self._late() from None
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            fault = plugin_fault(f"{slug}: refresh_access_token", error, clean.text)
            raise InvalidAuthentication(str(fault), code=fault.code) from None
        if not isinstance(made, AccessToken):
            raise InvalidAuthentication(
                f"{slug}: refresh_access_token must return a destination_core.AccessToken,"
                f" not {type(made).__name__}",
                code="PLUGIN_ERROR",
            )
        if made.refresh_token is None and old is not None:
            made = AccessToken(made.value, old.refresh_token, made.expires_at)
        return made


def is_refused(error: DeliveryError | None) -> bool:
    """Tell whether another access token may help: 403 speaks of rights, which a new one lacks.

    401 says so in every error; one that an action raises itself need not have a status.
    """
    if error is None:
        return False
    if error.status is None:
        return isinstance(error, InvalidAuthentication)
    return error.status == HTTPStatus.UNAUTHORIZED
