"""A server that mails, enforces and limits: what the shared one does not."""

from collections.abc import Iterator

import pytest

from tests.accounts.mailbox import Mailbox
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
