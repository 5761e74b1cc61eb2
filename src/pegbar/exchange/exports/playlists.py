"""A playlist as a sheet: what is shown of each entity, and what was last said of it. Source: spec exchange."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, case, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.standing import CALLER, Said, hears
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Uuid
from pegbar.entities.kinds import ASSET, is_kind
from pegbar.entities.scopes import FOR_CLIENTS, linked
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import blank_value
from pegbar.exchange.exports.cells import NOTHING, words
from pegbar.exchange.exports.export import Column, Export, line_of
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.review.tables import playlist
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.tables import comment, task

_PLAYLIST_ID, _TIMEZONE = param("playlist_id"), param("timezone", Text)
_UUID = words("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_SLASH = words(" / ")
_parent, _grandparent, EPISODE = entity.alias("parent"), entity.alias("grandparent"), entity.alias("episode")


def moment(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A date in the caller's time zone, such as 2026-01-31T09:30:00."""
    there = func.timezone(_TIMEZONE, func.timezone(words("UTC"), column))
    return func.to_char(there, words('YYYY-MM-DD"T"HH24:MI:SS'), type_=Text)


def of_playlist(*values: ColumnElement[Any]) -> Select[Any]:
    """What is said of the playlist `playlist_id`, with its production and the EPISODE it is of."""
    source = playlist.join(project, project.c.id == playlist.c.project_id)
    source = source.outerjoin(EPISODE, EPISODE.c.id == playlist.c.episode_id)
    return select(*values).select_from(source).where(playlist.c.id == _PLAYLIST_ID)


# What is in it

_whole = select(playlist.c.project_id, playlist.c.shots).where(playlist.c.id == _PLAYLIST_ID).cte("whole")
_IS_LIST = func.jsonb_typeof(_whole.c.shots) == words("array")
_listed = (
    func.jsonb_array_elements(case((_IS_LIST, _whole.c.shots), else_=cast(words("[]"), JSONB)))
    .table_valued("entry", with_ordinality="n", name="listed")
    .render_derived()
)


def _id_at(*keys: str) -> ColumnElement[Any]:
    """The id under the first of some keys; NULL for what is none."""
    entry = cast(_listed.c.entry, JSONB)
    text = func.coalesce(*(entry.op("->>", return_type=Text())(words(key)) for key in keys), type_=Text)
    return case((text.op("~")(_UUID), cast(text, Uuid)))


#: The entries of the playlist `playlist_id`, by their place `n`.
ENTRIES = (
    select(
        _listed.c.n,
        _whole.c.project_id,
        _id_at("id", "shot_id", "entity_id").label("entity_id"),
        _id_at("preview_file_id").label("preview_file_id"),
    )
    .select_from(_whole.join(_listed, true()))
    .cte("entries")
)


def shown(*seen: ColumnElement[bool]) -> FromClause:
    """Entries with their entity, and the preview of it that is shown, if there is one: others are not told of."""
    is_entity = and_(entity.c.id == ENTRIES.c.entity_id, linked(entity, ENTRIES.c.project_id), *seen)
    return (
        ENTRIES.outerjoin(entity, is_entity)
        .outerjoin(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
        .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
        .outerjoin(
            preview_file.join(task, task.c.id == preview_file.c.task_id),
            (preview_file.c.id == ENTRIES.c.preview_file_id) & (task.c.entity_id == entity.c.id),
        )
        .outerjoin(task_type, task_type.c.id == task.c.task_type_id)
        .outerjoin(task_status, task_status.c.id == task.c.task_status_id)
    )


#: What an entity is called: with what is above it.
NAME = case(
    (is_kind(ASSET), func.concat_ws(_SLASH, entity_type.c.name, entity.c.name)),
    else_=func.concat_ws(_SLASH, _grandparent.c.name, _parent.c.name, entity.c.name),
)


def _last_comment(*, for_client: bool) -> FromClause:
    """The last comment of the task that no client wrote; for a client the last of those that they are shown."""
    said = Said(comment.c.person_id, task.c.project_id, comment.c.for_client)
    shown = hears("client", CALLER, said) if for_client else true()
    return (
        select(comment.c.text, comment.c.created_at, FULL_NAME.element.label("author"))
        .select_from(comment.join(person, person.c.id == comment.c.person_id))
        .where(comment.c.object_id == task.c.id, ~said.by_client, shown)
        .order_by(comment.c.created_at.desc(), comment.c.id)
        .limit(literal_column("1"))
        .correlate(task)
        .lateral("last_comment")
    )


@lru_cache
def export(*, for_client: bool) -> Export:
    """A playlist. Takes `playlist_id` and the `timezone` of its dates."""
    last_comment = _last_comment(for_client=for_client)
    source = shown(FOR_CLIENTS) if for_client else shown()
    retakes = blank_value(task.c.retake_count) if for_client else task.c.retake_count
    rows = (
        select(
            NAME.label("entity"),
            entity.c.nb_frames.label("frames"),
            task_type.c.name.label("task_type"),
            case((task.c.id.is_not(None), retakes)).label("retakes"),
            preview_file.c.revision.label("revision"),
            task_status.c.name.label("status"),
            last_comment.c.author.label("author"),
            moment(last_comment.c.created_at).label("said_at"),
            last_comment.c.text.label("text"),
        )
        .select_from(source.outerjoin(last_comment, true()))
        .order_by(ENTRIES.c.n)
    )
    columns = (
        Column("Entity name", "entity"),
        Column("Nb Frames", "frames", "number"),
        Column("Task Type", "task_type"),
        Column("Retake count", "retakes", "number"),
        Column("Revision", "revision", "number"),
        Column("Task Status", "status"),
        Column("Last comment author", "author"),
        Column("Last comment date", "said_at", "plain"),
        Column("Last comment", "text"),
    )
    return Export(of_playlist(_FILE).scalar_subquery(), columns, [rows], before=(_title(), line_of(*[NOTHING] * 7)))


_FILE = func.concat(words("kitsu "), project.c.name, words(" playlist "), playlist.c.name, type_=Text)


def _title() -> ColumnElement[str]:
    of_episode = case((EPISODE.c.id.is_not(None), func.concat(words(" - "), EPISODE.c.name, type_=Text)))
    is_for_shots = func.coalesce(playlist.c.for_entity, words("shot"), type_=Text) == words("shot")
    made_for = case((is_for_shots, words(" | for shots")), else_=words(" | for assets"))
    place = func.concat(project.c.name, of_episode, made_for, type_=Text)
    line = line_of("Playlist", place, playlist.c.name, moment(playlist.c.created_at), "", "", "")
    return of_playlist(line).scalar_subquery()
