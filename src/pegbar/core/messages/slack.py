"""Direct messages by Slack. Source: spec tasks, "Notifications", Mails/chat."""

from html import escape

from pegbar.core.messages.channel import Message, TryAgain, Undeliverable
from pegbar.core.messages.chat_app import ChatApp, Markdown, cut

_POST_MESSAGE = "https://slack.com/api/chat.postMessage"
_LONGEST = 3000
#: Of Slack's reasons, those that pass.
_PASSING = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout"})


class Mrkdwn(Markdown):
    """Slack's own marks; `&`, `<` and `>` are what those of links and mentions are made of."""

    def plain(self, value: str) -> str:
        """A value as it reads."""
        return escape(value, quote=False)

    def bold(self, value: str) -> str:
        """A value in bold."""
        return f"*{self.plain(value).replace('*', '∗')}*"

    def link(self, url: str, label: str) -> str:
        """A link; the address is ours."""
        return f"<{url}|{self.plain(label).replace('|', '¦')}>"


class Slack(ChatApp):
    """The organisation's Slack bot."""

    name = "slack"
    style = Mrkdwn()
    wanted = "notifications_slack_enabled"
    address = "notifications_slack_userid"
    credential = "chat_token_slack"

    async def send_to(self, user: str, message: Message) -> None:
        """Send a message to a user."""
        section = {"type": "section", "text": {"type": "mrkdwn", "text": cut(message.text, _LONGEST)}}
        body = {"channel": f"@{user}", "text": self.style.plain(message.title), "blocks": [section]}
        answer = await self.call("POST", _POST_MESSAGE, body, authorization=f"Bearer {self._credential}")
        if isinstance(answer, dict) and answer.get("ok") is True:
            return
        reason = str(answer.get("error", "no reason given"))[:60] if isinstance(answer, dict) else "no JSON"
        refusal = TryAgain if reason in _PASSING else Undeliverable
        raise refusal(f"slack answers: {reason}")
