"""A real directory: Debian's slapd, with people, groups, photos, TLS and an Active Directory to look at.

`dc=studio,dc=example` is laid out as OpenLDAP is, `dc=ad,dc=example` has Microsoft's attributes.
"""

import datetime
import ipaddress
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from functools import cached_property
from pathlib import Path
from typing import Any

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ldap3.utils.dn import escape_rdn

from tests.server import free_port

STUDIO, AD = "dc=studio,dc=example", "dc=ad,dc=example"
PEOPLE, GROUPS, AD_USERS = f"ou=people,{STUDIO}", f"ou=groups,{STUDIO}", f"cn=Users,{AD}"
#: It listens there too, and its certificate does not say so.
OTHER_HOST = "127.0.0.2"
MANAGER = ("cn=admin", "theboss")  #: who may write, in either tree
PASSWORD = "of the directory"
#: Microsoft's attributes, as far as we read them.
_SCHEMA = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.16.128.113533.1.1400.1 NAME 'thumbnailPhoto'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY
  MAY ( sAMAccountName $ objectGUID $ userAccountControl $ thumbnailPhoto $ mail $ givenName ) )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP top AUXILIARY )
"""
_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
include {folder}/ad.schema
pidfile {folder}/slapd.pid
allow bind_anon_cred bind_anon_dn
sizelimit size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
"""
_DATABASE = """
database mdb
suffix {suffix}
rootdn cn=admin,{suffix}
rootpw theboss
directory {folder}/{name}
maxsize 100000000
index objectClass,uid,cn,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
limits dn.exact="cn=reader,{suffix}" size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited
overlay memberof
"""


def available() -> str:
    """Why there is no directory to test with; nothing when there is one."""
    if shutil.which("slapd") is None and not Path("/usr/sbin/slapd").exists():
        return "slapd is not installed (apt-get install slapd)"
    return "" if Path("/usr/lib/ldap/memberof.so").exists() else "slapd's overlay memberof is not at /usr/lib/ldap"


class Slapd:
    """A directory of its own, on ports of its own."""

    def __init__(self) -> None:
        if reason := available():
            pytest.skip(reason)
        self.folder = Path(tempfile.mkdtemp(prefix="pegbar-slapd-"))
        self.port, self.tls_port = free_port(), free_port()
        self.ca = self.folder / "ca.pem"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Slapd":
        _certificates(self.folder)
        (self.folder / "ad.schema").write_text(_SCHEMA)
        written = _CONFIGURATION.format(folder=self.folder)
        for name, suffix in (("studio", STUDIO), ("ad", AD)):
            (self.folder / name).mkdir()
            written += _DATABASE.format(folder=self.folder, suffix=suffix, name=name)
        (self.folder / "slapd.conf").write_text(written)
        self.start()
        for suffix, units in ((STUDIO, [PEOPLE, GROUPS]), (AD, [AD_USERS])):
            self.add(suffix, "dcObject organization", dc=suffix.split(",")[0][3:], o="Studio")
            self.add(f"cn=reader,{suffix}", "person", cn="reader", sn="Reader", userPassword="readsall")
            for unit in units:
                kind, name = unit.split(",")[0].split("=")
                self.add(unit, "organizationalUnit" if kind == "ou" else "organizationalRole", **{kind: name})
        return self

    def start(self) -> None:
        """Start it, or start it again."""
        hosts = ("127.0.0.1", OTHER_HOST)
        urls = " ".join(f"ldap://{host}:{self.port} ldaps://{host}:{self.tls_port}" for host in hosts)
        command = ["/usr/sbin/slapd", "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 5).close()
                return
            except ConnectionRefusedError:
                assert self._process.poll() is None, "slapd does not start"
                assert time.monotonic() < deadline, "slapd does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop it: nobody listens at its ports then."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
        self.__dict__.pop("_connections", None)

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def _connections(self) -> dict[str, ldap3.Connection]:
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        return {
            suffix: ldap3.Connection(
                server, f"{MANAGER[0]},{suffix}", MANAGER[1], auto_bind=True, raise_exceptions=True
            )
            for suffix in (STUDIO, AD)
        }

    def _manager(self, dn: str) -> ldap3.Connection:
        return self._connections[AD if dn.endswith(AD) else STUDIO]

    def add(self, dn: str, classes: str, **attributes: Any) -> str:
        """Add an entry; its DN."""
        self._manager(dn).add(dn, ["top", *classes.split()], attributes)
        return dn

    def change(self, dn: str, **attributes: Any) -> None:
        """Replace attributes of an entry."""
        changes = {name: [(ldap3.MODIFY_REPLACE, _values(value))] for name, value in attributes.items()}
        self._manager(dn).modify(dn, changes)

    def remove(self, dn: str) -> None:
        """Remove an entry."""
        self._manager(dn).delete(dn)

    def person(self, uid: str, first: str = "Ida", last: str = "Lup", **more: Any) -> str:
        """Add a person as OpenLDAP has them; their DN."""
        attributes = {
            "uid": uid, "cn": f"{first} {last}", "givenName": first, "sn": last, "userPassword": PASSWORD,
            "mail": f"{uid}@studio.example", **more,
        }  # fmt: skip
        base = attributes.pop("base", PEOPLE)
        return self.add(f"uid={escape_rdn(uid)},{base}", "inetOrgPerson extensibleObject", **_present(attributes))

    def ad_user(self, login: str, first: str = "Ida", last: str = "Lup", **more: Any) -> str:
        """Add a person as Active Directory has them; their DN."""
        attributes = {
            "cn": login, "sAMAccountName": login, "givenName": first, "sn": last, "userPassword": PASSWORD,
            "mail": f"{login}@ad.example", "objectGUID": uuid.uuid4().bytes_le, "userAccountControl": 512, **more,
        }  # fmt: skip
        classes = "inetOrgPerson user" + (" computer" if attributes.pop("computer", False) else "")
        return self.add(f"cn={escape_rdn(login)},{AD_USERS}", classes, **_present(attributes))

    def group(self, name: str, *members: str, base: str = GROUPS, unique: bool = False) -> str:
        """Add a group of these DNs; its DN."""
        classes, attribute = ("groupOfUniqueNames", "uniqueMember") if unique else ("groupOfNames", "member")
        return self.add(f"cn={escape_rdn(name)},{base}", classes, cn=name, **{attribute: list(members)})


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _present(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def photo(color: str) -> bytes:
    """A portrait of one colour, as JPEG."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(file, "JPEG")
    return file.getvalue()


_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _certificates(folder: Path) -> None:
    """An authority, and a certificate of it for 127.0.0.1 and localhost."""
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Studio CA", "directory")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
    for subject, file in ((0, "ca.pem"), (1, "server.pem")):
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=names[subject],
            public_key=keys[subject].public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        constraint = x509.BasicConstraints(ca=subject == 0, path_length=None)
        builder = builder.add_extension(constraint, critical=True)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        builder = builder.add_extension(issuer, critical=False)
        own = x509.SubjectKeyIdentifier.from_public_key(keys[subject].public_key())
        builder = builder.add_extension(own, critical=False)
        usage = {name: name in (("key_cert_sign", "crl_sign"), ("digital_signature",))[subject] for name in _USAGES}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        if subject:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), address]), False)
        signed = builder.sign(keys[0], hashes.SHA256())
        (folder / file).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "server.key").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, *form))
