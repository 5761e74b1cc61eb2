"""A real mail server that keeps what it gets."""

import queue
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.server import free_port


class Mailbox:
    """An SMTP server on a port of its own.

    It refuses addresses that begin with `refused`, and those that begin with `busy` the first time.
    """

    def __init__(self) -> None:
        self._put_off: set[str] = set()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._mails: queue.Queue[EmailMessage] = queue.Queue()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("refused"):
            return "550 There is nobody here by that name"
        if address.startswith("busy") and address not in self._put_off:
            self._put_off.add(address)
            return "451 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        assert len(envelope.rcpt_tos) == 1
        self._mails.put(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def next(self, to: str) -> EmailMessage:
        """The next mail, which is to this address."""
        mail = self._mails.get(timeout=30)
        assert mail["To"] == to, mail
        return mail

    def take(self, number: int) -> list[EmailMessage]:
        """The next mails, to whomever."""
        return [self._mails.get(timeout=30) for _ in range(number)]

    def is_empty(self) -> bool:
        return self._mails.empty()


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())
