"""Sealing what leaves the machine: AES-256-GCM in pieces, so that files of any size take constant memory.

An object begins with a mark and 32 random bytes. Its key is derived (HKDF, SHA-256) from the backup key, these bytes
and the object's path: objects cannot change places. Each piece of 1 MiB is sealed by itself; its nonce holds its number
and whether it is the last, so that pieces cannot be exchanged, repeated, or cut off.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pegbar.core.errors import CannotRun

_MARK = b"pegbar-sealed-1\n"
_SALT, _TAG = 32, 16
PIECE = 1024**2


class Damaged(CannotRun):
    """An object of an archive is not as it was written."""


def pieces_of(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of this size; the last may be shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


class Seal:
    """A backup key and what is made with it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_file(cls, path: Path) -> "Seal":
        """The key of a file made by `make_key`. Raises CannotRun."""
        try:
            text = path.read_bytes().strip()
        except OSError as error:
            raise CannotRun(f"The backup key {path} cannot be read: {error.strerror}.") from None
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise CannotRun(f"{path} holds no backup key: 32 bytes in base64. Make one: pegbar backups key FILE")
        return cls(key)

    def digest(self, purpose: str) -> str:
        """What only this key makes of a text."""
        return hmac.new(self._key, f"pegbar backup {purpose}".encode(), hashlib.sha256).hexdigest()

    def close(self, path: str, plain: Iterable[bytes]) -> Iterator[bytes]:
        """The sealed bytes of an object."""
        salt = os.urandom(_SALT)
        cipher = self._cipher(salt, path)
        yield _MARK + salt
        number, held = 0, b""
        for piece in pieces_of(plain, PIECE):
            if number:
                yield cipher.encrypt(_nonce(number, last=False), held, None)
            number, held = number + 1, piece
        yield cipher.encrypt(_nonce(max(number, 1), last=True), held, None)

    def open(self, path: str, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """The plain bytes of a sealed object, each piece checked before it is given. Raises Damaged."""
        head = bytearray()
        rest = iter(sealed)
        for chunk in rest:
            head += chunk
            if len(head) >= len(_MARK) + _SALT:
                break
        start = len(_MARK) + _SALT
        if len(head) < start or not head.startswith(_MARK):
            raise Damaged(f"{path} of the archive is damaged: it does not begin as a sealed object does.")
        cipher = self._cipher(bytes(head[len(_MARK) : start]), path)
        number, held = 0, b""
        for piece in pieces_of(_joined(bytes(head[start:]), rest), PIECE + _TAG):
            if number:
                yield _opened(cipher, path, number, held, last=False)
            number, held = number + 1, piece
        yield _opened(cipher, path, max(number, 1), held, last=True)

    def _cipher(self, salt: bytes, path: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, f"pegbar backup {path}".encode()).derive(self._key))


def sealed_size(plain: int) -> int:
    """The bytes of a sealed object."""
    return len(_MARK) + _SALT + plain + _TAG * max(-(-plain // PIECE), 1)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _opened(cipher: AESGCM, path: str, number: int, piece: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), piece, None)
    except InvalidTag:
        raise Damaged(f"{path} of the archive is damaged or was changed, in its piece {number}.") from None


def _joined(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def make_key(path: Path) -> None:
    """Write a new backup key into a new file that only its owner reads. Raises CannotRun when the file is there."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CannotRun(f"{path} is there already; a key that is lost is lost with its backups.") from None
    with os.fdopen(file, "wb") as writer:
        writer.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
