"""Reads of the tasks, comments and news of productions. Source: spec tasks, operations on /data/projects."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
)

from pegbar.accounts.shapes import SHORT
from pegbar.accounts.tables import person
from pegbar.core.schema import TIMESTAMP, Uuid
from pegbar.core.wire import Wire, constant, json_list, json_object, json_text, wire_of
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT, is_kind
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import entity_type, project_status
from pegbar.tasks.comments.shapes import WITH_IDS
from pegbar.tasks.shapes import TASK_FOR_CLIENTS, TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import comment, news, task, task_person_link

PROJECT_ID = bindparam("project_id", type_=Uuid)
_CALLER_ID = bindparam("caller_id", type_=Uuid)
_EPISODE_ID = bindparam("episode_id", type_=Uuid)
_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
_COMMA = literal_column("','", Text)
_PARENT, _GRAND = entity.alias("parent"), entity.alias("grand")

#: Tasks of the shots of an episode.
_OF_EPISODE = task.c.entity_id.in_(
    select(entity.c.id)
    .join(_PARENT, _PARENT.c.id == entity.c.parent_id)
    .where(_PARENT.c.parent_id == _EPISODE_ID, is_kind(SHOT))
)
ASSIGNED = exists().where(task_person_link.c.task_id == task.c.id, task_person_link.c.person_id == _CALLER_ID)


@dataclass(frozen=True)
class Tasks:
    """Which tasks of a production, and for whom."""

    for_client: bool = False
    own: bool = False  #: for vendors: those assigned to the caller
    by_type: bool = False
    by_episode: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on tasks."""
        asked: list[tuple[bool, ColumnElement[bool]]] = [
            (True, task.c.project_id == PROJECT_ID),
            (self.own, ASSIGNED),
            (self.by_type, task.c.task_type_id == bindparam("task_type_id", type_=Uuid)),
            (self.by_episode, _OF_EPISODE),
        ]
        return [condition for applies, condition in asked if applies]


@lru_cache
def number_of_tasks(which: Tasks) -> Executable:
    """How many these tasks are."""
    return select(func.count()).select_from(task).where(*which.conditions())


@lru_cache
def tasks(which: Tasks, *, paged: bool) -> Executable:
    """Tasks with their assignees, latest change first."""
    wire = TASK_FOR_CLIENTS if which.for_client else TASK_WITH_ASSIGNEES
    rows = (
        select(json_object(wire))
        .select_from(task)
        .where(*which.conditions())
        .order_by(task.c.updated_at.desc(), task.c.id)
    )
    return rows.limit(_LIMIT).offset(_OFFSET) if paged else rows


_IN_PROJECT = comment.c.object_id.in_(select(task.c.id).where(task.c.project_id == PROJECT_ID))
_COMMENTS = (
    select(json_object(WITH_IDS))
    .select_from(comment)
    .where(_IN_PROJECT)
    .order_by(comment.c.updated_at.desc(), comment.c.id)
)


@lru_cache
def comments(hidden: ColumnElement[bool], *, paged: bool) -> Executable:
    """The comments of a production that a caller may see, latest change first."""
    rows = _COMMENTS.where(hidden)
    return rows.limit(_LIMIT).offset(_OFFSET) if paged else rows


@lru_cache
def number_of_comments(hidden: ColumnElement[bool]) -> Executable:
    """How many those are."""
    return select(func.count()).select_from(comment).where(_IN_PROJECT, hidden)


# News

_FULL_NAME = case(
    (
        is_kind(SHOT),
        func.concat_ws(literal_column("' / '", Text), _GRAND.c.name, _PARENT.c.name, entity.c.name, type_=Text),
    ),
    (is_kind(SEQUENCE), func.concat_ws(literal_column("' / '", Text), _PARENT.c.name, entity.c.name, type_=Text)),
    (is_kind(EPISODE), cast(entity.c.name, Text)),
    else_=func.concat_ws(literal_column("' / '", Text), entity_type.c.name, entity.c.name, type_=Text),
)
_EPISODE = case((is_kind(SHOT), _GRAND.c.id), (is_kind(SEQUENCE), _PARENT.c.id), else_=entity.c.source_id)
_AUTHOR = select(json_object(SHORT)).where(person.c.id == news.c.author_id).correlate(news).scalar_subquery()

NEWS_ITEM = Wire(
    {
        "id": news.c.id,
        "type": constant("News"),
        "author_id": news.c.author_id,
        "comment_id": news.c.comment_id,
        "task_id": news.c.task_id,
        "task_type_id": task.c.task_type_id,
        "task_status_id": comment.c.task_status_id,
        "task_entity_id": task.c.entity_id,
        "preview_file_id": news.c.preview_file_id,
        "preview_file_extension": preview_file.c.extension,
        "preview_file_revision": preview_file.c.revision,
        "project_id": project.c.id,
        "project_name": project.c.name,
        "created_at": news.c.created_at,
        "change": news.c.change,
        "full_entity_name": _FULL_NAME,
        "episode_id": _EPISODE,
        "entity_preview_file_id": entity.c.preview_file_id,
        "person": _AUTHOR,
    }
)
_sibling = preview_file.alias("sibling")
_WITH_FILES = NEWS_ITEM.but(
    preview_files=json_list(
        select(json_object(wire_of(_sibling).only("id", "name", "extension", "revision", "position", "status")))
        .where(_sibling.c.task_id == task.c.id, _sibling.c.revision == preview_file.c.revision)
        .order_by(_sibling.c.position, _sibling.c.id)
        .correlate(task, preview_file)
    )
)

_NEWS_OF: FromClause = (
    news.join(task, task.c.id == news.c.task_id)
    .join(project, project.c.id == task.c.project_id)
    .outerjoin(comment, comment.c.id == news.c.comment_id)
)
_DETAILED: FromClause = (
    _NEWS_OF.join(entity, entity.c.id == task.c.entity_id)
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .outerjoin(preview_file, preview_file.c.id == news.c.preview_file_id)
    .outerjoin(_PARENT, _PARENT.c.id == entity.c.parent_id)
    .outerjoin(_GRAND, _GRAND.c.id == _PARENT.c.parent_id)
)
_OPEN = project.c.project_status_id.in_(
    select(project_status.c.id).where(project_status.c.name == literal_column("'Open'", Text))
)
#: In the team, and not as a client.
_TEAM = exists(
    select(literal_column("1"))
    .select_from(project_person_link.join(person, person.c.id == project_person_link.c.person_id))
    .where(
        project_person_link.c.project_id == project.c.id,
        project_person_link.c.person_id == _CALLER_ID,
        func.coalesce(project_person_link.c.role, person.c.role) != literal_column("'client'", Text),
    )
    .correlate(project)
)


@dataclass(frozen=True)
class News:
    """Which news: those of one production or of the open ones of the caller, and what filters are given."""

    everywhere: bool = False  #: administrators: all open productions
    in_project: bool = True
    own: bool = False  #: for vendors: of tasks assigned to them
    only_preview: bool = False
    filters: frozenset[str] = frozenset()

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on news joined with their tasks and comments."""
        given: dict[str, ColumnElement[bool]] = {
            "person_id": news.c.author_id == bindparam("person_id", type_=Uuid),
            "task_type_id": task.c.task_type_id == bindparam("task_type_id", type_=Uuid),
            "task_status_id": comment.c.task_status_id == bindparam("task_status_id", type_=Uuid),
            "episode_id": _OF_EPISODE,
            "after": news.c.created_at > bindparam("after", type_=TIMESTAMP),
            "in_project": task.c.project_id == bindparam("in_project", type_=Uuid),
            "before": news.c.created_at < bindparam("before", type_=TIMESTAMP),
        }
        chosen = [given[name] for name in sorted(self.filters)]
        if self.in_project:
            chosen.append(task.c.project_id == PROJECT_ID)
        else:
            chosen.append(_OPEN if self.everywhere else _OPEN & _TEAM)
        if self.own:
            chosen.append(ASSIGNED)
        if self.only_preview:
            chosen.append(news.c.preview_file_id.is_not(None))
        return chosen


@lru_cache(256)
def news_page(which: News) -> Executable:
    """A page of news (`rows`, JSON without brackets), their `total`, and `stats`: changes by status, as JSON."""
    conditions = which.conditions()
    wire = _WITH_FILES if which.only_preview else NEWS_ITEM
    page = (
        select(json_object(wire).label("row"))
        .select_from(_DETAILED)
        .where(*conditions)
        .order_by(news.c.created_at.desc(), news.c.id.desc())
        .limit(_LIMIT)
        .offset(_OFFSET)
        .subquery()
    )
    counted: Select[Any] = (
        select(comment.c.task_status_id, func.count().label("amount"))
        .select_from(_NEWS_OF)
        .where(*conditions, news.c.change.is_(True), comment.c.task_status_id.is_not(None))
        .group_by(comment.c.task_status_id)
    )
    sums = counted.subquery()
    pair = json_text(sums.c.task_status_id).concat(literal_column("':'", Text)).concat(cast(sums.c.amount, Text))
    return select(
        select(func.count()).select_from(_NEWS_OF).where(*conditions).scalar_subquery().label("total"),
        select(func.coalesce(func.string_agg(cast(page.c.row, Text), _COMMA), literal_column("''")))
        .scalar_subquery()
        .label("rows"),
        select(func.coalesce(func.string_agg(pair, _COMMA), literal_column("''"))).scalar_subquery().label("stats"),
    )


@lru_cache
def entity_news(*, own: bool) -> Executable:
    """The latest news of an entity (`rows`, JSON without brackets) and their `total`; `own`: of the caller's tasks."""
    conditions = [task.c.entity_id == bindparam("entity_id", type_=Uuid), *([ASSIGNED] if own else [])]
    latest = (
        select(json_object(NEWS_ITEM).label("row"))
        .select_from(_DETAILED)
        .where(*conditions)
        .order_by(news.c.created_at.desc(), news.c.id.desc())
        .limit(_LIMIT)
        .subquery()
    )
    rows = func.coalesce(func.string_agg(cast(latest.c.row, Text), _COMMA), literal_column("''"))
    total = select(func.count()).select_from(_NEWS_OF).where(*conditions)
    return select(select(rows).scalar_subquery().label("rows"), total.scalar_subquery().label("total"))


#: One piece of news of a production.
news_item = (
    select(json_object(NEWS_ITEM))
    .select_from(_DETAILED)
    .where(task.c.project_id == PROJECT_ID, news.c.id == bindparam("news_id", type_=Uuid))
)
