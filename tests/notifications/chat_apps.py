"""Slack, Discord and a Mattermost server, played on this machine.

The server under test calls Slack and Discord at their own addresses: it is given this as its proxy, and trusts the
authority that signs what stands for them here. Mattermost is at the address that the organisation's settings name.
"""

import datetime
import json
import queue
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_ANSWERS = (
    ("/api/chat.postMessage", {"ok": True}),
    ("/api/v10/users/@me/guilds", [{"id": "1"}]),
    (
        "/api/v10/guilds/1/members/search",
        [{"user": {"id": "41", "username": "adam"}}, {"user": {"id": "42", "username": "Ada"}}],
    ),
    ("/api/v10/users/@me/channels", {"id": "77"}),
    ("/api/v10/channels/77/messages", {"id": "5"}),
    ("/hooks/", "ok"),
)


class Call(NamedTuple):
    """What an app was asked."""

    host: str
    path: str
    authorization: str | None
    body: Any


class ChatServer:
    """Plays the apps. `answers` of a path are given first, in their order: (status, headers, body)."""

    def __init__(self, folder: Path) -> None:
        self._calls: queue.Queue[Call] = queue.Queue()
        self._heard: list[Call] = []
        self.answers: dict[str, list[tuple[int, dict[str, str], Any]]] = {}
        self.trusted = folder / "authority.pem"
        self.context = _context(folder, self.trusted)
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self, path: str) -> Call:
        """The next call of this path, whatever else is called before it."""
        while True:
            for call in self._heard:
                if call.path.partition("?")[0] == path:
                    self._heard.remove(call)
                    return call
            self._heard.append(self._calls.get(timeout=30))

    def rest(self) -> list[str]:
        """The paths of the calls that nobody took."""
        self._heard += [self._calls.get() for _ in range(self._calls.qsize())]
        rest, self._heard = [call.path.partition("?")[0] for call in self._heard], []
        return rest

    def heard(self, call: Call) -> None:
        """Keep a call."""
        self._calls.put(call)


def _handler(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = "mattermost"

        def log_message(self, *_: object) -> None:
            pass

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.host = self.path.partition(":")[0]
            self.connection = server.context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
            self.close_connection = False

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = self.path.partition("?")[0]
            scripted = server.answers.get(path)
            status, headers, answer = (
                scripted.pop(0) if scripted else (200, {}, next(a for start, a in _ANSWERS if path.startswith(start)))
            )
            server.heard(Call(self.host, self.path, self.headers.get("authorization"), body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

    return Handler


def _context(folder: Path, trusted: Path) -> ssl.SSLContext:
    """A certificate for the apps, and the authority that signs it."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "slack.com")]

    def signed(subject: int, *extensions: tuple[x509.ExtensionType, bool]) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=names[subject],
            public_key=keys[subject].public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        return builder.add_extension(issuer, False).sign(keys[0], hashes.SHA256())

    usage = {
        name: name in ("key_cert_sign", "crl_sign")
        for name in (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        )
    }
    authority = signed(
        0,
        (x509.BasicConstraints(True, None), True),
        (x509.KeyUsage(**usage), True),
        (x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key()), False),
    )
    apps = x509.SubjectAlternativeName([x509.DNSName(name) for name in ("slack.com", "discord.com")])
    leaf = signed(1, (x509.BasicConstraints(False, None), True), (apps, False))
    trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    certificate = folder / "apps.pem"
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
