"""The certificates that servers are judged by, read while a command does something else.

To read the usual bundle takes OpenSSL 50 ms and more, and aiohttp has it read twice while it is
imported, also for whoever asks `http://` only. Only this program puts that off: whoever imports
``destination_core`` finds ``ssl`` as it is.
"""

import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from threading import Lock, Thread
from typing import Any, Final

_create: Final = ssl.create_default_context  # in `read_later` the name stands for something else


class Trust(ssl.SSLContext):
    """What ``ssl.create_default_context`` makes, made when it is first used."""

    def __init__(self, *_: Any) -> None:
        self._one = Lock()
        self._protocols: Sequence[str] = ()

    def read(self) -> None:
        """Read the certificates, unless that was done."""
        with self._one:
            self._real  # noqa: B018  made by looking

    @cached_property
    def _real(self) -> ssl.SSLContext:
        made = _create()
        if self._protocols:
            made.set_alpn_protocols(self._protocols)
        return made

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        """Offer these protocols, later."""
        self._protocols = alpn_protocols

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin a handshake, as asyncio does."""
        self.read()
        return self._real.wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Begin a handshake over a socket."""
        self.read()
        return self._real.wrap_socket(*arguments, **options)


@cache
def trust() -> Trust:
    """Return the one of this process."""
    return Trust(ssl.PROTOCOL_TLS_CLIENT)


def begin_reading(urls: Iterable[str]) -> None:
    """Read them in a thread, if one of these will ask for them."""
    if any(url.startswith("https:") for url in urls):
        # no daemon: OpenSSL does not survive the end of the process in the midst of it
        Thread(target=trust().read).start()


@contextmanager
def read_later() -> Iterator[None]:
    """Import aiohttp within this: the contexts that it makes read no certificates meanwhile.

    The one that verifies is ``trust``; the other has no use for them.
    """
    ssl.create_default_context = trust  # type: ignore[assignment]
    ssl.SSLContext.set_default_verify_paths = _to_verify  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        ssl.create_default_context = _create
        del ssl.SSLContext.set_default_verify_paths  # the built-in one of its base is back


def _to_verify(context: ssl.SSLContext) -> None:
    if context.verify_mode is not ssl.CERT_NONE:
        super(ssl.SSLContext, context).set_default_verify_paths()
