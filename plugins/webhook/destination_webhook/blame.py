"""Whose fault it is when a request fails: that of the settings, or of the URL that one event gave.

What is wrong with the settings makes all events wait. An event's own URL must not do that: who may
send events could choose it.
"""

from typing import Final
from urllib.parse import urlsplit

import destination_core as dc

OF_THE_HOST: Final = frozenset({"REFUSED_ADDRESS", "NETWORK_ERROR"})
"""Codes of what is wrong with a host, whichever URL of it is asked."""


def blamed(error: dc.DeliveryError, url: str, configured: str) -> dc.DeliveryError:
    """Return an error as it is for an event sent to a URL, where the settings have another one.

    What would pause the destination ends the event instead, unless it concerns the host that both
    have; the wait that another host asks for is left out.
    """
    same = origin(url) == origin(configured)
    if isinstance(error, dc.SetupError):
        of_the_host = isinstance(error, dc.InvalidAuthentication) or error.code in OF_THE_HOST
        return error if url == configured or (same and of_the_host) else _ended(error)
    if error.code == "PAUSED":  # nothing was sent: the runner's own, and nobody's fault
        return error
    if isinstance(error, dc.RetryableError) and error.retry_after is not None and not same:
        return dc.RetryableError(
            str(error), detail=error.detail, code=error.code, status=error.status
        )
    return error


def _ended(error: dc.SetupError) -> dc.PermanentError:
    what = str(error).partition(";")[0]  # the rest is advice about settings
    said = f"the URL that the mapping gives is of no use: {what}"
    kind = dc.InvalidPayload if error.status is None else dc.PermanentError
    return kind(said, detail=error.detail, code=error.code, status=error.status)


def origin(url: str) -> tuple[str, str]:
    """Return scheme and host with port, in the one spelling."""
    try:
        parts = urlsplit(url)
        usual = {"http": 80, "https": 443}.get(parts.scheme.lower())
        return parts.scheme.lower(), f"{parts.hostname}:{parts.port or usual}"
    except ValueError:
        return "", url
