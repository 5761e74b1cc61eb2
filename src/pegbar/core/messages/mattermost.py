"""Direct messages by Mattermost, through an incoming webhook. Source: spec tasks, "Notifications", Mails/chat."""

from urllib.parse import urlsplit

from pegbar.core.messages.channel import Message, Undeliverable
from pegbar.core.messages.chat_app import ChatApp, cut

_LONGEST = 16000


class Mattermost(ChatApp):
    """The webhook in the organisation's settings."""

    name = "mattermost"
    wanted = "notifications_mattermost_enabled"
    address = "notifications_mattermost_userid"
    credential = "chat_webhook_mattermost"

    async def send_to(self, user: str, message: Message) -> None:
        """Send a message to a user."""
        body = {
            "channel": f"@{user}",
            "text": cut(message.text, _LONGEST),
            "username": message.sender,
            "icon_url": message.icon_url,
        }
        await self.call("POST", checked_webhook(self._credential), body)


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
