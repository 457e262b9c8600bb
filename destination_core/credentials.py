"""OAuth 2: what an access token is, who renews it, and where it is kept."""

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self
from urllib.parse import quote, urlencode

from destination_core.errors import InvalidAuthentication, PermanentError
from destination_core.http import Client, Response

EARLY: Final = 60.0
"""Seconds before its end at which a token is renewed: a request under way must not outlive it."""

TURN_SECONDS: Final = 0.02
"""Between two tries to be the one that renews a token."""


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Say that a destination authenticates with access tokens that end and are renewed.

    The plugin then has the hook ``refresh_access_token``. ``scheme`` is Segment's word for it in
    the catalogue; ``early`` is how many seconds before its end a token is renewed.
    """

    scheme: str = "oauth2"
    early: float = EARLY


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token, what renews it, and when it ends (Unix seconds; None: unknown).

    ``refresh_token`` None keeps the one that was used: servers need not give a new one.
    """

    value: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    @classmethod
    def from_response(cls, response: Response, now: float) -> Self:
        """Read a token endpoint's answer (RFC 6749, section 5.1), received at ``now``.

        Raises ``InvalidAuthentication`` when it holds no access token.
        """
        try:
            said = response.json()
        except ValueError:
            said = None
        value = said.get("access_token") if isinstance(said, Mapping) else None
        if not isinstance(said, Mapping) or not isinstance(value, str) or not value:
            raise InvalidAuthentication("the token endpoint answered without an access_token")
        again, seconds = said.get("refresh_token"), said.get("expires_in")
        try:
            ends = None if seconds is None else now + float(seconds)
        except (TypeError, ValueError):
            ends = None
        return cls(value, again if isinstance(again, str) and again else None, ends)

    @property
    def secrets(self) -> frozenset[str]:
        """What of it must not be shown."""
        return frozenset(one for one in (self.value, self.refresh_token) if one)

    def ends_before(self, moment: float) -> bool:
        """Tell whether it is known to end before a moment."""
        return self.expires_at is not None and self.expires_at < moment


async def refresh_grant(
    http: Client,
    url: str,
    *,
    now: float,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    **more: str,
) -> AccessToken:
    """Ask a token endpoint for a new access token (RFC 6749, section 6); ``more`` goes along.

    The credentials are sent as form fields. Raises ``InvalidAuthentication`` when the endpoint
    refuses them: somebody has to authorise the connection anew.
    """
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
        **more,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "Authorization": None,
    }
    try:
        response = await http.post(url, data=urlencode(form).encode(), headers=headers)
    except PermanentError as error:  # 400 invalid_grant, invalid_client
        raise InvalidAuthentication(
            f"{error}: the refresh token or the client's credentials are not accepted;"
            f" authorise the connection anew",
            detail=error.detail,
            status=error.status,
        ) from error
    return AccessToken.from_response(response, now)


class TokenStore(Protocol):
    """Where the access tokens of connections are kept between runs.

    ``origin`` stands for the credentials that a token was made with: one that was made with others
    is not given back.
    """

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        """Keep everybody else from renewing this connection's token meanwhile."""
        ...

    async def load(self, connection: str, origin: str) -> AccessToken | None:
        """Return the token of a connection, or None."""
        ...

    async def save(self, connection: str, origin: str, token: AccessToken) -> None:
        """Keep the token of a connection."""
        ...


class MemoryTokens:
    """Keeps tokens as long as the program runs; ``tokens`` are there from the start, by name."""

    def __init__(self, tokens: Mapping[str, AccessToken] | None = None) -> None:
        self._given = dict(tokens or {})
        self._kept: dict[tuple[str, str], AccessToken] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        """Keep everybody else from renewing this connection's token meanwhile."""
        return self._locks.setdefault(connection, asyncio.Lock())

    async def load(self, connection: str, origin: str) -> AccessToken | None:
        """Return the token of a connection, or None."""
        return self._kept.get((connection, origin)) or self._given.get(connection)

    async def save(self, connection: str, origin: str, token: AccessToken) -> None:
        """Keep the token of a connection."""
        self._kept[connection, origin] = token


class FileTokens:
    """Keeps tokens in a folder, one file per connection, for the owner's eyes only (0600).

    A file is replaced as a whole and synced, and locked while its token is renewed: processes that
    share the folder renew one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.asynccontextmanager
    async def exclusive(self, connection: str) -> AsyncIterator[None]:
        """Keep everybody else, other processes too, from renewing this token meanwhile."""
        descriptor = await asyncio.to_thread(self._opened, connection)
        try:
            # no thread waits: there are few of them, and whoever has the lock needs one
            while not _is_locked(descriptor):  # noqa: ASYNC110  another process lets go
                await asyncio.sleep(TURN_SECONDS)
            yield
        finally:
            os.close(descriptor)  # which lets go of the lock

    async def load(self, connection: str, origin: str) -> AccessToken | None:
        """Return the token of a connection; None when there is none or it cannot be read."""
        try:
            kept = json.loads(await asyncio.to_thread(self._path(connection).read_bytes))
            if kept.pop("origin") != origin:
                return None
            return AccessToken(**kept)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    async def save(self, connection: str, origin: str, token: AccessToken) -> None:
        """Keep the token of a connection; raises ``OSError``."""
        content = json.dumps({"origin": origin, **asdict(token)}).encode()
        await asyncio.to_thread(self._replace, self._path(connection), content)

    def _path(self, connection: str) -> Path:
        return self._folder / f"{quote(connection, safe='')}.json"

    def _opened(self, connection: str) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(connection).with_suffix(".lock")
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def _replace(self, path: Path, content: bytes) -> None:
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)


def _is_locked(descriptor: int) -> bool:
    """Try to lock a file; tell whether that was possible."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
