"""Security keys (FIDO2, WebAuthn). Source: spec accounts, "Two-factor" and "PUT /auth/fido".

Keys are stored as existing databases hold them: every binary value as a list of integers. The challenge is kept on the
server and works once.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import cbor2
import msgspec
import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from pegbar.accounts import one_time
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import BadRequest

_LIFETIME = timedelta(minutes=5)
_REGISTRATION, _ASSERTION = "fido-registration", "fido-assertion"
#: With this default, the server is not set up for a public name and takes any origin.
_UNSET_DOMAIN = "localhost:8080"
_ALGORITHMS = [COSEAlgorithmIdentifier(number) for number in (-7, -8, -36, -37, -257)]

#: What a malformed or forged answer of a browser raises in the libraries that read it.
_UNUSABLE = (
    WebAuthnException,
    UnsupportedAlgorithm,
    cbor2.CBORDecodeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    struct.error,
)


def relying_party() -> str:
    """The name that keys are bound to: the public host."""
    return settings().domain_name.partition(":")[0]


def encode(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _described(keys: Sequence[Mapping[str, Any]] | None) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": encode(bytes(key["credential_id"]))} for key in keys or ()]


async def registration_options(tx: Transaction, who: asyncpg.Record) -> dict[str, Any]:
    """What a browser needs to make a key for this person."""
    challenge = encode(webauthn.helpers.generate_challenge())
    await one_time.keep(tx, _REGISTRATION, None, challenge, _LIFETIME, person_id=str(who["id"]))
    return {
        "rp": {"name": "Kitsu", "id": relying_party()},
        "user": {
            "name": who["email"],
            "id": encode(str(who["id"]).encode()),
            "displayName": " ".join(filter(None, (who["first_name"], who["last_name"]))),
        },
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm.value} for algorithm in _ALGORITHMS],
        "excludeCredentials": _described(who["fido_credentials"]),
        "authenticatorSelection": {
            "authenticatorAttachment": "cross-platform",
            "residentKey": "discouraged",
            "userVerification": "preferred",
            "requireResidentKey": False,
        },
    }


async def assertion_options(tx: Transaction, who: asyncpg.Record) -> dict[str, Any]:
    """What a browser needs to sign with one of this person's keys."""
    challenge = encode(webauthn.helpers.generate_challenge())
    await one_time.keep(tx, _ASSERTION, None, challenge, _LIFETIME, person_id=str(who["id"]))
    return {
        "challenge": challenge,
        "rpId": relying_party(),
        "allowCredentials": _described(who["fido_credentials"]),
    }


def _client_data(response: Mapping[str, Any]) -> tuple[str, str]:
    """The challenge and the origin that a browser's answer is about."""
    data = msgspec.json.decode(_decode(response["response"]["clientDataJSON"]))
    challenge, origin = data["challenge"], data["origin"]
    if not isinstance(challenge, str) or not isinstance(origin, str):
        raise TypeError("the challenge and the origin are text")
    parts = urlsplit(origin)
    if settings().domain_name != _UNSET_DOMAIN and (parts.scheme, parts.hostname) != ("https", relying_party()):
        raise ValueError("the origin is another site")
    return challenge, origin


async def _use_challenge(db: Database, kind: str, person_id: UUID, challenge: str) -> bool:
    async with db.transaction() as tx:
        kept = await one_time.use(tx, [kind], None, challenge)
    return kept is not None and kept["person_id"] == str(person_id)


async def registered(db: Database, person_id: UUID, response: dict[str, Any], name: str) -> dict[str, Any]:
    """The key that a browser made on our challenge, as it is stored. Raises 400."""
    try:
        challenge, origin = _client_data(response)
    except _UNUSABLE:
        raise BadRequest("registration_response: it cannot be read, or is for another site.") from None
    if not await _use_challenge(db, _REGISTRATION, person_id, challenge):
        raise BadRequest("registration_response: it answers no registration under way. Start again.")
    try:
        verified = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=_decode(challenge),
            expected_rp_id=relying_party(),
            expected_origin=origin,
            supported_pub_key_algs=_ALGORITHMS,
        )
        return {
            "device_name": name,
            "aaguid": list(UUID(verified.aaguid).bytes),
            "credential_id": list(verified.credential_id),
            "public_key": _stored_key(cbor2.loads(verified.credential_public_key)),
        }
    except _UNUSABLE:
        raise BadRequest("registration_response: the key is refused.") from None


async def assertion_is_right(db: Database, who: asyncpg.Record, response: dict[str, Any]) -> bool:
    """Whether one of the person's keys signed our challenge."""
    try:
        challenge, origin = _client_data(response)
        used = _decode(response["rawId"] if "rawId" in response else response["id"])
    except _UNUSABLE:
        return False
    if not await _use_challenge(db, _ASSERTION, who["id"], challenge):
        return False
    key = next((stored for stored in who["fido_credentials"] or () if bytes(stored["credential_id"]) == used), None)
    if key is None:
        return False
    try:
        webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=_decode(challenge),
            expected_rp_id=relying_party(),
            expected_origin=origin,
            credential_public_key=_public_key(key["public_key"]),
            credential_current_sign_count=0,
        )
    except _UNUSABLE:
        return False
    return True


def _stored_key(key: Mapping[int, Any]) -> dict[str, Any]:
    return {str(label): list(value) if isinstance(value, bytes) else value for label, value in key.items()}


def _public_key(stored: Mapping[str, Any]) -> bytes:
    """The COSE form of a stored key."""
    return cbor2.dumps({int(label): bytes(v) if isinstance(v, list) else v for label, v in stored.items()})
