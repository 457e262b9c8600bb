"""Signatures by which a receiver knows that a request is ours, whole, and not an old one again.

Standard Webhooks 1.0 (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 over id, timestamp and
the exact bytes of the body, in the header ``webhook-signature``. Any of its libraries verifies it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import SecretStr

PREFIX: Final = "whsec_"
"""What a secret in Base64 begins with; any other text is taken as it is, in UTF-8."""

SHORTEST: Final = 24
"""Bytes of a secret; Standard Webhooks, "Secrets": between 24 and 64."""


def key_of(secret: SecretStr) -> bytes:
    """Return the bytes that a secret stands for; raises ``ValueError`` with the reason."""
    text = secret.get_secret_value()
    if text.startswith(PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise ValueError(f"what follows {PREFIX} is not Base64") from None
    else:
        key = text.encode()
    if len(key) < SHORTEST:
        raise ValueError(f"it has {len(key)} bytes; {SHORTEST} are needed")
    return key


def headers_of(
    message: str, now: float, body: bytes, secrets: Sequence[SecretStr]
) -> dict[str, str]:
    """Return the headers that name a message and sign it, once per secret.

    While a secret is changed there are two: the receiver accepts a request that either signed.
    """
    timestamp = str(int(now))
    named = {"webhook-id": message, "webhook-timestamp": timestamp}
    if not secrets:
        return named
    signed = b".".join((message.encode(), timestamp.encode(), body))
    return named | {"webhook-signature": " ".join(_signed(key_of(one), signed) for one in secrets)}


def _signed(key: bytes, content: bytes) -> str:
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def joint_id(messages: Iterable[str]) -> str:
    """Return the id of a batch: the same whenever the same messages are sent together."""
    digest = hashlib.sha256("\n".join(messages).encode("utf-8", "surrogatepass"))
    return f"batch_{digest.hexdigest()[:32]}"
