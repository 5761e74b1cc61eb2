"""What a review says of a playlist: its entries in order, with what is drawn on them and what was said of them.

What a caller is told is what they see on the page: the comments that are for them, by the rules of accounts/standing.
Source: issue "Review together"; spec accounts, "comment access".
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Text,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.standing import CALLER, Said, Who, hears
from pegbar.accounts.tables import person
from pegbar.core.data.wire import json_list, json_object
from pegbar.core.http.access import Caller
from pegbar.entities.scopes import FOR_CLIENTS
from pegbar.entities.tables import entity
from pegbar.exchange.exports.cells import words
from pegbar.exchange.exports.export import Column, Export
from pegbar.exchange.exports.playlists import ENTRIES, EPISODE, NAME, moment, of_playlist, shown
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.review.tables import playlist
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks.comments.shapes import REPLIES
from pegbar.tasks.tables import comment, task

Reader = Literal["leads", "artist", "client"]
_NOBODY = Who(null(), null())
_SAID = Said(comment.c.person_id, task.c.project_id, comment.c.for_client)
_HEARD: dict[Reader, ColumnElement[bool]] = {
    "leads": true(),
    "artist": hears("user", CALLER, _SAID),
    "client": hears("client", CALLER, _SAID),
}
_HEARD_BY_CLIENTS = hears("client", _NOBODY, _SAID)


@dataclass(frozen=True)
class Audience:
    """Who takes a review along, and whether it is for clients: then of what they see only what any client does."""

    reader: Reader
    for_client: bool

    @property
    def hears(self) -> ColumnElement[bool]:
        """The comments that they are shown."""
        return _HEARD[self.reader] & _HEARD_BY_CLIENTS if self.for_client else _HEARD[self.reader]


def audience(caller: Caller, *, for_client: bool) -> Audience:
    """The audience that a caller is. What clients see is for clients anyway."""
    if caller.role_here == "client":
        return Audience("client", False)
    return Audience("leads" if caller.supervises else "artist", for_client)


def _source(who: Audience) -> FromClause:
    return shown(FOR_CLIENTS) if who.for_client or who.reader == "client" else shown()


#: The words of which the file's name is made.
FILE_NAME = func.concat(words("kitsu "), project.c.name, words(" review "), playlist.c.name, type_=Text)
_noted_status = task_status.alias("noted_status")
_AUTHOR = FULL_NAME.element


_NOTES = comment.join(person, person.c.id == comment.c.person_id).outerjoin(
    _noted_status, _noted_status.c.id == comment.c.task_status_id
)


def _noted(who: Audience) -> ColumnElement[bool]:
    """The comments of an entry's task that this audience is shown."""
    return (comment.c.object_id == task.c.id) & comment.c.task_status_id.is_not(None) & who.hears


# On paper

#: The pictures and movies of the revision that is shown: all positions, the one shown first.
_drawn = preview_file.alias("drawn")
_IS_SHOWN = (_drawn.c.id == preview_file.c.id) | (
    (_drawn.c.task_id == preview_file.c.task_id) & (_drawn.c.revision == preview_file.c.revision)
)
_PREVIEWS = json_list(
    select(
        json_object(
            {name: _drawn.c[name] for name in ("id", "position", "extension", "width", "height", "annotations")}
        )
    )
    .where(_IS_SHOWN)
    .order_by(_drawn.c.id != preview_file.c.id, _drawn.c.position, _drawn.c.id)
    .correlate(preview_file)
)


@lru_cache
def size(who: Audience) -> Executable:
    """What a review holds: its entries, notes, letters in them, and bytes of drawings as they are stored."""
    source = _source(who)
    nothing = literal_column("0", Integer)
    letters = func.coalesce(func.length(comment.c.text), nothing)
    more = [func.coalesce(func.pg_column_size(column), nothing) for column in (comment.c.checklist, comment.c.replies)]
    drawings = select(func.sum(func.pg_column_size(_drawn.c.annotations))).select_from(source.join(_drawn, _IS_SHOWN))
    return select(
        select(func.count()).select_from(ENTRIES).scalar_subquery().label("entries"),
        func.count(comment.c.id).label("notes"),
        func.coalesce(func.sum(letters + more[0] + more[1]), nothing).label("letters"),
        func.coalesce(drawings.scalar_subquery(), nothing).label("drawings"),
    ).select_from(source.join(_NOTES, _noted(who)))


@lru_cache
def review(who: Audience) -> Executable:
    """A review as one object. Takes `playlist_id` and the `timezone` of its dates."""
    note = {
        "author": _AUTHOR,
        "said_at": moment(comment.c.created_at),
        "status": _noted_status.c.name,
        "text": comment.c.text,
        "checklist": comment.c.checklist,
        "replies": REPLIES,
    }
    notes = json_list(
        select(json_object(note))
        .select_from(_NOTES)
        .where(_noted(who))
        .order_by(comment.c.created_at, comment.c.id)
        .correlate(task)
    )
    entry = {
        "name": cast(NAME, Text),
        "task_type": task_type.c.name,
        "status": task_status.c.name,
        "revision": preview_file.c.revision,
        "entity_fps": cast(entity.c.data, JSONB).op("->>", return_type=Text())(words("fps")),
        "previews": _PREVIEWS,
        "notes": notes,
    }
    entries = json_list(
        select(json_object(entry))
        .select_from(_source(who).join(project, project.c.id == ENTRIES.c.project_id))
        .where(entity.c.id.is_not(None))
        .order_by(ENTRIES.c.n)
    )
    head = {
        "playlist": playlist.c.name,
        "project": project.c.name,
        "project_fps": project.c.fps,
        "episode": EPISODE.c.name,
        "file_name": FILE_NAME,
        "made_at": moment(func.timezone(words("UTC"), func.now())),
        "entries": entries,
    }
    return of_playlist(json_object(head))


# As a sheet

_ITEM = literal_column("item.value", JSONB)


def _at(*keys: str) -> ColumnElement[str]:
    """The text that is so deep in an item."""
    return _ITEM.op("#>>", return_type=Text())(words("{" + ",".join(keys) + "}"))


def _lines_of(items: ColumnElement[Any], line: ColumnElement[str]) -> ColumnElement[str]:
    """A line for each item of a JSON list; NULL for what is no list, or has none."""
    some = case((func.jsonb_typeof(items) == words("array"), items), else_=cast(words("[]"), JSONB))
    listed = func.jsonb_array_elements(some).table_valued("value", with_ordinality="n", name="item")
    in_order = aggregate_order_by(words("\n"), literal_column("item.n"))
    lines = select(func.string_agg(line, in_order, type_=Text)).select_from(listed.render_derived(name="item"))
    return lines.correlate(comment).scalar_subquery()


_CHECKED = case((_at("checked") == words("true"), words("[x] ")), else_=words("[ ] "))
_CHECKLIST = _lines_of(comment.c.checklist, func.concat(_CHECKED, _at("text"), type_=Text))
_REPLIES = _lines_of(
    cast(cast(REPLIES, Text), JSONB), func.concat(_at("person", "full_name"), words(": "), _at("text"), type_=Text)
)


@lru_cache
def sheet(who: Audience) -> Export:
    """A review with a row for each note. Takes `playlist_id` and the `timezone` of its dates."""
    note = (
        select(
            comment.c.id,
            comment.c.created_at,
            _AUTHOR.label("author"),
            _noted_status.c.name.label("status"),
            comment.c.text,
            _CHECKLIST.label("checklist"),
            _REPLIES.label("replies"),
        )
        .select_from(_NOTES)
        .where(_noted(who))
        .correlate(task)
        .lateral("note")
    )
    rows = (
        select(
            ENTRIES.c.n,
            NAME.label("entity"),
            task_type.c.name.label("task_type"),
            preview_file.c.revision.label("revision"),
            task_status.c.name.label("status"),
            note.c.author,
            moment(note.c.created_at).label("said_at"),
            note.c.status.label("note_status"),
            note.c.text,
            note.c.checklist,
            note.c.replies,
        )
        .select_from(_source(who).join(note, true()))
        .order_by(ENTRIES.c.n, note.c.created_at, note.c.id)
    )
    columns = (
        Column("Position", "n", "number"),
        Column("Entity name", "entity"),
        Column("Task Type", "task_type"),
        Column("Revision", "revision", "number"),
        Column("Task Status", "status"),
        Column("Author", "author"),
        Column("Date", "said_at", "plain"),
        Column("Note Status", "note_status"),
        Column("Note", "text"),
        Column("Checklist", "checklist"),
        Column("Replies", "replies"),
    )
    return Export(of_playlist(FILE_NAME).scalar_subquery(), columns, [rows])
