"""A server that mails, enforces and limits: what the shared one does not."""

from collections.abc import Iterator

import pytest

from tests.accounts.mailbox import Mailbox
from tests.accounts.slapd import PEOPLE, STUDIO, Slapd
from tests.client import Client, sign_in
from tests.server import ADMIN, Server


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def strict_admin(strict: Server) -> Client:
    return sign_in(strict.api, *ADMIN)


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """A directory; tests put their people into it."""
    with Slapd() as running:
        yield running


@pytest.fixture(scope="session")
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
