"""The studio's people: hiring, who sees how much of whom, editing, leaving."""

from tests.client import Client
from tests.factories import hire


def test_a_bot_is_born_with_its_token(admin: Client) -> None:
    bot = hire(admin, "supervisor")
    assert bot.ok_get("/auth/authenticated")["user"]["id"] == bot.id
