"""What a notification says: in every language, with its address, and nothing that people wrote can do harm."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.messages.channel import Undeliverable
from pegbar.core.messages.channels import CHANNELS
from pegbar.core.messages.languages import texts_of
from pegbar.core.messages.mattermost import checked_webhook
from pegbar.notifications.messages import COMMENT, PLAYLIST, Notice, message
from pegbar.notifications.tables import NOTIFICATION_TYPES

P, E, T, L = (UUID(int=n) for n in range(1, 5))
SHOT = Notice(
    kind=COMMENT,
    recipient_locale="en_US",
    author_name="Ada Doe",
    author_first_name="Ada",
    project_id=P,
    project_name="Moon",
    is_tv_show=False,
    episode_id=None,
    task_id=T,
    entity_kind="Shot",
    entity_name="SQ01 / SH010",
    task_type_name="Layout",
    task_status_short_name="wip",
    status_name="Work In Progress",
    comment_text="Look",
)
LIST = replace(SHOT, kind=PLAYLIST, playlist_id=L, playlist_name="Dailies", task_id=None, entries=3)
ROOT = f"https://localhost:8080/productions/{P}"


def test_every_kind_of_notification_has_its_words() -> None:
    words = texts_of("pegbar.notifications", "en_US")
    assert words.keys() == {*NOTIFICATION_TYPES, "status", "entries"}


@pytest.mark.parametrize(
    ("changed", "url"),
    [
        ({}, f"{ROOT}/shots/tasks/{T}"),
        ({"is_tv_show": True, "episode_id": E}, f"{ROOT}/episodes/{E}/shots/tasks/{T}"),
        ({"entity_kind": "Edit", "is_tv_show": True}, f"{ROOT}/episodes/main/edits/tasks/{T}"),
        ({"entity_kind": "Character", "episode_id": E}, f"{ROOT}/assets/tasks/{T}"),
    ],
)
def test_a_task_is_linked_where_the_web_ui_shows_it(changed: dict[str, Any], url: str) -> None:
    assert replace(SHOT, **changed).url == url


@pytest.mark.parametrize(
    ("changed", "url"),
    [
        ({}, f"{ROOT}/playlists/{L}"),
        ({"is_tv_show": True, "episode_id": E}, f"{ROOT}/episodes/{E}/playlists/{L}"),
        ({"is_tv_show": True, "playlist_for_entity": "asset"}, f"{ROOT}/episodes/main/playlists/{L}"),
        (
            {"is_tv_show": True, "playlist_for_entity": "asset", "playlist_is_for_all": True},
            f"{ROOT}/episodes/all/playlists/{L}",
        ),
    ],
)
def test_a_playlist_is_linked_where_the_web_ui_shows_it(changed: dict[str, Any], url: str) -> None:
    assert replace(LIST, **changed).url == url


def text_by(channel: str, notice: Notice) -> str:
    return message(notice, CHANNELS[channel].style).text


def test_a_playlist_names_its_production_and_entries() -> None:
    assert LIST.title == "The playlist Dailies of Moon is ready for review"
    for channel in CHANNELS:
        assert "It has 3 entries." in text_by(channel, LIST)
        assert "entries" not in text_by(channel, replace(LIST, entries=1))


written = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(written, written, written)
def test_no_text_or_name_adds_markup_to_a_mail(words: str, name: str, title: str) -> None:
    notice = replace(SHOT, comment_text=words, author_name=name, project_name=title, entity_name=name)
    tags = set(re.findall(r"<[^>]*>", text_by("mail", notice)))
    assert tags <= {"<p>", "</p>", "<em>", "</em>", "<br>", "<strong>", "</strong>", "</a>", f'<a href="{notice.url}">'}


@given(st.sampled_from([channel for channel in CHANNELS if channel != "mail"]), written)
def test_no_text_pings_or_links_in_a_chat_app(channel: str, words: str) -> None:
    style = CHANNELS[channel].style
    for text in (style.plain(words), style.quoted(words)):
        if channel == "slack":
            assert not re.search(r"<[!@#]|<http", text)
        else:
            assert not re.search(r"@(?!\u200b)", text)
            assert not re.search(r"(?<!\\)(\\\\)*[\[\]`]", text)
    assert all(line.startswith("> ") for line in style.quoted(words).splitlines())


@pytest.mark.parametrize("address", ["https://chat.example.com/hooks/x", "http://10.0.0.3:8065/hooks/x"])
def test_a_webhook_is_an_http_address(address: str) -> None:
    assert checked_webhook(address) == address


@pytest.mark.parametrize(
    "address", ["ftp://a/b", "file:///etc", "hooks/x", "https://", "http://a:b@c/", "http://[::1", "http://a:99999/"]
)
def test_anything_else_is_no_webhook(address: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        checked_webhook(address)
    assert address not in str(refused.value)
