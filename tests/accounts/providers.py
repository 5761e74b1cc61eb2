"""Providers that people sign in with: a real one, and one that forges what it is told to."""

import base64
import html
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from defusedxml.ElementTree import fromstring

from tests.server import free_port

PASSWORD = "a long password"

needs_xmlsec = pytest.mark.skipif(
    shutil.which("xmlsec1") is None, reason="SAML needs the program xmlsec1: apt-get install xmlsec1"
)


def _plain(value: str) -> str:
    return html.unescape(value)


class Real:
    """nanoidp: a provider of OpenID Connect and SAML, as people meet it."""

    def __init__(self, users: dict[str, dict[str, Any]]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.discovery = f"{self.url}/.well-known/openid-configuration"
        self.saml_metadata = f"{self.url}/saml/metadata"
        self._folder = Path(tempfile.mkdtemp(prefix="pegbar-idp-"))
        client = {"client_id": "pegbar", "client_secret": "the-clients-secret"}
        document = {
            "config_version": 1,
            "server": {"host": "127.0.0.1", "port": self.port},
            "oauth": {"issuer": self.url, "audience": "pegbar", "token_expiry_minutes": 60, "clients": [client]},
            "saml": {"export_groups": True, "groups_attr_name": "groups"},
            "jwt": {"keys_dir": str(self._folder / "keys")},
        }
        people = {"config_version": 1, "users": {name: {"password": PASSWORD, **row} for name, row in users.items()}}
        # JSON is YAML.
        (self._folder / "settings.yaml").write_text(json.dumps(document))
        (self._folder / "users.yaml").write_text(json.dumps(people))
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Real":
        command = [sys.executable, "-m", "nanoidp", "--config", str(self._folder), "--port", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                said = (self._folder / "log").read_text(errors="replace")
                assert self.process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)


class Browser(requests.Session):
    """Somebody with a browser: follows links and fills forms in."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Accept"] = "text/html,application/xhtml+xml"

    def sign_in(self, url: str, user: str) -> requests.Response:
        """From the login address to the provider, through its form, and back: the answer that ends it, not followed."""
        answer = self.get(url, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text
        answer = self.get(answer.headers["location"], timeout=60)
        assert answer.status_code == 200, answer.text
        answer = self.post(answer.url, data=_form(answer.text, user), allow_redirects=False, timeout=60)
        if answer.status_code in (302, 303):
            return self.get(answer.headers["location"], allow_redirects=False, timeout=60)
        return self.post_answer(answer)

    def post_answer(self, page: requests.Response) -> requests.Response:
        """Send the form on that a SAML provider answers with."""
        action = re.search(r'<form[^>]*action="([^"]*)"', page.text)
        assert action is not None, page.text
        return self.post(_plain(action[1]), data=_inputs(page.text), allow_redirects=False, timeout=60)


def _inputs(page: str) -> dict[str, str]:
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name[1]] = _plain(value[1]) if value else ""
    return fields


def _form(page: str, user: str) -> dict[str, str]:
    return {**_inputs(page), "username": user, "password": PASSWORD}


# Forged


class Key:
    """A key with its certificate."""

    def __init__(self, name: str = "forger") -> None:
        self.id = uuid.uuid4().hex
        self.private = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self.private, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.certificate = certificate.public_bytes(pem).decode()
        self.pem = self.private.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.public_pem = (
            self.private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        )

    @property
    def jwk(self) -> dict[str, Any]:
        return {
            **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key())),
            "kid": self.id,
            "use": "sig",
        }

    @property
    def certificate_body(self) -> str:
        return "".join(self.certificate.splitlines()[1:-1])


class Forger:
    """A provider of both protocols on a port of its own, whose every answer tests decide."""

    def __init__(self) -> None:
        self.keys = [Key()]
        #: What the token endpoint answers, given the form it gets; tests replace it.
        self.answer: Callable[[dict[str, str]], tuple[int, dict[str, Any]]] = lambda _: (400, {"error": "unset"})
        self.userinfo: dict[str, Any] = {}
        self.discovered: dict[str, Any] = {}
        #: Requests, by path.
        self.seen: list[str] = []
        self.authorization = ""
        #: Whether every document is 503.
        self.broken = False
        forger = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                forger.seen.append(self.path)
                if forger.broken:
                    self._send(503, b"{}")
                elif self.path == "/elsewhere":
                    self._send(302, b"", Location=forger.discovery)
                elif self.path == "/metadata":
                    self._send(200, forger.metadata().encode(), "application/xml")
                else:
                    documents: dict[str, Any] = {
                        "/.well-known/openid-configuration": forger.discovery_document(),
                        "/keys": {"keys": [key.jwk for key in forger.keys]},
                        "/userinfo": forger.userinfo,
                    }
                    known = documents.get(self.path)
                    self._send(200 if known is not None else 404, json.dumps(known).encode())

            def do_POST(self) -> None:
                forger.seen.append(self.path)
                forger.authorization = self.headers.get("authorization", "")
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, answer = forger.answer(dict(parse_qsl(body)))
                self._send(status, json.dumps(answer).encode())

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.discovery = f"{self.url}/.well-known/openid-configuration"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    # OpenID Connect

    def discovery_document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=1",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.discovered,
        }

    def claims(self, location: str, **claims: Any) -> dict[str, Any]:
        """The claims of a right id token, for whoever was sent to this address."""
        now, query = int(time.time()), dict(parse_qsl(urlsplit(location).query))
        right = {
            "iss": self.url,
            "aud": query["client_id"],
            "sub": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            "email_verified": True,
            "given_name": "Lee",
            "family_name": "Ufan",
        }
        return {name: value for name, value in {**right, **claims}.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Key | None = None, **header: Any) -> str:
        key = key or self.keys[0]
        return jwt.encode(claims, key.pem, algorithm="RS256", headers={"kid": key.id, **header})

    def gives(self, token: object, **more: Any) -> None:
        """Answer the next codes with this id token."""
        self.answer = lambda _: (200, {"id_token": token, "access_token": "opaque", "token_type": "Bearer", **more})

    # SAML

    def metadata(self) -> str:
        keys = "".join(
            f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{key.certificate_body}'
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            for key in self.keys
        )
        return (
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{self.url}/idp">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            f'{keys}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{self.url}/sso?tenant=1"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )


def request_of(location: str) -> dict[str, str]:
    """The SAML request in an address: its attributes."""
    field = parse_qs(urlsplit(location).query)["SAMLRequest"][0]
    return dict(fromstring(zlib.decompress(base64.b64decode(field), -15)).attrib)


class Assertion:
    """A SAML answer, right until a test changes it."""

    def __init__(self, forger: Forger, service: str, consumer: str, request: str | None, email: str) -> None:
        self.forger, self.key = forger, forger.keys[0]
        self.issuer, self.audience = f"{forger.url}/idp", service
        self.destination = self.recipient = consumer
        self.request = self.confirmed_request = request
        self.email = email
        self.id, self.response_id = f"a{uuid.uuid4().hex}", f"r{uuid.uuid4().hex}"
        self.issued = datetime.now(UTC)
        self.not_before, self.until = self.issued - timedelta(minutes=1), self.issued + timedelta(minutes=5)
        self.method = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
        self.attributes: dict[str, list[str]] = {}
        self.algorithm, self.digest = "rsa-sha256", "sha256"
        self.status = "urn:oasis:names:tc:SAML:2.0:status:Success"

    def assertion(self) -> str:
        asked = f' InResponseTo="{self.confirmed_request}"' if self.confirmed_request else ""
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{html.escape(value)}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        statement = f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>" if attributes else ""
        audience = (
            f"<saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction>"
            if self.audience
            else ""
        )
        return (
            f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{self.id}" Version="2.0" '
            f'IssueInstant="{_stamp(self.issued)}"><saml:Issuer>{self.issuer}</saml:Issuer>'
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"></ds:Signature>'
            f"<saml:Subject><saml:NameID>{self.email}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{self.method}"><saml:SubjectConfirmationData '
            f'NotOnOrAfter="{_stamp(self.until)}" Recipient="{self.recipient}"{asked}/></saml:SubjectConfirmation>'
            f'</saml:Subject><saml:Conditions NotBefore="{_stamp(self.not_before)}" '
            f'NotOnOrAfter="{_stamp(self.until)}">{audience}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{_stamp(self.issued)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>"
            f"</saml:AuthnStatement>{statement}</saml:Assertion>"
        )

    def signed(self) -> str:
        """The assertion with its signature."""
        from lxml import etree
        from signxml import XMLSigner, methods

        class Signer(XMLSigner):
            def check_deprecated_methods(self) -> None:
                """Tests sign in old ways, too."""

        signer = Signer(
            method=methods.enveloped,
            signature_algorithm=self.algorithm,
            digest_algorithm=self.digest,
            c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
        )
        root = etree.fromstring(self.assertion())
        done = signer.sign(root, key=self.key.pem, cert=self.key.certificate, reference_uri=f"#{self.id}")
        return str(etree.tostring(done, encoding="unicode"))

    def unsigned(self) -> str:
        return re.sub(r"<ds:Signature.*?</ds:Signature>", "", self.assertion())

    def response(self, content: str | None = None) -> str:
        asked = f' InResponseTo="{self.request}"' if self.request else ""
        to = f' Destination="{self.destination}"' if self.destination else ""
        return (
            '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
            f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{self.response_id}" Version="2.0" '
            f'IssueInstant="{_stamp(self.issued)}"{to}{asked}><saml:Issuer>{self.issuer}</saml:Issuer>'
            f'<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status>'
            f"{self.signed() if content is None else content}</samlp:Response>"
        )


def encoded(response: str) -> str:
    return base64.b64encode(response.encode()).decode()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
