"""Webhooks as they arrive: whether they come from the server. Source: the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from pegbar.client.errors import PegbarError


class Forged(PegbarError):
    """A message that is not signed by whoever has the secret, or an old one sent once more."""


def verified(secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = 300) -> Any:
    """The JSON of a webhook's request. Raises Forged; it may be `tolerance` seconds old."""
    names = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp = names["webhook-id"], names["webhook-timestamp"]
        signatures = [part.partition(",") for part in names["webhook-signature"].split()]
        age = abs(time.time() - int(stamp))
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except (KeyError, ValueError):
        raise Forged("It has no signature that can be read.") from None
    signature = base64.b64encode(hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)).decode()
    if not any(version == "v1" and hmac.compare_digest(value, signature) for version, _, value in signatures):
        raise Forged("It is not signed with this secret.")
    if age > tolerance:
        raise Forged(f"It was signed {age:.0f} seconds ago, or this clock is wrong.")
    return json.loads(body)
