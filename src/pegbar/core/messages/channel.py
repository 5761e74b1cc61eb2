"""What a channel is: a way by which messages reach a person outside the inbox.

A channel is a file beside this one with a subclass of `Channel`, and a line of the registry in `channels`.
Source: spec tasks, "Notifications", Mails/chat.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol


class Undeliverable(Exception):
    """The channel will not take the message at the next attempt either; the text says why, and holds no secret."""


class TryAgain(Exception):
    """The channel did not take the message this time; the text says why, and holds no secret.

    `away`: it takes nothing now, rather than not this one message.
    """

    def __init__(self, reason: str, *, away: bool = True) -> None:
        super().__init__(reason)
        self.away = away


@dataclass(frozen=True)
class Message:
    """A message in the style of its channel, its title in plain words, and its sender where the channel shows one."""

    text: str
    title: str
    language: str = "en_US"
    sender: str = "Kitsu"
    icon_url: str = ""


class Style(Protocol):
    """How a channel writes a text. Whatever people wrote is made harmless."""

    def plain(self, value: str) -> str:
        """A value as it reads, whatever marks or mentions it holds."""

    def bold(self, value: str) -> str:
        """A value in bold."""

    def link(self, url: str, label: str) -> str:
        """A link; the address is ours."""

    def quoted(self, value: str) -> str:
        """Somebody's words, marked as theirs."""

    def joined(self, paragraphs: list[str]) -> str:
        """A text of paragraphs that are in this style."""


class Channel(ABC):
    """Sends messages; keeps its connections until it is closed."""

    name: ClassVar[str]
    style: ClassVar[Style]
    #: Columns of a person: whether they want messages by this channel, and where they get them.
    wanted: ClassVar[str]
    address: ClassVar[str]
    #: The column of the organisation that holds what messages are sent with.
    credential: ClassVar[str | None] = None

    def __init__(self, organisation: str, credential: str = "") -> None:
        self._organisation, self._credential = organisation, credential.strip()

    @abstractmethod
    async def send(self, address: str, message: Message) -> None:
        """Send a message to a person. Raises Undeliverable, TryAgain."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""
