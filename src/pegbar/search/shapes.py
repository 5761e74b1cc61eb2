"""What can be found: each index, whom its rows are shown, and as what. Source: spec review, "POST /data/search".

The indexes of a group are narrowed by the same rules, and so found by the same statement.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Text, any_, case, false, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts import shapes as people
from pegbar.accounts.people.shapes import OUTSIDERS, TEAM_MATE, minimal_wire
from pegbar.accounts.standing import CALLER, Narrowing, Said, on
from pegbar.accounts.standing import sees_comment as sees
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import JsonText, Wire, wire_of
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import ASSET, EDIT, EPISODE, SEQUENCE, SHOT, kind_text
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE
from pegbar.entities.shapes import below_episode, below_sequence, episode, row_of_kind, sequence, with_project
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import audience
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.review.shapes import LISTED
from pegbar.review.tables import playlist
from pegbar.search import queries
from pegbar.search.queries import FOUND
from pegbar.studio.tables import entity_type, task_type
from pegbar.tasks.tables import comment, task

#: The production of documents that are of none.
NO_PRODUCTION = UUID(int=0)


@dataclass(frozen=True)
class Seen:
    """What a caller finds: the documents, with what the conditions are about, and the conditions."""

    source: FromClause
    narrow: tuple[ColumnElement[bool], ...] = ()
    #: Of documents that fit a query, for those who do not see all metadata.
    seeing: queries.Seeing | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Indexes whose rows are narrowed alike."""

    seen: Callable[[Caller], Seen]
    scoped: bool = True  #: by productions


@dataclass(frozen=True, eq=False)
class Index:
    """Rows of a kind that are found, and how they are shown."""

    group: Group
    source: FromClause  #: the documents with all that the wires need
    wire: Callable[[Caller], Wire]


ALL = Seen(queries.documents())

# Entities

_KIND = kind_text()
_FOR_VENDORS = case(
    (FOUND.c.kind == literal_column("'sequences'"), ASSIGNED_IN_SEQUENCE),
    (FOUND.c.kind == literal_column("'episodes'"), ASSIGNED_IN_EPISODE),
    else_=ASSIGNED,
)
_entities_seen = Narrowing(FOUND.c.project_id, vendor=_FOR_VENDORS)
_with_entity = queries.documents_of(entity, entity.c.id)


@lru_cache
def _sees_match(audience: str) -> queries.Seeing:
    return queries.sees_match(data_for(audience, _KIND))


def _entities(caller: Caller) -> Seen:
    seeing = audience(caller)
    if seeing == "studio":
        return ALL
    narrow = _entities_seen(caller) if "vendor" in caller.roles else None
    return Seen(_with_entity, () if narrow is None else (narrow,), _sees_match(seeing))


ENTITIES = Group(_entities)
_OF_TYPES = entity.c.entity_type_id == any_(param("entity_type_ids"))


def of_types(seen: Seen) -> Seen:
    """Of entities, those of some types only."""
    return replace(seen, source=_with_entity, narrow=(*seen.narrow, _OF_TYPES))


_EXTENSION = (
    select(preview_file.c.extension).where(preview_file.c.id == entity.c.preview_file_id).correlate(entity)
).scalar_subquery()
_TYPE_NAME = select(entity_type.c.name).where(entity_type.c.id == entity.c.entity_type_id).scalar_subquery()


@lru_cache
def _entity_wire(kind: str, audience: str, names: "frozenset[tuple[str, ColumnElement[str]]]") -> Wire:
    data = data_for(audience, kind)
    plain = case((func.jsonb_typeof(data) == literal_column("'object'"), data)).cast(JSONB)
    row = row_of_kind(kind) if audience == "studio" else row_of_kind(kind).but(data=data)
    return row.but(
        project_name=project.c.name,
        **dict(names),
        preview_file_extension=_EXTENSION,
        matched_terms=queries.matched(plain, name=queries.in_name(), description=queries.in_description()),
    )


def _entity_index(kind: str, above: FromClause, **names: ColumnElement[str]) -> Index:
    """Entities of a kind, with what is above them, and its names."""
    told = frozenset(names.items())
    source = queries.documents_of(above, entity.c.id)
    return Index(ENTITIES, source, lambda caller: _entity_wire(kind, audience(caller), told))


_own_episode = entity.alias("own_episode")
_of_episode = with_project.outerjoin(_own_episode, _own_episode.c.id == entity.c.source_id)
_IN_EPISODE = {"episode_id": episode.c.id, "episode": episode.c.name, "episode_name": episode.c.name}
_SEQUENCE_NAME = func.coalesce(sequence.c.name, literal_column("''"), type_=Text)

# People

_with_person = queries.documents_of(person, person.c.id)
_MATES = Seen(_with_person, (or_(TEAM_MATE, person.c.id == CALLER.id),))
PEOPLE = Group(lambda caller: _MATES if caller.role in OUTSIDERS else ALL, scoped=False)
_no_departments = literal_column("'[]'", JsonText())
_person_matched = queries.matched(name=queries.in_name())
_PERSON = {
    "admin": people.SAFE.but(matched_terms=_person_matched),
    "client": people.CLIENT.but(departments=_no_departments, matched_terms=_person_matched),
}
_COLLEAGUE = minimal_wire(relations=False).but(matched_terms=_person_matched)

# Productions, playlists

PRODUCTIONS = Group(lambda _: ALL)
_PRODUCTION = (
    wire_of(project, "Project")
    .only("id", "type", "name", "code", "description", "production_type", "has_avatar", "project_status_id")
    .but(
        matched_terms=queries.matched(
            name=queries.in_name("a"), code=queries.in_name("b"), description=queries.in_description()
        )
    )
)

_playlists_seen = Narrowing(FOUND.c.project_id, vendor=false(), client=func.coalesce(playlist.c.for_client, false()))
_with_playlist = queries.documents_of(playlist, playlist.c.id)


def _playlists(caller: Caller) -> Seen:
    narrow = _playlists_seen(caller) if caller.roles & {"vendor", "client"} else None
    return ALL if narrow is None else Seen(_with_playlist, (narrow,))


_PLAYLIST = LISTED.but(project_name=project.c.name, matched_terms=queries.matched(name=queries.in_name()))

# Comments

_with_comment = queries.documents_of(comment.join(task, task.c.id == comment.c.object_id), comment.c.id)
_here = on(CALLER, FOUND.c.project_id)
_said = Said(comment.c.person_id, FOUND.c.project_id, comment.c.for_client)
_HEARD = Seen(_with_comment, (sees(_here, _said, task.c.entity_id), _here.reaches(task.c.entity_id)))


def _comments(caller: Caller) -> Seen:
    return ALL if caller.is_admin else _HEARD


_COMMENT = (
    wire_of(comment, "Comment")
    .only("id", "type", "text", "object_id", "person_id", "task_status_id", "for_client", "created_at", "updated_at")
    .but(
        task_type_id=task.c.task_type_id,
        task_type_name=task_type.c.name,
        entity_id=task.c.entity_id,
        entity_name=entity.c.name,
        project_id=task.c.project_id,
        project_name=project.c.name,
        matched_terms=queries.matched(text=queries.in_name()),
    )
)
_around_comment = (
    comment.join(task, task.c.id == comment.c.object_id)
    .join(project, project.c.id == task.c.project_id)
    .outerjoin(entity, entity.c.id == task.c.entity_id)
    .outerjoin(task_type, task_type.c.id == task.c.task_type_id)
)

#: By the names that a search gives.
INDEXES: dict[str, Index] = {
    "assets": _entity_index(
        ASSET,
        _of_episode,
        asset_type_name=_TYPE_NAME,
        episode_id=_own_episode.c.id,
        episode_name=_own_episode.c.name,
    ),
    "shots": _entity_index(SHOT, below_sequence, sequence_name=_SEQUENCE_NAME, **_IN_EPISODE),
    "sequences": _entity_index(SEQUENCE, below_episode, **_IN_EPISODE),
    "edits": _entity_index(EDIT, below_episode, **_IN_EPISODE),
    "episodes": _entity_index(EPISODE, with_project),
    "persons": Index(PEOPLE, _with_person, lambda caller: _PERSON.get(caller.role, _COLLEAGUE)),
    "projects": Index(PRODUCTIONS, queries.documents_of(project, project.c.id), lambda _: _PRODUCTION),
    "playlists": Index(
        Group(_playlists),
        queries.documents_of(playlist.join(project, project.c.id == playlist.c.project_id), playlist.c.id),
        lambda _: _PLAYLIST,
    ),
    "comments": Index(Group(_comments), queries.documents_of(_around_comment, comment.c.id), lambda _: _COMMENT),
}
DEFAULT = ("assets", "shots", "persons")
