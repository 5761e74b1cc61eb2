"""Direct messages by Slack, Mattermost and Discord. Source: spec tasks, "Notifications", Mails/chat.

    async with ChatApps(tokens) as apps:
        await apps.send("slack", "ada", Text(…))

Slack and Discord are called at their own addresses only, Mattermost at the address that the organisation's settings
name; redirects are not followed, and nothing of an answer is passed on. Neither tokens nor addresses nor texts get into
a log or an error: a webhook's address is a secret. A proxy of the environment (`HTTPS_PROXY`) is used.
"""

from dataclasses import dataclass
from html import escape
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import msgspec

App = Literal["slack", "mattermost", "discord"]
APPS: tuple[App, ...] = ("slack", "mattermost", "discord")

_SLACK = "https://slack.com/api/chat.postMessage"
_DISCORD = "https://discord.com/api/v10"
#: Seconds for an answer, and bytes of it that are read.
_PATIENCE = aiohttp.ClientTimeout(total=15)
_MOST_READ = 1024**2
#: What the apps take in a message.
_LONGEST_SLACK, _LONGEST_DISCORD, _LONGEST_MATTERMOST = 3000, 4096, 16000
#: Of Slack's reasons, those that pass.
_PASSING = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout"})
_MARKS = str.maketrans({each: "\\" + each for each in r"\`*_{}[]<>()#+-.!|~@:"})


class Undeliverable(Exception):
    """The app will not take the message at the next attempt either; the text says why."""


class TryAgain(Exception):
    """The app did not take the message this time; the text says why."""


@dataclass(frozen=True)
class Credentials:
    """What the organisation's settings hold: bots' tokens, and the address of Mattermost's incoming webhook."""

    slack: str = ""
    mattermost: str = ""
    discord: str = ""


@dataclass(frozen=True)
class Style:
    """How an app writes a text: `bold`, a `link`, and lines quoted. Values are made harmless."""

    app: App

    def plain(self, value: str) -> str:
        """A value as it reads, whatever marks or mentions it holds."""
        if self.app == "slack":
            # `&`, `<` and `>` are what Slack's marks of links and mentions are made of.
            return escape(value, quote=False)
        return value.translate(_MARKS).replace("\\@", "@\u200b")

    def bold(self, value: str) -> str:
        """A value in bold."""
        if self.app == "slack":
            return f"*{self.plain(value).replace('*', '∗')}*"
        return f"**{self.plain(value)}**"

    def link(self, url: str, label: str) -> str:
        """A link; the address is ours."""
        if self.app == "slack":
            return f"<{url}|{self.plain(label).replace('|', '¦')}>"
        return f"[{self.plain(label)}]({url})"

    def quoted(self, value: str) -> str:
        """Somebody's words, each line marked as theirs."""
        return "\n".join(f"> {self.plain(line)}" for line in value.splitlines())


@dataclass(frozen=True)
class Text:
    """A message in the style of its app, its title in plain words, and its sender where the app shows one."""

    text: str
    title: str
    sender: str = "Kitsu"
    icon_url: str = ""


class ChatApps:
    """Sends messages; keeps its connections until the block ends."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "ChatApps":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, app: App, user: str, message: Text) -> None:
        """Send a message to a user of an app. Raises Undeliverable, TryAgain."""
        credential = getattr(self._credentials, app).strip()
        user = user.strip().removeprefix("@")
        if not credential:
            raise Undeliverable(f"the organisation's settings have nothing for {app}")
        if not user:
            raise Undeliverable(f"the person's profile has no {app} user")
        await {"slack": self._slack, "mattermost": self._mattermost, "discord": self._discord}[app](
            credential, user, message
        )

    async def _slack(self, token: str, user: str, message: Text) -> None:
        said = _cut(message.text, _LONGEST_SLACK)
        body = {
            "channel": f"@{user}",
            "text": Style("slack").plain(message.title),
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": said}}],
        }
        answer = await self._call("POST", _SLACK, body, {"authorization": f"Bearer {token}"})
        if isinstance(answer, dict) and answer.get("ok") is True:
            return
        reason = str(answer.get("error", "no reason given"))[:60] if isinstance(answer, dict) else "no JSON"
        kind = TryAgain if reason in _PASSING else Undeliverable
        raise kind(f"slack answers: {reason}")

    async def _mattermost(self, webhook: str, user: str, message: Text) -> None:
        body = {
            "channel": f"@{user}",
            "text": _cut(message.text, _LONGEST_MATTERMOST),
            "username": message.sender,
            "icon_url": message.icon_url,
        }
        await self._call("POST", checked_webhook(webhook), body, {})

    async def _discord(self, token: str, user: str, message: Text) -> None:
        headers = {"authorization": f"Bot {token}"}
        person = user if user.isdigit() else await self._discord_member(user, headers)
        channel = await self._call("POST", f"{_DISCORD}/users/@me/channels", {"recipient_id": person}, headers)
        body = {
            "embeds": [{"description": _cut(message.text, _LONGEST_DISCORD)}],
            "allowed_mentions": {"parse": []},
        }
        await self._call("POST", f"{_DISCORD}/channels/{_id_of(channel)}/messages", body, headers)

    async def _discord_member(self, user: str, headers: dict[str, str]) -> str:
        """The id of the member of that name in one of the bot's servers."""
        name = user.partition("#")[0]
        servers = await self._call("GET", f"{_DISCORD}/users/@me/guilds", None, headers)
        for server in servers if isinstance(servers, list) else []:
            where = f"{_DISCORD}/guilds/{_id_of(server)}/members/search"
            found = await self._call("GET", where, None, headers, {"query": name, "limit": "100"})
            for each in found if isinstance(found, list) else []:
                member = each.get("user") if isinstance(each, dict) else None
                if isinstance(member, dict) and str(member.get("username", "")).lower() == name.lower():
                    return _id_of(member)
        raise Undeliverable("discord knows no member of that name in the servers of the bot")

    async def _call(
        self, method: str, url: str, body: Any, headers: dict[str, str], query: dict[str, str] | None = None
    ) -> Any:
        """The JSON of an answer, or None when it is none."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_PATIENCE, trust_env=True)
        host = urlsplit(url).hostname
        data = None if body is None else msgspec.json.encode(body)
        headers = {**headers, "content-type": "application/json"}
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


def checked_webhook(webhook: str) -> str:
    """The address of an incoming webhook. Raises Undeliverable when it is no plain http or https address."""
    try:
        parts = urlsplit(webhook)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        plain = plain and (parts.port is None or parts.port > 0)
    except ValueError:
        plain = False
    if not plain:
        raise Undeliverable("the organisation's chat_webhook_mattermost is no http or https address")
    return webhook


def _id_of(thing: Any) -> str:
    """A Discord id: digits only, as it becomes part of an address."""
    found = str(thing.get("id", "")) if isinstance(thing, dict) else ""
    if not (found.isascii() and found.isdigit()):
        raise TryAgain("discord's answer has no id")
    return found


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
