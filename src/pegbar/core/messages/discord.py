"""Direct messages by Discord. Source: spec tasks, "Notifications", Mails/chat."""

from typing import Any

from pegbar.core.messages.channel import Message, TryAgain, Undeliverable
from pegbar.core.messages.chat_app import ChatApp, cut

_API = "https://discord.com/api/v10"
_LONGEST = 4096


class Discord(ChatApp):
    """The organisation's Discord bot."""

    name = "discord"
    wanted = "notifications_discord_enabled"
    address = "notifications_discord_userid"
    credential = "chat_token_discord"

    async def send_to(self, user: str, message: Message) -> None:
        """Send a message to a user, named by id or by name."""
        user_id = user if user.isdigit() else await self._member(user)
        channel = await self._ask("POST", "/users/@me/channels", {"recipient_id": user_id})
        body = {"embeds": [{"description": cut(message.text, _LONGEST)}], "allowed_mentions": {"parse": []}}
        await self._ask("POST", f"/channels/{_id_of(channel)}/messages", body)

    async def _ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        return await self.call(method, _API + path, body, authorization=f"Bot {self._credential}", query=query)

    async def _member(self, user: str) -> str:
        """The id of the member of that name in one of the bot's servers."""
        name = user.partition("#")[0]
        servers = await self._ask("GET", "/users/@me/guilds")
        for server in servers if isinstance(servers, list) else []:
            path = f"/guilds/{_id_of(server)}/members/search"
            members = await self._ask("GET", path, query={"query": name, "limit": "100"})
            for member in members if isinstance(members, list) else []:
                account = member.get("user") if isinstance(member, dict) else None
                if isinstance(account, dict) and str(account.get("username", "")).lower() == name.lower():
                    return _id_of(account)
        raise Undeliverable("discord knows no member of that name in the servers of the bot")


def _id_of(thing: Any) -> str:
    """A Discord id: digits only, as it becomes part of an address."""
    value = str(thing.get("id", "")) if isinstance(thing, dict) else ""
    if not (value.isascii() and value.isdigit()):
        raise TryAgain("discord's answer has no id")
    return value
