"""What channels of chat apps have in common: how they are called, and the Markdown that most of them read.

Slack and Discord are called at their own addresses only, Mattermost at the address that the organisation's settings
name; redirects are not followed, and nothing of an answer is passed on. Neither tokens nor addresses nor texts get into
a log or an error: a webhook's address is a secret. A proxy of the environment (`HTTPS_PROXY`) is used.
Source: spec tasks, "Notifications", Mails/chat.
"""

from abc import abstractmethod
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from pegbar.core.messages.channel import Channel, Message, TryAgain, Undeliverable

#: Seconds for an answer, and bytes of it that are read.
_PATIENCE = aiohttp.ClientTimeout(total=15)
_MOST_READ = 1024**2
_MARKS = str.maketrans({mark: "\\" + mark for mark in r"\`*_{}[]<>()#+-.!|~@:"})


class Markdown:
    """Markdown in which no mark or mention that people wrote has a meaning."""

    def plain(self, value: str) -> str:
        """A value as it reads."""
        return value.translate(_MARKS).replace("\\@", "@\u200b")

    def bold(self, value: str) -> str:
        """A value in bold."""
        return f"**{self.plain(value)}**"

    def link(self, url: str, label: str) -> str:
        """A link; the address is ours."""
        return f"[{self.plain(label)}]({url})"

    def quoted(self, value: str) -> str:
        """Somebody's words, each line marked as theirs."""
        return "\n".join(f"> {self.plain(line)}" for line in value.splitlines())

    def joined(self, paragraphs: list[str]) -> str:
        """A text of paragraphs."""
        return "\n\n".join(paragraphs)


class ChatApp(Channel):
    """A channel that calls an app over HTTP."""

    style = Markdown()

    def __init__(self, organisation: str, credential: str = "") -> None:
        super().__init__(organisation, credential)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections to the app."""
        if self._session is not None:
            await self._session.close()

    async def send(self, address: str, message: Message) -> None:
        """Send a message to a user of the app. Raises Undeliverable, TryAgain."""
        user = address.strip().removeprefix("@")
        if not self._credential:
            raise Undeliverable(f"the organisation's settings have nothing for {self.name}")
        if not user:
            raise Undeliverable(f"the person's profile has no {self.name} user")
        await self.send_to(user, message)

    @abstractmethod
    async def send_to(self, user: str, message: Message) -> None:
        """Send a message to a user, whose name is without its `@`."""

    async def call(
        self, method: str, url: str, body: Any, *, authorization: str = "", query: dict[str, str] | None = None
    ) -> Any:
        """The JSON of an answer, or None when it is none. Raises Undeliverable, TryAgain."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_PATIENCE, trust_env=True)
        host = urlsplit(url).hostname
        data = None if body is None else msgspec.json.encode(body)
        headers = {"content-type": "application/json"} | ({"authorization": authorization} if authorization else {})
        try:
            async with self._session.request(
                method, url, data=data, params=query, headers=headers, allow_redirects=False
            ) as answer:
                status, content = answer.status, b""
                async for piece in answer.content.iter_chunked(2**16):
                    content += piece
                    if len(content) > _MOST_READ:
                        break
        except ValueError:  # aiohttp.InvalidURL among others
            raise Undeliverable("the address in the organisation's settings is none") from None
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            # The error's own text may name the address.
            raise TryAgain(f"{host} cannot be reached: {type(error).__name__}") from None
        if status in (408, 425, 429) or status >= 500:
            raise TryAgain(f"{host} answers {status}")
        if not 200 <= status < 300:
            raise Undeliverable(f"{host} answers {status}")
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def cut(text: str, longest: int) -> str:
    """What of a text an app takes."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
