"""Programs that know chat apps post on a task."""

from typing import Any

import psycopg
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.open.webhooks.incoming.messages import LONGEST, NoText, text_of
from tests.client import Client
from tests.factories import entity, hire, production, task
from tests.server import Server

MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "slack": (
        {"text": "*Build* <https://ci.example/7|#7> of <!here> R&amp;D failed", "username": "ci"},
        "**Build** [#7](https://ci.example/7) of  R&D failed",
    ),
    "slack-attachments": (
        {
            "attachments": [
                {
                    "pretext": "Render",
                    "title": "sq010",
                    "title_link": "https://farm.example/1",
                    "text": "done",
                    "fields": [{"title": "Frames", "value": 240, "short": True}],
                },
                {"fallback": "only this"},
            ]
        },
        "Render\n\n**[sq010](https://farm.example/1)**\n\ndone\n\n- **Frames**: 240\n\nonly this",
    ),
    "slack-blocks": (
        {
            "text": "for old clients",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "Nightly"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": "ok"}, "fields": [{"text": "a"}, {"text": "b"}]},
                {"type": "divider"},
                {"type": "context", "elements": [{"text": "by farm"}, {"type": "image"}]},
            ],
        },
        "**Nightly**\n\nok\n\n- a\n- b\n\nby farm",
    ),
    "discord": (
        {
            "content": "Take 3",
            "embeds": [
                {
                    "title": "sh020",
                    "url": "https://x.example",
                    "description": "lighter",
                    "author": {"name": "farm"},
                    "fields": [{"name": "Cost", "value": "2 h"}],
                    "footer": {"text": "v7"},
                }
            ],
        },
        "Take 3\n\nfarm\n\n**[sh020](https://x.example)**\n\nlighter\n\n- **Cost**: 2 h\n\nv7",
    ),
    "teams-card": (
        {
            "@type": "MessageCard",
            "summary": "not shown",
            "title": "Deploy",
            "sections": [{"activityTitle": "main", "facts": [{"name": "Status:", "value": "green"}]}],
        },
        "**Deploy**\n\n**main**\n\n- **Status**: green",
    ),
    "teams-adaptive": (
        {
            "type": "message",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "type": "AdaptiveCard",
                        "body": [
                            {"type": "TextBlock", "text": "Farm", "weight": "Bolder"},
                            {
                                "type": "Container",
                                "items": [{"type": "FactSet", "facts": [{"title": "Free", "value": 3}]}],
                            },
                        ],
                    },
                }
            ],
        },
        "**Farm**\n\n- **Free**: 3",
    ),
}


@pytest.mark.parametrize("shape", MESSAGES)
def test_what_a_message_says_becomes_text(shape: str) -> None:
    message, text = MESSAGES[shape]
    assert text_of(message) == text


_KEYS = ("text", "blocks", "attachments", "fields", "content", "embeds", "sections", "facts", "body", "items", "type")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(_JSON)
def test_whatever_comes_is_text_or_refused(document: Any) -> None:
    try:
        text = text_of(document)
    except NoText:
        return
    assert 0 < len(text) <= LONGEST
    assert "\0" not in text
    text.encode()


def made_link(manager: Client, job: dict[str, Any]) -> tuple[dict[str, Any], str]:
    row = manager.ok_post("/open/v1/incoming-hooks", {"name": "Build robot", "task_id": job["id"]})
    return row, f"{manager.api}/open/v1/hooks/{row['token']}"


@pytest.fixture
def manager(admin: Client) -> Client:
    return hire(admin, "manager")


@pytest.fixture
def job(admin: Client, manager: Client) -> dict[str, Any]:
    return task(admin, entity(admin, production(admin, manager)["id"]))


def test_a_message_is_a_comment_of_the_links_bot(admin: Client, manager: Client, job: dict[str, Any]) -> None:
    row, url = made_link(manager, job)
    answers = [requests.post(url, json=message, timeout=60) for message, _ in MESSAGES.values()]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (200, "ok"), (200, "ok"), (200, "ok"), (204, ""), (200, "1"), (200, "ok"),
    ]  # fmt: skip
    form = requests.post(url, data={"payload": '{"text": "by #Modeling form"}'}, timeout=60)
    assert form.status_code == 200, form.text
    comments = admin.ok_get(f"/data/tasks/{job['id']}/comments")
    assert {comment["text"] for comment in comments} == {text for _, text in MESSAGES.values()} | {"by #Modeling form"}
    assert {comment["person"]["full_name"].strip() for comment in comments} == {"Build robot"}
    assert {comment["task_status_id"] for comment in comments} == {job["task_status_id"]}
    listed = manager.ok_get("/open/v1/incoming-hooks", params={"task_id": job["id"]})
    assert [(hook["id"], hook["used_at"] is not None) for hook in listed] == [(row["id"], True)]
    assert row["token"] not in str(listed)


def test_only_the_managers_of_its_production_make_and_revoke_a_link(
    admin: Client, manager: Client, job: dict[str, Any]
) -> None:
    row, url = made_link(manager, job)
    stranger, artist = hire(admin, "manager"), hire(admin)
    elsewhere = production(admin, stranger)
    assert elsewhere["id"] != job["project_id"]
    for caller in (stranger, artist):
        assert caller.post("/open/v1/incoming-hooks", {"name": "x", "task_id": job["id"]}).status_code == 403
        assert caller.delete(f"/open/v1/incoming-hooks/{row['id']}").status_code == 403
    assert row["id"] not in str(stranger.ok_get("/open/v1/incoming-hooks"))
    assert artist.get("/open/v1/incoming-hooks").status_code == 403
    manager.ok_delete(f"/open/v1/incoming-hooks/{row['id']}")
    refused = requests.post(url, json={"text": "late"}, timeout=60)
    assert refused.status_code == 404
    assert row["token"] not in refused.text
    assert admin.ok_get(f"/data/persons/{row['bot_id']}")["active"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"[]", 400),
        (b"no json", 400),
        (b'{"text": "   "}', 400),
        (b"[" * 100_000, 400),
        (b'{"text": "' + b"x" * 300_000 + b'"}', 413),
    ],
    ids=["empty", "list", "words", "blank", "deep", "long"],
)
def test_what_says_nothing_or_too_much_is_refused(
    manager: Client, job: dict[str, Any], body: bytes, status: int
) -> None:
    _, url = made_link(manager, job)
    refused = requests.post(url, data=body, headers={"content-type": "application/json"}, timeout=60)
    assert refused.status_code == status, refused.text
    assert manager.post("/open/v1/incoming-hooks", {"name": " ", "task_id": job["id"]}).status_code == 400
    assert manager.post("/open/v1/incoming-hooks", {"name": "x", "task_id": "none"}).status_code == 400


def test_a_link_takes_so_many_messages_a_minute_and_its_token_is_nowhere(
    server: Server, manager: Client, job: dict[str, Any]
) -> None:
    row, url = made_link(manager, job)
    with psycopg.connect(server.database_url, autocommit=True) as database:
        # As if it had been used up to now, in this minute and the next.
        for later in ("0 minutes", "1 minute"):
            database.execute(
                """UPDATE pegbar.incoming_hook SET minute_count = 60,
                          minute = date_trunc('minute', timezone('utc', now())) + %s::interval WHERE id = %s""",
                [later, row["id"]],
            )
            answer = requests.post(url, json={"text": "one more"}, timeout=60)
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 61
        stored = database.execute("SELECT h::text FROM pegbar.incoming_hook h WHERE id = %s", [row["id"]]).fetchone()
        assert row["token"] not in str(stored)
    assert row["token"] not in server.text()
