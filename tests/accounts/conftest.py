"""A server that mails, enforces and limits: what the shared one does not."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts.mailbox import Mailbox
from tests.accounts.providers import Forger, Real
from tests.accounts.slapd import PEOPLE, STUDIO, Slapd
from tests.client import Client, sign_in
from tests.server import ADMIN, Server, free_port


@pytest.fixture(scope="package")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture(scope="package")
def mailing(mailbox: Mailbox) -> Iterator[Server]:
    """A server with a mail server, a public name and protected accounts."""
    environment = {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mailbox.port),
        "DOMAIN_NAME": "kitsu.studio.example",
        "PROTECTED_ACCOUNTS": "boss@studio.example",
    }
    with Server(**environment) as running:
        yield running


@pytest.fixture(scope="package")
def mailing_admin(mailing: Server) -> Client:
    return sign_in(mailing.api, *ADMIN)


def beside(server: Server, **environment: str) -> Server:
    """Another node on the shared server's database, with settings of its own; any node's worker takes any job."""
    key = (server.folder / "secret.key").read_text()
    # A node shares the files too: its worker may take any job.
    files = str(server.folder / "previews")
    node = Server(DATABASE_URL=server.database_url, SECRET_KEY=key, PREVIEW_FOLDER=files, **environment)
    node.log = server.log
    return node


@pytest.fixture(scope="package")
def strict(server: Server) -> Iterator[Server]:
    """A server of two processes that requires second factors and limits failed attempts."""
    with beside(
        server,
        ENFORCE_2FA="true",
        PEGBAR_LOGIN_RATE_LIMIT="6",
        PEGBAR_WORKERS="2",
        **{"2FA_EXEMPT_USERS": f"other@example.com, {ADMIN[0]}"},
    ) as running:
        yield running


@pytest.fixture(scope="package")
def strict_admin(strict: Server) -> Client:
    return sign_in(strict.api, *ADMIN)


#: Who signs in at the real provider.
AT_PROVIDER = {
    "lee": {"email": "lee@studio.example", "given_name": "Lee", "family_name": "Ufan", "groups": ["producers"]},
    "ana": {"email": "ana@studio.example", "groups": ["layout"]},
}


@pytest.fixture(scope="package")
def real() -> Iterator[Real]:
    with Real(AT_PROVIDER) as running:
        yield running


@pytest.fixture(scope="package")
def forger() -> Iterator[Forger]:
    running = Forger()
    yield running
    running.stop()


_SIGN_ON = """
[groups.producers]
role = "manager"

[oidc.real]
label = "Real login"
discovery_url = "{real.discovery}"
client_id = "pegbar"
client_secret = "env:REAL_SECRET"

[oidc.forged]
discovery_url = "{forger.discovery}"
client_id = "pegbar & co"
client_secret = "100% secret"
skip_2fa = true
groups_claim = "realm.roles"

[oidc.away]
label = "Nobody"
discovery_url = "http://127.0.0.1:{away}/.well-known/openid-configuration"
client_id = "pegbar"

[saml.real-saml]
metadata_url = "{real.saml_metadata}"

[saml.forged-saml]
label = "Forged"
metadata_url = "{forger.url}/metadata"

[saml.by-subject]
metadata_url = "{forger.url}/metadata"
subject_attribute = "uid"
email_attribute = "mail"
allow_unsolicited = false

[saml.away-saml]
metadata_url = "http://127.0.0.1:{away}/metadata"
"""


@pytest.fixture(scope="package")
def signing_on(server: Server, real: Real, forger: Forger) -> Iterator[Server]:
    """A node of two processes with providers: a real one, one that forges, one that is away."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "providers.toml"
        file.write_text(_SIGN_ON.format(real=real, forger=forger, away=free_port()))
        node = beside(
            server,
            PEGBAR_SIGN_ON_FILE=str(file),
            REAL_SECRET="the-clients-secret",
            DOMAIN_PROTOCOL="http",
            ENFORCE_2FA="true",
            PEGBAR_WORKERS="2",
            PROTECTED_ACCOUNTS="boss@studio.example",
        )
        node.environment["DOMAIN_NAME"] = f"127.0.0.1:{node.port}"
        with node:
            yield node


@pytest.fixture(scope="package")
def slapd() -> Iterator[Slapd]:
    """A directory; tests put their people into it."""
    with Slapd() as running:
        yield running


@pytest.fixture(scope="package")
def directory_node(server: Server, slapd: Slapd) -> Iterator[Server]:
    """A node of the shared server that signs people in against the directory, by the variables of Kitsu's server."""
    with beside(
        server,
        AUTH_STRATEGY="auth_remote_ldap",
        LDAP_HOST="127.0.0.1",
        LDAP_PORT=str(slapd.tls_port),
        LDAP_SSL="true",
        PEGBAR_LDAP_CA_FILE=str(slapd.ca),
        LDAP_BASE_DN=PEOPLE,
        LDAP_FALLBACK="true",
        LDAP_USER=f"cn=reader,{STUDIO}",
        LDAP_PASSWORD="readsall",
        EMAIL_DOMAIN="studio.example",
        PEGBAR_LDAP_TIMEOUT="5",
    ) as running:
        yield running
