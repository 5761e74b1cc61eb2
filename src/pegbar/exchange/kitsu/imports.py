"""What is imported from another Kitsu server: one declaration a table. Source: spec exchange, "Kitsu-to-Kitsu import".

    Import("milestones", milestone, "Milestone", milestones.events)

takes rows shaped as the API returns them: keys that are columns are written, all others are ignored. What a table adds
to that (keys under another name, keys that go into `data`, lists of ids) is declared with it; actions.py runs them all.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Transaction
from pegbar.core.data.wire import Wire, wire_of
from pegbar.core.errors import Refused
from pegbar.core.live.events import Event
from pegbar.entities import events as entity_events
from pegbar.entities.kinds import SPECIAL, ensure_type, kind_text
from pegbar.entities.resources import entity_links
from pegbar.entities.shapes import RELATIONS as ENTITY_RELATIONS
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity, entity_link
from pegbar.exchange.kitsu import events, queries
from pegbar.media.resources import preview_files
from pegbar.media.tables import preview_file
from pegbar.notifications.resources import NOTIFICATION, notifications, subscriptions
from pegbar.notifications.tables import notification, subscription
from pegbar.planning.resources import milestones, schedule_items
from pegbar.planning.tables import milestone, schedule_item
from pegbar.productions.resources import metadata_descriptors, projects
from pegbar.productions.shapes import DEPARTMENTS
from pegbar.productions.shapes import RELATIONS as PROJECT_RELATIONS
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.review.resources import playlists
from pegbar.review.tables import build_job, playlist
from pegbar.tasks import events as task_events
from pegbar.tasks.comments.resources import attachments, comments
from pegbar.tasks.resources import news_items
from pegbar.tasks.shapes import ASSIGNEES
from pegbar.tasks.tables import attachment_file, comment, news, task
from pegbar.timesheets.resources import time_spents
from pegbar.timesheets.tables import time_spent

Document = Mapping[str, Any]


@dataclass
class Row:
    """A row of a request: where it stands there, and what of it is written."""

    index: int
    document: Document
    key: tuple[UUID, ...]  #: the values of the columns that tell rows apart
    values: dict[str, Any]
    into_data: Mapping[str, Any]  #: what is added to the column `data`
    links: dict[str, list[UUID]]

    @property
    def id(self) -> UUID:
        """The id that the row has from then on."""
        row_id: UUID = self.values["id"]
        return row_id


@dataclass(frozen=True)
class Links:
    """A key that lists ids. They replace what the row was linked to, unless they only add to it."""

    relation: Relation
    adds: bool = False
    lenient: bool = False  #: what is no id is passed over, not refused

    @property
    def owned(self) -> bool:
        """Whether what is linked names its owner itself, instead of a row between the two."""
        return bool(self.relation.other.primary_key) and self.relation.other.name == "id"

    @property
    def target(self) -> Table:
        """The table of what is linked."""
        return self.relation.link if self.owned else self.relation.target


def _as_it_is(document: Document) -> Document:
    return document


def _nothing(_: Document) -> Mapping[str, Any]:
    return {}


async def _settled(_: Transaction, __: Sequence[Row]) -> None:
    """What most tables need."""


@dataclass(frozen=True, eq=False)
class Import:
    """The import of a table: its path, its rows as they are answered, its events, and what is its own."""

    name: str
    table: Table
    type: str
    #: By verb, `new` and `update`; the first key of their payload is the row's id.
    events: Mapping[Any, Event] = field(default_factory=dict)
    #: The same of each kind of row, by the column that tells the kind.
    events_by_kind: Mapping[str, Mapping[str, Event]] = field(default_factory=dict)
    kind: ColumnElement[Any] | None = None
    #: What the events tell besides.
    told: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    told_to: ColumnElement[Any] | None = None  #: the one person who is told
    wire: Wire | None = None
    key: tuple[str, ...] = ("id",)
    links: tuple[Links, ...] = ()
    #: Whether `updated_at` is the time of the import rather than what was sent.
    touched: bool = False
    #: The reference without which the row belongs to no production; the database does not hold it.
    anchor: str | None = None
    columns: Callable[[Document], Document] = _as_it_is  #: the keys as the columns are called
    into_data: Callable[[Document], Mapping[str, Any]] = _nothing
    settle: Callable[[Transaction, Sequence[Row]], Awaitable[None]] = _settled  #: what needs the database

    @property
    def merges(self) -> bool:
        """Whether something may be added to the column `data`."""
        return self.into_data is not _nothing

    @cached_property
    def shape(self) -> Wire:
        """The keys of a row in the answer."""
        return self.wire or wire_of(self.table, self.type)

    def event(self, verb: str, kind: str | None) -> Event:
        """The event of a row that is new or changed."""
        return self.events_by_kind[verb][kind] if kind is not None else self.events[verb]

    def every_event(self) -> list[Event]:
        """All that may be told."""
        by_kind = [named for verb in self.events_by_kind.values() for named in verb.values()]
        return [*[self.events[verb] for verb in ("new", "update") if verb in self.events], *by_kind]


# Entities

_NONE = ("", "None")
_FRAMES = ("frame_in", "frame_out", "fps")
#: Keys under which the API shows a column of some kinds of entities.
_SHOWN_AS = {"asset_type_id": "entity_type_id", "sequence_id": "parent_id"}


def _entity_columns(document: Document) -> Document:
    columns = dict(document)
    for shown, name in _SHOWN_AS.items():
        if document.get(shown) is not None:
            columns[name] = document[shown]
    if columns.get("preview_file_id") == "":
        del columns["preview_file_id"]
    # As boards and pages of assets say that there is none.
    return columns | {name: None for name in ("parent_id", "source_id", "ready_for") if columns.get(name) in _NONE}


def _frames(document: Document) -> Mapping[str, Any]:
    return {name: document[name] for name in _FRAMES if document.get(name) not in (None, "")}


async def _settle_entities(tx: Transaction, rows: Sequence[Row]) -> None:
    """Give shots, sequences… the entity type that this server has for them; forget pictures that are not here yet."""
    kinds = {kind for row in rows if isinstance(kind := row.document.get("type"), str) and kind in SPECIAL}
    type_ids = {kind: await ensure_type(tx, kind) for kind in sorted(kinds)}
    previews = {row.values["preview_file_id"] for row in rows if row.values.get("preview_file_id") is not None}
    known = await queries.known(tx, preview_file, previews)
    for row in rows:
        kind = row.document.get("type")
        if isinstance(kind, str) and kind in type_ids:
            row.values["entity_type_id"] = type_ids[kind]
        if row.values.get("preview_file_id") not in {None, *known}:
            del row.values["preview_file_id"]


# Other tables


def _task_of_comment(document: Document) -> Document:
    return {"object_type": "Task", **document}


def _preview_columns(document: Document) -> Document:
    return {**document, "status": document.get("status") or "ready"}


def _without_binary(_: Document) -> Mapping[str, Any]:
    """No frame or tile is taken out of a picture that is not here."""
    return {"imported_only": True}


_NEWS = ("id", "created_at", "change", "author_id", "comment_id", "preview_file_id", "task_id")


def _news_columns(document: Document) -> Document:
    for name in _NEWS:
        if name not in document:
            raise Refused(f"{name} is required.", field=name)
    return {**{name: document[name] for name in _NEWS}, "updated_at": document["created_at"]}


def _notification_columns(document: Document) -> Document:
    """The column `type` is shown under another key, as `type` is the kind of row."""
    if document.get("notification_type") is None:
        raise Refused("notification_type is required.", field="notification_type")
    return {**document, "type": document["notification_type"]}


def _adding(relations: Sequence[Relation]) -> tuple[Links, ...]:
    return tuple(Links(relation, adds=True) for relation in relations)


_ENTITIES_OUT = next(relation for relation in ENTITY_RELATIONS if relation.key == "entities_out")

IMPORTS = (
    Import("projects", project, "Project", projects.events, links=_adding(PROJECT_RELATIONS), touched=True),
    Import(
        "entities",
        entity,
        "Entity",
        events_by_kind={"new": entity_events.NEW, "update": entity_events.UPDATE},
        kind=kind_text(),
        wire=UNTYPED,
        links=(Links(_ENTITIES_OUT),),
        touched=True,
        columns=_entity_columns,
        into_data=_frames,
        settle=_settle_entities,
    ),
    Import(
        "entity-links",
        entity_link,
        "EntityLink",
        entity_links.events,
        key=("entity_in_id", "entity_out_id"),
    ),
    Import(
        "tasks",
        task,
        "Task",
        {"new": task_events.TASK_NEW, "update": task_events.TASK_UPDATE},
        links=(Links(ASSIGNEES, lenient=True),),
        touched=True,
    ),
    Import(
        "comments",
        comment,
        "Comment",
        {"new": task_events.COMMENT_NEW, "update": task_events.COMMENT_UPDATE},
        told={
            "task_id": comment.c.object_id,
            "person_id": comment.c.person_id,
            "for_client": comment.c.for_client,
        },
        links=tuple(Links(relation) for relation in comments.relations),
        touched=True,
        anchor="object_id",
        columns=_task_of_comment,
    ),
    Import(
        "preview-files",
        preview_file,
        "PreviewFile",
        preview_files.events,
        columns=_preview_columns,
        into_data=_without_binary,
    ),
    Import("attachment-files", attachment_file, "AttachmentFile", attachments.events, wire=attachments.wire),
    Import("news", news, "News", news_items.events, columns=_news_columns),
    Import(
        "notifications",
        notification,
        "Notification",
        notifications.events,
        wire=NOTIFICATION,
        told_to=notification.c.person_id,
        columns=_notification_columns,
    ),
    Import("subscriptions", subscription, "Subscription", subscriptions.events, told_to=subscription.c.person_id),
    Import("time-spents", time_spent, "TimeSpent", time_spents.events),
    Import("playlists", playlist, "Playlist", playlists.events),
    Import("build-jobs", build_job, "BuildJob", {"new": events.BUILD_JOB_NEW, "update": events.BUILD_JOB_UPDATE}),
    Import("milestones", milestone, "Milestone", milestones.events),
    Import("schedule-items", schedule_item, "ScheduleItem", schedule_items.events),
    Import(
        "metadata-descriptors",
        metadata_descriptor,
        "MetadataDescriptor",
        metadata_descriptors.events,
        links=_adding([DEPARTMENTS]),
    ),
)
