"""The files of deploy/: each is looked at by the program that reads it, and nginx's stands before a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pegbar.config import Settings
from pegbar.environment import described
from tests.command import pegbar
from tests.server import Server, free_port

_DEPLOY = Path(__file__).parents[2] / "deploy"
_VARIABLES = {name for rows in described(Settings()).values() for row in rows for name in row.variables}


def _program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{Path(sys.executable).parent}")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def test_the_unit_of_systemd(tmp_path: Path) -> None:
    analyze = _program("systemd-analyze")
    unit = (_DEPLOY / "pegbar.service").read_text().replace("/opt/pegbar/bin/pegbar", "/bin/true")
    (tmp_path / "pegbar.service").write_text(unit)
    done = subprocess.run([analyze, "verify", tmp_path / "pegbar.service"], capture_output=True, text=True, check=False)
    about = [line for line in done.stderr.splitlines() if "pegbar.service" in line]
    assert about == [], done.stderr


def test_the_dockerfile() -> None:
    done = subprocess.run([_program("hadolint"), _DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    text = (_DEPLOY / "Dockerfile").read_text()
    assert text.count("\nFROM ") + text.startswith("FROM ") == 2
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for word in line.split()}
    ignored = (_DEPLOY / "Dockerfile.dockerignore").read_text()
    for name in copied:
        assert (_DEPLOY.parent / name).exists(), name
        assert f"!{name}" in ignored.splitlines(), name


def test_settings_that_are_named_there_are() -> None:
    compose = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"database", "schema", "pegbar"}
    assert services["pegbar"]["environment"] == services["schema"]["environment"]
    named = set(services["pegbar"]["environment"])
    named |= set(re.findall(r"^([A-Z_]+)=", (_DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    named |= set(re.findall(r"(PEGBAR_\w+)=", (_DEPLOY / "pegbar.service").read_text()))
    named |= set(re.findall(r"^ {4}(PEGBAR_\w+)=", (_DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    assert named <= _VARIABLES, named - _VARIABLES
    for name, service in services.items():
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in compose["volumes"], name


def test_rules_and_board_are_what_their_readers_take() -> None:
    rules = [
        rule
        for group in yaml.safe_load((_DEPLOY / "prometheus-rules.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert all({"alert", "expr", "for", "labels", "annotations"} == rule.keys() for rule in rules)
    panels = json.loads((_DEPLOY / "grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        for target in panel.get("targets", []):
            assert target["expr"].count("(") == target["expr"].count(")"), target["expr"]


def test_the_caddyfile(tmp_path: Path) -> None:
    command = [_program("caddy"), "validate", "--config", str(_DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr


class Proxy:
    """nginx with the example before a server, on a port of its own, with a certificate for `localhost`."""

    def __init__(self, folder: Path, server: Server, change: Any = lambda text: text) -> None:
        program = _program("nginx")
        self.port, plain = free_port(), free_port()
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        _make_certificate(self.certificate, key)
        text = (_DEPLOY / "nginx.conf").read_text()
        for ours, theirs in (
            ("listen 443 ssl http2", f"listen 127.0.0.1:{self.port} ssl http2"),
            ("listen 80", f"listen 127.0.0.1:{plain}"),
            ("127.0.0.1:8000", f"127.0.0.1:{server.port}"),
            ("/etc/ssl/certs/pegbar.pem", str(self.certificate)),
            ("/etc/ssl/private/pegbar.key", str(key)),
            ("pegbar.example.com", "localhost"),
        ):
            assert ours in text, ours
            text = text.replace(ours, theirs)
        text = re.sub(r"^ *listen \[::\].*$", "", text, flags=re.MULTILINE)
        temporary = "".join(
            f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder / 'pid'}; error_log stderr; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{change(text)} }}"
        )
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        assert "[warn]" not in tested.stderr.replace('the "user" directive', ""), tested.stderr
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.url = f"https://localhost:{self.port}"

    def __enter__(self) -> "Proxy":
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                requests.get(f"{self.url}/api/status/live", verify=str(self.certificate), timeout=10)
                return self
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError("nginx does not answer")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def doctor(self, server: Server) -> dict[str, Any]:
        """What the doctor sees of the way through it."""
        done = pegbar(
            "doctor",
            "--json",
            "--only",
            "outside",
            "--data",
            str(server.folder),
            DOMAIN_NAME=f"localhost:{self.port}",
            DOMAIN_PROTOCOL="https",
            SSL_CERT_FILE=str(self.certificate),
            MAIL_ENABLED="false",
        )
        return {one["name"]: one for one in json.loads(done.stdout)["checks"]}


def _make_certificate(certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def test_nginx_as_in_the_example_lets_everything_through(server: Server, folder: Path) -> None:
    with Proxy(folder, server) as proxy:
        checks = proxy.doctor(server)
        wrong = {name: one["findings"] for name, one in checks.items() if one["severity"] not in ("ok", "skipped")}
        assert wrong == {}
        assert {name for name, one in checks.items() if one["severity"] == "skipped"} == {"Metrics", "Mail"}
        told = requests.get(
            f"{proxy.url}/api/status/address",
            headers={"X-Real-IP": "192.0.2.9", "X-Forwarded-For": "192.0.2.9"},
            verify=str(proxy.certificate),
            timeout=20,
        )
        assert told.json() == {"address": "127.0.0.1", "https": True}
        refused = requests.get(f"{proxy.url}/api/metrics", verify=str(proxy.certificate), timeout=20)
        assert (refused.status_code, "nginx" in refused.text) == (404, True)


def test_the_doctor_sees_what_a_proxy_does_wrong(server: Server, folder: Path) -> None:
    def spoil(text: str) -> str:
        text = re.sub(r"proxy_set_header (X-\S+|Upgrade) .*", "", text)
        return text.replace("client_max_body_size 0", "client_max_body_size 100m")

    with Proxy(folder, server, spoil) as proxy:
        checks = proxy.doctor(server)
    said = {name: " ".join(found["message"] for found in one["findings"]) for name, one in checks.items()}
    assert "address that clients make up" in said["Proxy headers"]
    assert "does not know that people use HTTPS" in said["Proxy headers"]
    assert "does not upgrade /socket.io" in said["Live sockets"]
    assert "refuses uploads of 4.0 GB" in said["Upload size"]
