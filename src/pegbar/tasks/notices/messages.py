"""What a notification says, by mail and in each chat app. Pure: a `Notice` in, texts out.

Whatever people wrote (names, comments) is made harmless for the place where it is shown.
Source: spec tasks, "Notifications", Mails/chat; spec operations, "Outgoing mails".
"""

from dataclasses import dataclass
from uuid import UUID

from pegbar.config import settings
from pegbar.core.messages.chat_apps import App, Style, Text
from pegbar.core.messages.mail import Mail, escaped, language_of, link
from pegbar.tasks.notices.texts import (
    ASSIGNATION,
    COMMENT,
    ENTRIES,
    MENTION,
    PLAYLIST,
    REPLY,
    REPLY_MENTION,
    STATUS,
    TEXTS,
)

#: Which part of the web UI shows the tasks of a kind of entity.
_SECTIONS = {"Shot": "shots", "Edit": "edits"}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A notification with all that its message tells."""

    kind: str
    recipient_locale: str | None
    author_name: str
    author_first_name: str
    project_id: UUID | None
    project_name: str
    is_tv_show: bool
    episode_id: UUID | None
    task_id: UUID | None = None
    entity_kind: str = ""
    entity_name: str = ""
    task_type_name: str = ""
    task_status_short_name: str = ""
    status_name: str = ""
    comment_text: str = ""
    reply_text: str = ""
    playlist_id: UUID | None = None
    playlist_name: str = ""
    playlist_for_entity: str = ""
    playlist_is_for_all: bool = False
    entries: int = 0

    @property
    def language(self) -> str:
        """The language of the recipient."""
        return language_of(self.recipient_locale)

    @property
    def task_name(self) -> str:
        """`<project> / <full entity name> / <task type>`."""
        return " / ".join(part for part in (self.project_name, self.entity_name, self.task_type_name) if part)

    @property
    def url(self) -> str:
        """Where the web UI shows the task or the playlist."""
        root = f"{settings().public_url}/productions/{self.project_id}"
        if self.kind == PLAYLIST:
            return f"{root}{self._episode_of_playlist()}/playlists/{self.playlist_id}"
        episode = f"/episodes/{self.episode_id or 'main'}" if self.is_tv_show else ""
        return f"{root}{episode}/{_SECTIONS.get(self.entity_kind, 'assets')}/tasks/{self.task_id}"

    def _episode_of_playlist(self) -> str:
        if self.episode_id is not None:
            return f"/episodes/{self.episode_id}"
        if self.is_tv_show and self.playlist_for_entity == "asset":
            return "/episodes/all" if self.playlist_is_for_all else "/episodes/main"
        return ""

    @property
    def words(self) -> tuple[str, str]:
        """The subject and the sentence, to fill in."""
        kind = STATUS if self.kind == COMMENT and not self.comment_text.strip() else self.kind
        return TEXTS[self.language][kind]

    @property
    def said(self) -> tuple[str, ...]:
        """What was said: for a mention in a reply also what it replies to."""
        texts = {
            COMMENT: (self.comment_text,),
            MENTION: (self.comment_text,),
            REPLY: (self.reply_text,),
            REPLY_MENTION: (self.comment_text, self.reply_text),
            ASSIGNATION: (),
            PLAYLIST: (),
        }[self.kind]
        return tuple(each.strip() for each in texts if each.strip())

    @property
    def title(self) -> str:
        """What happened, in plain words; a comment's names the status of the task."""
        filled = self.words[0].format_map(
            {
                "author": self.author_first_name or self.author_name,
                "task": self.task_name,
                "playlist": self.playlist_name,
                "project": self.project_name,
            }
        )
        return f"{self.task_status_short_name.upper()} - {filled}" if self.kind == COMMENT else filled


def mail(notice: Notice, address: str) -> Mail:
    """The notice as a mail to an address."""
    values = {
        "author": f"<strong>{escaped(notice.author_name)}</strong>",
        "task": link(notice.url, notice.task_name),
        "status": f"<strong>{escaped(notice.status_name)}</strong>",
        "playlist": link(notice.url, notice.playlist_name),
        "project": escaped(notice.project_name),
    }
    parts = [f"<p>{notice.words[1].format_map(values)}</p>"]
    if notice.entries > 1:
        parts.append(f"<p>{TEXTS[notice.language][ENTRIES][1].format(count=notice.entries)}</p>")
    parts += [f"<p><em>{'<br>'.join(escaped(said).splitlines())}</em></p>" for said in notice.said]
    return Mail(
        to=address,
        subject=f"[Kitsu] {notice.title}",
        title=notice.title,
        message="\n".join(parts),
        language=notice.language,
    )


def chat_text(notice: Notice, app: App) -> Text:
    """The notice as a message of a chat app."""
    style = Style(app)
    values = {
        "author": style.bold(notice.author_name),
        "task": style.link(notice.url, notice.task_name),
        "status": style.bold(notice.status_name),
        "playlist": style.link(notice.url, notice.playlist_name),
        "project": style.plain(notice.project_name),
    }
    parts = [notice.words[1].format_map(values)]
    if notice.entries > 1:
        parts.append(TEXTS[notice.language][ENTRIES][1].format(count=notice.entries))
    parts += [style.quoted(said) for said in notice.said]
    icon = f"{settings().public_url}/favicon.ico"
    return Text("\n\n".join(parts), title=notice.title, sender=f"Kitsu - {notice.project_name}", icon_url=icon)
