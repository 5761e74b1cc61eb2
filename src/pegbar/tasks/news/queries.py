"""Reads of the news. Source: spec tasks, "News" and "Worth fixing"."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Subquery,
    Text,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    true,
)

from pegbar.accounts.shapes import SHORT
from pegbar.accounts.standing import CALLER, is_member, is_open, teams
from pegbar.accounts.tables import person
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import TIMESTAMP
from pegbar.core.data.tallies import NOBODY
from pegbar.core.data.wire import Wire, constant, json_list, json_map, json_object, wire_of
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT, is_kind
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type
from pegbar.tasks.in_context import HERE, MINE, caller_is
from pegbar.tasks.queries import ASSIGNED, OF_EPISODE, PROJECT_ID
from pegbar.tasks.tables import comment, news, news_tally, project_news, task

_LIMIT, _OFFSET = param("limit"), param("offset")
_PARENT, _GRAND = entity.alias("parent"), entity.alias("grand")


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


def _of_tasks(rows: FromClause) -> FromClause:
    return (
        rows.join(task, task.c.id == news.c.task_id)
        .join(project, project.c.id == task.c.project_id)
        .outerjoin(comment, comment.c.id == news.c.comment_id)
    )


def _detailed(rows: FromClause) -> FromClause:
    """News with all that their items tell."""
    return (
        _of_tasks(rows)
        .join(entity, entity.c.id == task.c.entity_id)
        .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .outerjoin(preview_file, preview_file.c.id == news.c.preview_file_id)
        .outerjoin(_PARENT, _PARENT.c.id == entity.c.parent_id)
        .outerjoin(_GRAND, _GRAND.c.id == _PARENT.c.parent_id)
    )


_NEWS_OF: FromClause = _of_tasks(news)
_DETAILED: FromClause = _detailed(news)
_OPEN = is_open()
_ASKED_PROJECT = param("asked_project_id")


def _mine(*, everywhere: bool) -> ColumnElement[bool]:
    """The open productions whose news the caller gets, where they are no client (and no vendor: they get fewer)."""
    return _OPEN if everywhere else _OPEN & project.c.id.in_(teams(CALLER, without=("client",)))


def _with_caller(source: FromClause) -> FromClause:
    """With the caller's place in the team of the production."""
    return source.outerjoin(HERE, is_member(HERE, CALLER, project.c.id))


@dataclass(frozen=True)
class News:
    """Which news: those of one production or of the open ones of the caller, and which filters narrow them."""

    everywhere: bool = False  #: administrators: all open productions
    in_project: bool = True
    own: bool = False  #: for vendors: of tasks assigned to them
    only_preview: bool = False
    filters: frozenset[str] = frozenset()
    alike: bool = False  #: in all these productions the caller gets all the news there are

    @property
    def is_whole(self) -> bool:
        """It is all the news of productions."""
        return self.alike and not self.only_preview and not self.filters

    def source(self, tables: FromClause) -> FromClause:
        """The tables, and what else the conditions need."""
        return tables if self.in_project or self.everywhere else _with_caller(tables)

    def scope(self) -> ColumnElement[bool]:
        """The open productions whose news the caller gets: those where they are no client."""
        return _OPEN if self.everywhere else _OPEN & MINE & ~caller_is("client")

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on news joined with their tasks and comments."""
        conditions: dict[str, ColumnElement[bool]] = {
            "person_id": news.c.author_id == param("person_id"),
            "task_type_id": task.c.task_type_id == param("task_type_id"),
            "task_status_id": comment.c.task_status_id == param("task_status_id"),
            "episode_id": OF_EPISODE,
            "after": news.c.created_at > param("after", TIMESTAMP),
            "before": news.c.created_at < param("before", TIMESTAMP),
        }
        chosen = [conditions[name] for name in sorted(self.filters - {"asked_project_id"})]
        if self.in_project:
            chosen.append(task.c.project_id == PROJECT_ID)
        else:
            chosen.append(self.scope())
        if "asked_project_id" in self.filters:
            # A production that is none of the caller's narrows nothing.
            there = select(project.c.id).select_from(self.source(project)).where(project.c.id == _ASKED_PROJECT)
            chosen.append((task.c.project_id == _ASKED_PROJECT) | ~exists(there.where(self.scope()).correlate(None)))
        if self.own:
            chosen.append(ASSIGNED)
        elif not self.in_project and not self.everywhere:
            chosen.append(~caller_is("vendor") | ASSIGNED)
        if self.only_preview:
            chosen.append(news.c.preview_file_id.is_not(None))
        return chosen


@lru_cache(256)
def news_page(which: News) -> Executable:
    """A page of news (`rows`, a JSON array), their `total`, and `stats`: how many changed to each status, as JSON."""
    chosen, counted = _whole(which) if which.is_whole else _filtered(which)
    page = (
        select(json_object(_WITH_FILES if which.only_preview else NEWS_ITEM))
        .select_from(_detailed(chosen.join(news, news.c.id == chosen.c.id)))
        .order_by(news.c.created_at.desc(), news.c.id.desc())
    )
    total = func.coalesce(func.sum(counted.c.all), literal_column("0"))
    changes = select(counted.c.task_status_id, counted.c.changes).where(
        counted.c.changes > literal_column("0"), counted.c.task_status_id.is_not(None)
    )
    statement = select(
        json_list(page).label("rows"),
        select(cast(total, Integer)).select_from(counted).scalar_subquery().label("total"),
        json_map(changes).label("stats"),
    )
    return planned_once(statement) if which.is_whole else statement


def _filtered(which: News) -> tuple[Subquery, CTE]:
    """The news of a page, and how many there are of each status: those that meet the conditions are counted."""
    conditions = which.conditions()
    chosen = (
        select(news.c.id)
        .select_from(which.source(_NEWS_OF))
        .where(*conditions)
        .order_by(news.c.created_at.desc(), news.c.id.desc())
        .limit(_LIMIT)
        .offset(_OFFSET)
        .subquery("chosen")
    )
    changed = case((news.c.change.is_(True), literal_column("1")))
    counted = (
        select(comment.c.task_status_id, func.count().label("all"), func.count(changed).label("changes"))
        .select_from(which.source(_NEWS_OF))
        .where(*conditions)
        .group_by(comment.c.task_status_id)
        .cte("counted")
    )
    return chosen, counted


def _whole(which: News) -> tuple[Subquery, CTE]:
    """The same of all the news of productions: the index of each gives the page, and tallies the numbers."""
    there = select(project.c.id).where(
        project.c.id == PROJECT_ID if which.in_project else _mine(everywhere=which.everywhere)
    )
    productions = there.cte("productions")
    newest = (
        select(project_news.c.news_id.label("id"), project_news.c.created_at)
        .where(project_news.c.project_id == productions.c.id)
        .order_by(project_news.c.created_at.desc(), project_news.c.news_id.desc())
        .limit(cast(_LIMIT, BigInteger) + _OFFSET)
        .lateral("newest")
    )
    chosen = (
        select(newest.c.id)
        .select_from(productions.join(newest, true()))
        .order_by(newest.c.created_at.desc(), newest.c.id.desc())
        .limit(_LIMIT)
        .offset(_OFFSET)
        .subquery("chosen")
    )
    counted = (
        select(
            func.nullif(news_tally.c.task_status_id, NOBODY).label("task_status_id"),
            func.sum(news_tally.c.amount).label("all"),
            func.sum(news_tally.c.changes).label("changes"),
        )
        .where(news_tally.c.project_id.in_(select(productions.c.id)))
        .group_by(news_tally.c.task_status_id)
        .cte("counted")
    )
    return chosen, counted


@lru_cache
def entity_news(*, own: bool) -> Executable:
    """The latest news of an entity (`rows`, a JSON array) and their `total`; `own`: of the caller's tasks."""
    conditions = [task.c.entity_id == param("entity_id"), *([ASSIGNED] if own else [])]
    latest = (
        select(json_object(NEWS_ITEM))
        .select_from(_DETAILED)
        .where(*conditions)
        .order_by(news.c.created_at.desc(), news.c.id.desc())
        .limit(_LIMIT)
    )
    total = select(func.count()).select_from(_NEWS_OF).where(*conditions)
    return select(json_list(latest).label("rows"), total.scalar_subquery().label("total"))


@lru_cache
def news_item(*, own: bool) -> Executable:
    """One piece of news of a production; `own`: of a task assigned to the caller."""
    return (
        select(json_object(NEWS_ITEM))
        .select_from(_DETAILED)
        .where(
            task.c.project_id == PROJECT_ID,
            news.c.id == param("news_id"),
            *([ASSIGNED] if own else []),
        )
    )
