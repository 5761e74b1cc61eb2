"""What reaches people outside the inbox: mails and messages of chat apps, sent by jobs."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests import factories
from tests.accounts.mailbox import Mailbox, html_of, text_of
from tests.client import Client, sign_in, unique
from tests.notifications.chat_apps import ChatServer
from tests.server import ADMIN, Server
from tests.tasks.test_comments import say, status

SECRETS = {"chat_token_slack": "xoxb-secret", "chat_token_discord": "discord-secret"}
_TELLING = """
SELECT count(*) FILTER (WHERE task_name = 'tasks.tell'), coalesce(string_agg(args::text, ' '), '')
  FROM pegbar.procrastinate_jobs WHERE task_name LIKE 'tasks.tell%'
"""


class Post(NamedTuple):
    """A server that sends, and where what it sends arrives."""

    server: Server
    admin: Client
    mailbox: Mailbox
    apps: ChatServer

    def jobs(self) -> tuple[int, str]:
        """How many events people were told of, and all that the jobs hold."""
        with psycopg.connect(self.server.database_url) as connection:
            row = connection.execute(_TELLING).fetchone()
        assert row is not None
        return row


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder: Path = tmp_path_factory.mktemp("apps")
    with ExitStack() as stack:
        mailbox, apps = stack.enter_context(Mailbox()), stack.enter_context(ChatServer(folder))
        environment = {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(mailbox.port),
            "DOMAIN_NAME": "kitsu.studio.example",
            "HTTPS_PROXY": apps.url,
            "SSL_CERT_FILE": str(apps.trusted),
        }
        server = stack.enter_context(Server(**environment))
        admin = sign_in(server.api, *ADMIN)
        (studio,) = admin.ok_get("/data/organisations")
        webhook = f"{apps.url}/hooks/webhook-secret"
        admin.ok_put(f"/data/organisations/{studio['id']}", {**SECRETS, "chat_webhook_mattermost": webhook})
        yield Post(server, admin, mailbox, apps)


def person(admin: Client, first_name: str, mail: str | None = None, **more: Any) -> Client:
    """Somebody who may be mailed; a client of the API as a bot with the same rights would be."""
    row = {
        "first_name": first_name,
        "last_name": unique("Doe"),
        "email": mail or f"{unique(first_name).replace(' ', '.').lower()}@example.com",
        "is_bot": True,
    }
    account = admin.ok_post("/data/persons", {**row, "role": "user", **more})
    return Client(admin.api, account["access_token"], account)


def mention(who: Client) -> str:
    return f"@{who.person['first_name']} {who.person['last_name']}"


def test_a_comment_is_mailed_and_messaged_as_each_person_wants_it(post: Post) -> None:
    ada = person(post.admin, "Ada", notifications_enabled=True, locale="fr_CA")
    sam = person(post.admin, "Sam", notifications_slack_enabled=True, notifications_slack_userid="sam")
    mia = person(post.admin, "Mia", notifications_mattermost_enabled=True, notifications_mattermost_userid="@mia")
    dan = person(post.admin, "Dan", notifications_discord_enabled=True, notifications_discord_userid="ada")
    eve, max_ = person(post.admin, "Eve"), person(post.admin, "Max", role="manager", notifications_enabled=True)
    show = factories.production(post.admin, ada, sam, mia, dan, eve, max_, name=unique("Moon & <b>"))
    asset = factories.entity(post.admin, show["id"])
    task = factories.task(post.admin, asset, assignees=[who.id for who in (ada, sam, mia, dan, eve)])
    before, _ = post.jobs()
    say(max_, task, status(post.admin, "Work In Progress"), "Add <script>\n<!channel> @all *now*")
    name = f"{show['name']} / Character / {asset['name']} / Modeling"
    url = f"https://kitsu.studio.example/productions/{show['id']}/assets/tasks/{task['id']}"

    mail = post.mailbox.next(ada.person["email"])
    assert mail["Subject"] == f"[Kitsu] WIP - Max a commenté {name}"
    assert "Add &lt;script&gt;<br>&lt;!channel&gt; @all *now*" in html_of(mail)
    assert "<b>" not in html_of(mail)
    assert f'<a href="{url}">' in html_of(mail)
    assert f"{name} ({url})" in text_of(mail)
    assert "Work In Progress" in text_of(mail)

    slack = post.apps.next("/api/chat.postMessage")
    assert (slack.host, slack.authorization) == ("slack.com", "Bearer xoxb-secret")
    (section,) = slack.body["blocks"]
    assert slack.body["text"].startswith("WIP - Max commented on Moon &amp; &lt;b&gt;")
    assert (slack.body["channel"], section["type"], section["text"]["type"]) == ("@sam", "section", "mrkdwn")
    assert f"<{url}|" in section["text"]["text"]
    assert "> &lt;!channel&gt; @all" in section["text"]["text"]

    mattermost = post.apps.next("/hooks/webhook-secret").body
    assert (mattermost["channel"], mattermost["username"]) == ("@mia", f"Kitsu - {show['name']}")
    assert mattermost["icon_url"].startswith("https://kitsu.studio.example/")
    assert "@all" not in mattermost["text"]
    assert r"\*now\*" in mattermost["text"]

    opened = post.apps.next("/api/v10/users/@me/channels")
    assert (opened.host, opened.authorization, opened.body) == (
        "discord.com",
        "Bot discord-secret",
        {"recipient_id": "42"},
    )
    discord = post.apps.next("/api/v10/channels/77/messages").body
    assert url in discord["embeds"][0]["description"]
    assert discord["allowed_mentions"] == {"parse": []}

    after, held = post.jobs()
    looked_up = ["/api/v10/users/@me/guilds", "/api/v10/guilds/1/members/search"]
    assert (after - before, post.mailbox.is_empty(), post.apps.rest()) == (1, True, looked_up)
    for secret in ("script", "secret", ada.person["email"], show["name"]):
        assert secret not in held, secret


def test_mentions_replies_and_assignments_say_what_they_are(post: Post) -> None:
    ada = person(post.admin, "Ada", notifications_enabled=True)
    ben = person(post.admin, "Ben", notifications_enabled=True, locale="de_DE")
    max_ = person(post.admin, "Max", role="manager")
    show = factories.production(post.admin, ada, ben, max_, production_type="tvshow", is_bot_collaboration_enabled=True)
    sequence = factories.entity(post.admin, show["id"], "Sequence")
    shot = factories.entity(post.admin, show["id"], "Shot", parent_id=sequence["id"])
    task = factories.task(post.admin, shot, "Layout")
    name = f"{show['name']} / {sequence['name']} / {shot['name']} / Layout"
    for _ in range(2):
        max_.ok_put(f"/actions/tasks/{task['id']}/assign", {"person_id": ada.id})
    mail = post.mailbox.next(ada.person["email"])
    assert mail["Subject"] == f"[Kitsu] You are assigned to {name}"
    assert f"/productions/{show['id']}/episodes/main/shots/tasks/{task['id']}" in text_of(mail)

    comment = say(max_, task, status(post.admin, "Todo"), f"Ask {mention(ben)}, please")
    subjects = {mail["Subject"] for mail in post.mailbox.take(2)}
    assert subjects == {f"[Kitsu] TODO - Max commented on {name}", f"[Kitsu] Max hat dich bei {name} erwähnt"}
    max_.ok_put(f"/data/comments/{comment['id']}", {"pinned": True})
    max_.ok_put(f"/data/comments/{comment['id']}", {"text": f"Ask {mention(ben)} or {mention(ada)}, please"})
    assert post.mailbox.next(ada.person["email"])["Subject"] == f"[Kitsu] Max mentioned you on {name}"

    ada.ok_post(f"/data/tasks/{task['id']}/comments/{comment['id']}/reply", {"text": f"{mention(ben)}: when?"})
    mail = post.mailbox.next(ben.person["email"])
    assert mail["Subject"] == f"[Kitsu] Ada hat dich bei {name} erwähnt"
    assert "when?" in text_of(mail)
    assert "please" in text_of(mail), "the comment it replies to is quoted"
    max_.ok_post(f"/data/tasks/{task['id']}/comments/{comment['id']}/reply", {"text": "Now"})
    mail = post.mailbox.next(ada.person["email"])
    assert (mail["Subject"], "please" in text_of(mail)) == (f"[Kitsu] Max replied on {name}", False)
    say(max_, task, status(post.admin, "Work In Progress"))
    mail = post.mailbox.next(ada.person["email"])
    assert f"changed the status of {name}" in text_of(mail)
    assert "to Work In Progress." in text_of(mail)
    assert post.mailbox.is_empty()


def test_internal_comments_are_mailed_to_no_client_and_nothing_to_who_is_gone(post: Post) -> None:
    client = person(post.admin, "Cleo", role="client", notifications_enabled=True)
    gone, off = (person(post.admin, name, notifications_enabled=True) for name in ("Gus", "Otto"))
    max_ = person(post.admin, "Max", role="manager")
    show = factories.production(post.admin, client, gone, off, max_)
    task = factories.task(post.admin, factories.entity(post.admin, show["id"]), assignees=[gone.id, off.id])
    row = {"person_id": client.id, "task_id": task["id"]}
    post.admin.ok_post("/data/subscriptions", row)
    post.admin.ok_delete(f"/data/projects/{show['id']}/team/{gone.id}")
    post.admin.ok_put(f"/data/persons/{off.id}", {"active": False})
    wip = status(post.admin, "Work In Progress")
    before, _ = post.jobs()
    say(max_, task, wip, f"Between us, {mention(client)}")
    assert post.jobs()[0] == before
    shown = say(max_, task, wip, "For you", for_client=True)
    assert "For you" in text_of(post.mailbox.next(client.person["email"]))
    inbox = post.admin.ok_get("/data/notifications", params={"task_id": task["id"]})
    assert [(item["person_id"], item["comment_id"]) for item in inbox if item["person_id"] != off.id] == [
        (client.id, shown["id"])
    ]
    assert post.mailbox.is_empty()


def test_a_failing_mail_server_or_webhook_fails_no_request_and_is_tried_again(post: Post) -> None:
    busy = person(post.admin, "Bea", f"busy{unique('x').replace(' ', '')}@example.com", notifications_enabled=True)
    no = person(post.admin, "Nat", f"refused{unique('x').replace(' ', '')}@example.com", notifications_enabled=True)
    mia = person(post.admin, "Mia", notifications_mattermost_enabled=True, notifications_mattermost_userid="mia")
    sam = person(post.admin, "Sam", notifications_slack_enabled=True, notifications_slack_userid="sam")
    odd = person(post.admin, "Odd", notifications_enabled=True)
    with psycopg.connect(post.server.database_url) as connection:
        # What another server let in.
        connection.execute("UPDATE person SET email = 'odd <' WHERE id = %s", (odd.id,))
    show = factories.production(post.admin, busy, no, mia, sam, odd)
    of = factories.entity(post.admin, show["id"])
    task = factories.task(post.admin, of, assignees=[who.id for who in (odd, busy, no, mia, sam)])
    post.apps.answers["/hooks/webhook-secret"] = [(503, {}, "webhook-secret is away")]
    post.apps.answers["/api/chat.postMessage"] = [(200, {}, {"ok": False, "error": "invalid_auth"})]
    say(post.admin, task, status(post.admin, "Todo"), "Nobody else reads this")
    assert post.mailbox.next(busy.person["email"])["Subject"].startswith("[Kitsu] TODO")
    for _ in range(2):
        assert post.apps.next("/hooks/webhook-secret").body["channel"] == "@mia"
    for reason in (
        "SMTPRecipientsRefused 451",
        "127.0.0.1 answers 503",
        "slack answers: invalid_auth",
        "550",
        "is no address",
    ):
        post.server.wait_for_text(reason)
    assert (post.mailbox.is_empty(), post.apps.rest()) == (True, ["/api/chat.postMessage"])
    _, held = post.jobs()
    for secret in ("xoxb-secret", "webhook-secret", "discord-secret", "Nobody else reads this"):
        assert secret not in post.server.text() + held, secret


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        ("{url}/hooks/elsewhere", "answers 302"),
        ("file:///etc/passwd", "is no http or https address"),
        ("http://user:pass@127.0.0.1/hooks/x", "is no http or https address"),
        ("", "have nothing for mattermost"),
    ],
)
def test_webhooks_are_called_at_the_configured_address_only(post: Post, webhook: str, reason: str) -> None:
    (studio,) = post.admin.ok_get("/data/organisations")
    post.admin.ok_put(
        f"/data/organisations/{studio['id']}", {"chat_webhook_mattermost": webhook.format(url=post.apps.url)}
    )
    post.apps.answers["/hooks/elsewhere"] = [(302, {"location": f"{post.apps.url}/hooks/internal"}, "")]
    mia = person(post.admin, "Mia", notifications_mattermost_enabled=True, notifications_mattermost_userid="mia")
    show = factories.production(post.admin, mia)
    task = factories.task(post.admin, factories.entity(post.admin, show["id"]), assignees=[mia.id])
    say(post.admin, task, status(post.admin, "Todo"), "Hello")
    post.server.wait_for_text(reason)
    assert post.apps.rest() == (["/hooks/elsewhere"] if "302" in reason else [])
    assert "user:pass" not in post.server.text()
