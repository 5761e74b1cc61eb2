"""Secrets that are kept so that only this server's key opens them: a copy of the database alone tells none.

key = key_for("webhooks: secrets")
sealed = seal(key, secret, about=webhook_id)
"""

import secrets
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pegbar.config import settings

_NONCE = 12


@lru_cache
def _derived(secret_key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"pegbar {purpose}".encode()).derive(secret_key.encode())


def key_for(purpose: str) -> bytes:
    """The key for a purpose, made from SECRET_KEY."""
    return _derived(settings().secret_key, purpose)


def seal(key: bytes, text: str, about: UUID) -> bytes:
    """A text that only the key opens, for this row alone."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), about.bytes)


def unseal(key: bytes, sealed: bytes, about: UUID) -> str | None:
    """The text; None when it was sealed with another key or for another row."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.bytes).decode()
    except (InvalidTag, ValueError):
        return None
