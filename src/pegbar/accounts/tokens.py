"""Access and refresh tokens. Source: spec accounts, "Tokens"."""

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec

from pegbar.config import settings
from pegbar.core.errors import TokenError, Unauthorized
from pegbar.core.http.access import Token, TokenType
from pegbar.core.ids import id_of

ACCESS_LIFETIME = timedelta(days=7)
REFRESH_LIFETIME = timedelta(days=15)
_ALGORITHM = "HS256"


def _now() -> int:
    return int(time.time())


def sign(claims: dict[str, Any]) -> str:
    """A signed token with these claims."""
    return jwt.encode(claims, settings().secret_key, algorithm=_ALGORITHM)


def _claims(person_id: UUID, kind: TokenType, identity: str, expires: int | None, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    # `iat` has a fraction, so that a token made right after a password change is told from one made right before.
    claims = {
        "fresh": False,
        "iat": round(now, 6),
        "nbf": int(now),
        "jti": str(uuid4()),
        "type": kind,
        "sub": str(person_id),
    }
    claims |= {"identity_type": identity, **{key: value for key, value in more.items() if value}}
    return claims if expires is None else claims | {"exp": expires}


def session(person_id: UUID, *, requires_2fa_setup: bool = False, skip_2fa_setup: bool = False) -> tuple[str, str]:
    """The access and refresh tokens of a new session."""
    marks = {"requires_2fa_setup": requires_2fa_setup, "skip_2fa_setup": skip_2fa_setup}
    refresh = _claims(person_id, "refresh", "person", _now() + int(REFRESH_LIFETIME.total_seconds()), **marks)
    return access(person_id, refresh["jti"], **marks), sign(refresh)


def access(person_id: UUID, refresh_jti: str, **marks: bool) -> str:
    """An access token of the session that a refresh token began."""
    expires = _now() + int(ACCESS_LIFETIME.total_seconds())
    return sign(_claims(person_id, "access", "person", expires, refresh_jti=refresh_jti, **marks))


def api_token(person_id: UUID, *, is_bot: bool, until: date | None) -> tuple[str, str]:
    """An API token that lasts until the end of a UTC day, or for ever; the token and its jti."""
    expires = None
    if until is not None:
        expires = int(datetime(until.year, until.month, until.day, 23, 59, 59, tzinfo=UTC).timestamp())
    claims = _claims(person_id, "access", "bot" if is_bot else "person_api", expires)
    return sign(claims), claims["jti"]


@lru_cache(20_000)
def _verified(token: str, key: str) -> Token:
    """The claims of a token whose signature is right. A pure function: expiry is checked at each use."""
    claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        options={
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
            "verify_sub": False,
        },
    )
    claims.setdefault("identity_type", "")
    verified = msgspec.convert(claims, Token)
    # Each request looks things up by it several times.
    return msgspec.structs.replace(verified, sub=id_of(str(verified.sub)))


def verify(token: str, expected: TokenType = "access") -> Token:
    """The claims of a valid token. Raises TokenError (422) or Unauthorized (401, expired)."""
    try:
        claims = _verified(token, settings().secret_key)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
        raise TokenError("The token is invalid.", status=422) from None
    if claims.exp is not None and claims.exp <= _now():
        raise Unauthorized("Signature has expired")
    if claims.type != expected:
        only = "Only non-refresh tokens are allowed" if expected == "access" else "Only refresh tokens are allowed"
        raise TokenError(only, status=422)
    return claims
