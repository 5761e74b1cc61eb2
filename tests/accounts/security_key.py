"""A security key as browsers offer it: what it answers to a registration and to a sign-in (WebAuthn, ES256)."""

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class SecurityKey:
    """A key that holds one credential. Options and answers are as scripts see them: binary values are bytes."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(32)
        self._user: bytes | None = None
        self._uses = 0

    def create(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Register with a server."""
        wanted = options["publicKey"]
        assert {"alg": -7, "type": "public-key"} in wanted["pubKeyCredParams"]
        self._user = wanted["user"]["id"]
        numbers = self._private.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, **point})
        credential = bytes(16) + len(self._id).to_bytes(2) + self._id + key
        data = self._data(wanted["rp"]["id"], 0x41) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": _client("create", wanted, origin), "attestationObject": attestation})

    def get(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Sign in at a server."""
        wanted = options["publicKey"]
        self._uses += 1
        client, data = _client("get", wanted, origin), self._data(wanted["rpId"], 0x01)
        signed = self._private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"authenticatorData": data, "clientDataJSON": client, "signature": signed, "userHandle": self._user}
        return self._answer(response)

    def _data(self, party: str, flags: int) -> bytes:
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self._uses.to_bytes(4)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        id_ = urlsafe_b64encode(self._id)
        return {"id": id_, "rawId": self._id, "response": response, "type": "public-key"}


def _client(kind: str, wanted: dict[str, Any], origin: str) -> bytes:
    return json.dumps({"type": f"webauthn.{kind}", "challenge": _text(wanted["challenge"]), "origin": origin}).encode()
