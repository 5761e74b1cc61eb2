"""What a notification says, in the style of each channel. Pure: a `Notice` in, a message out.

The words are data (texts/): of each kind a subject and a sentence. In both `{author}`, `{task}`, `{status}`,
`{playlist}` and `{project}` are filled in: plainly in the subject, in the sentence made harmless and marked up.
Source: spec tasks, "Notifications", Mails/chat; spec operations, "Outgoing mails".
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pegbar.config import settings
from pegbar.core.messages.channel import Message, Style
from pegbar.core.messages.languages import language_of, texts_of

COMMENT, STATUS, MENTION, REPLY, REPLY_MENTION, ASSIGNATION, PLAYLIST = (
    "comment",
    "status",
    "mention",
    "reply",
    "reply-mention",
    "assignation",
    "playlist-ready",
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
    def texts(self) -> dict[str, Any]:
        """The words in the language of the recipient."""
        return texts_of("pegbar.notifications", self.language)

    @property
    def words(self) -> dict[str, str]:
        """The subject and the sentence, to fill in."""
        kind = STATUS if self.kind == COMMENT and not self.comment_text.strip() else self.kind
        words: dict[str, str] = self.texts[kind]
        return words

    @property
    def quotes(self) -> tuple[str, ...]:
        """What was said: for a mention in a reply also what it replies to."""
        texts: tuple[str, ...] = {
            COMMENT: (self.comment_text,),
            MENTION: (self.comment_text,),
            REPLY: (self.reply_text,),
            REPLY_MENTION: (self.comment_text, self.reply_text),
            ASSIGNATION: (),
            PLAYLIST: (),
        }[self.kind]
        return tuple(quote.strip() for quote in texts if quote.strip())

    @property
    def title(self) -> str:
        """What happened, in plain words; a comment's names the status of the task."""
        title = self.words["subject"].format_map(
            {
                "author": self.author_first_name or self.author_name,
                "task": self.task_name,
                "playlist": self.playlist_name,
                "project": self.project_name,
            }
        )
        return f"{self.task_status_short_name.upper()} - {title}" if self.kind == COMMENT else title


def message(notice: Notice, style: Style) -> Message:
    """The notice as a message of a channel that writes in this style."""
    values = {
        "author": style.bold(notice.author_name),
        "task": style.link(notice.url, notice.task_name),
        "status": style.bold(notice.status_name),
        "playlist": style.link(notice.url, notice.playlist_name),
        "project": style.plain(notice.project_name),
    }
    paragraphs = [notice.words["sentence"].format_map(values)]
    if notice.entries > 1:
        paragraphs.append(notice.texts["entries"].format(count=notice.entries))
    paragraphs += [style.quoted(quote) for quote in notice.quotes]
    return Message(
        style.joined(paragraphs),
        title=notice.title,
        language=notice.language,
        sender=f"Kitsu - {notice.project_name}",
        icon_url=f"{settings().public_url}/favicon.ico",
    )
