"""Plays the sign-in of Active Directory: NTLM as MS-NLMP describes it, and its answers to a right, expired password.

No server that Debian has takes NTLM the way Microsoft's does (MS-ADTS 5.1.1.1.3, "Sicily").
"""

import hashlib
import hmac
import os
import socket
import struct
import threading
from collections.abc import Iterator

#: The NT hash of "Password", from MS-NLMP 4.2.2.1.2.
PASSWORD, _NT_HASH = "Password", bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852")
DOMAIN = "STUDIO"
_SUCCESS, _INVALID = 0, 49
#: Unicode, NTLM, target info, 128 bit, extended session security.
_FLAGS = 0x00000001 | 0x00000200 | 0x00800000 | 0x20000000 | 0x00080000 | 0x02000000


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes([tag]) + length + content


def _read(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of some BER."""
    position = 0
    while position < len(data):
        tag, length, position = data[position], data[position + 1], position + 2
        if length & 0x80:
            size = length & 0x7F
            length, position = int.from_bytes(data[position : position + size]), position + size
        yield tag, data[position : position + length]
        position += length


class ActiveDirectory:
    """A server that lets in the users of its domain who prove the password by NTLM."""

    def __init__(self, *, packages: bytes = b"NTLM", refusal: bytes = b"80090308: LdapErr: DSID-0C090447, data 52e"):
        self.packages, self.refusal = packages, refusal
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.users: list[str] = []

    def __enter__(self) -> "ActiveDirectory":
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _take(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(one,), daemon=True).start()

    def _talk(self, one: socket.socket) -> None:
        challenge, user = os.urandom(8), ""
        with one:
            while data := one.recv(65536):
                [(_, message)] = _read(data)
                (_, message_id), (operation, content), *_ = _read(message)
                if operation == 0x60:  # bind
                    kind, proof = list(_read(content))[2]
                    code, credentials, told = _INVALID, b"", self.refusal
                    if kind & 0x1F == 9:  # which packages are there
                        code, credentials, told = _SUCCESS, self.packages, b""
                    elif kind & 0x1F == 10:  # negotiate
                        code, credentials, told = _SUCCESS, _challenge(challenge), b""
                    elif kind & 0x1F == 11 and (user := _proven(proof, challenge)):
                        code, told = _SUCCESS, b""
                        self.users.append(user)
                    answer = _tlv(0x61, _tlv(0x0A, bytes([code])), _tlv(4, credentials), _tlv(4, told))
                elif operation == 0x77:  # who am I
                    name = f"u:{DOMAIN}\\{user}".encode() if user else b""
                    answer = _tlv(0x78, _tlv(0x0A, b"\0"), _tlv(4), _tlv(4), _tlv(0x8B, name))
                else:
                    return
                one.sendall(_tlv(0x30, _tlv(2, message_id), answer))


def _challenge(challenge: bytes) -> bytes:
    name = DOMAIN.encode("utf-16-le")
    info = struct.pack("<HH", 2, len(name)) + name + struct.pack("<HH", 0, 0)
    fields = struct.pack("<HHI", 0, 0, 56), struct.pack("<HHI", len(info), len(info), 56)
    version = struct.pack("<BBHBBBB", 10, 0, 20348, 0, 0, 0, 15)
    head = b"NTLMSSP\0" + struct.pack("<I", 2) + fields[0] + struct.pack("<I", _FLAGS)
    return head + challenge + bytes(8) + fields[1] + version + info


def _proven(message: bytes, challenge: bytes) -> str:
    """Whose password an AUTHENTICATE message proves to know; nobody's when it does not."""

    def field(at: int) -> bytes:
        length, _, offset = struct.unpack("<HHI", message[at : at + 8])
        return message[offset : offset + length]

    response, domain, user = field(20), field(28).decode("utf-16-le"), field(36).decode("utf-16-le")
    key = hmac.digest(_NT_HASH, (user.upper() + domain).encode("utf-16-le"), hashlib.md5)
    expected = hmac.digest(key, challenge + response[16:], hashlib.md5)
    return user if domain == DOMAIN and hmac.compare_digest(response[:16], expected) else ""
