"""The secrets of webhooks and what is signed with them, by Standard Webhooks (https://www.standardwebhooks.com).

A secret is told once, when it is made. It is kept sealed, since signing needs it, and opens for its webhook alone. The
token of an incoming hook is kept as a keyed hash.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks.webhooks import Webhook

from pegbar.core import sealing

_SEAL, _TOKEN = "webhooks: secrets", "incoming hooks: tokens"


def new_secret() -> str:
    """A secret in the form that libraries of Standard Webhooks read."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def seal(secret: str, webhook_id: UUID) -> bytes:
    """A secret as it is kept."""
    return sealing.seal(sealing.key_for(_SEAL), secret, webhook_id)


def unseal(sealed: bytes, webhook_id: UUID) -> str | None:
    """A secret; None when it was sealed with another SECRET_KEY."""
    return sealing.unseal(sealing.key_for(_SEAL), sealed, webhook_id)


def signed_headers(delivery_id: UUID, body: str, signed_with: Sequence[str], at: datetime) -> dict[str, str]:
    """The headers by which a receiver knows that we sent a body: signed with each secret, the newest first."""
    message_id = f"msg_{delivery_id.hex}"
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in signed_with]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.replace(tzinfo=UTC).timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def new_token() -> str:
    """The token of a new incoming hook."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """A token as it is stored: its keyed hash, 64 characters."""
    return hmac.digest(sealing.key_for(_TOKEN), token.encode(errors="surrogatepass"), "sha256").hex()
