"""What every request of a connection has in common."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from destination_core.errors import InvalidSettings, PluginError, SetupError
from destination_core.http.addresses import Base
from destination_core.http.guard import Guard
from destination_core.http.headers import LINE_BREAK, NAME
from destination_core.http.rate import Rate

if TYPE_CHECKING:
    from destination_core.http.transport import Transport


MASKED: Final = "**********"
"""What pydantic writes for a ``SecretStr``."""


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What ``extend_request`` adds to every request of a connection.

    ``base_url`` is put in front of paths; ``headers`` go with every request; ``timeout`` (the
    total, default: the transport's, 10) and ``connect_timeout`` (5) are in seconds. Redirects are
    not followed unless ``allow_redirects`` says so, and never to another host: credentials would
    go with them. ``public_only`` is for URLs that users supply: requests go to public addresses
    only, and to ``allowed_networks`` (CIDR), which the operator sets. ``requests_per_second``
    bounds the rate of the connection; bursts are those of a tenth of a second. Raises
    ``InvalidSettings`` for a URL or a header that cannot be used, ``PluginError`` for one that the
    plugin made wrong and for a number that is none, ``ValueError`` for a network that is none.
    """

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    allow_redirects: bool = False
    requests_per_second: float | None = None
    connect_timeout: float | None = None
    public_only: bool = False
    allowed_networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            Base(self.base_url)
        except SetupError as error:
            raise InvalidSettings(f"base URL, as extend_request gives it: {error}") from None
        headers: Mapping[str, Any] = self.headers
        for name, value in headers.items():
            if not NAME.fullmatch(name):
                raise PluginError(f"header {name!r} is not a name; use letters and hyphens")
            if not isinstance(value, str):
                raise PluginError(f"header {name!r} is a {type(value).__name__}; give a string")
            if MASKED in value:
                raise PluginError(
                    f"header {name!r} has asterisks in the place of a secret: take the value of a"
                    " SecretStr by .get_secret_value()"
                )
            if LINE_BREAK.search(value):
                raise InvalidSettings(
                    f"header {name!r} would have a line break; look for one in the settings"
                )
        for name in ("timeout", "connect_timeout", "requests_per_second"):
            number = getattr(self, name)
            if number is not None and not number > 0:
                raise PluginError(f"{name} is {number!r}; give a number above 0, or None")


class Session:
    """A transport with the options of one connection, prepared once for many requests.

    ``secrets`` are blanked out of error messages; ``check`` is called before each request with
    whether it is the ``first`` of its attempt, and raises if it is not to be sent.
    """

    __slots__ = (
        "allow_redirects",
        "check",
        "connect_timeout",
        "guard",
        "headers",
        "json_headers",
        "rate",
        "secrets",
        "timeout",
        "transport",
        "url",
    )

    def __init__(
        self, transport: "Transport", options: RequestOptions, secrets: Collection[str] = ()
    ) -> None:
        self.transport = transport
        self.secrets = secrets
        self.check: Callable[[bool], None] = lambda _: None
        self.url = Base(options.base_url).join
        self.timeout = options.timeout
        self.connect_timeout = options.connect_timeout
        self.allow_redirects = options.allow_redirects
        self.guard = Guard.of(options.allowed_networks) if options.public_only else None
        rate = options.requests_per_second
        self.rate = None if rate is None else Rate(rate)
        given = {key.lower() for key in options.headers}
        own = {} if "user-agent" in given else {"User-Agent": user_agent()}
        self.headers: dict[str, str] = {**own, **options.headers}
        self.json_headers = (
            self.headers
            if "content-type" in given
            else {**self.headers, "Content-Type": "application/json"}
        )

    def renewed(self, options: RequestOptions, secrets: Collection[str]) -> "Session":
        """Return a session with other headers that shares transport, guard, check and rate."""
        made = Session(self.transport, options, secrets)
        made.rate = self.rate
        made.guard = self.guard
        made.check = self.check
        return made


@cache
def user_agent() -> str:
    """Return the default `User-Agent`: the distribution's name and version."""
    return f"destination-core/{core_version()}"


@cache
def core_version() -> str:
    """Return the version of the distribution."""
    try:
        return version("destination-core")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"
