"""Reads of search: what was typed, which rows it finds, and how they are shown.

Rows are found by ranks: first those whose name or place has all words, then names that begin with what was typed, then
words that begin with those typed in names, then anywhere; by `found` with other words, what is like them. No more than
`_CANDIDATES` of a rank are put in order, so that a query that fits everything takes no longer than others.
Source: spec review, "POST /data/search".
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Select,
    any_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from pegbar.accounts.standing import CALLER, is_going, open_projects, teams
from pegbar.core.data.database import compiled
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import JsonText, Wire, json_object
from pegbar.search.tables import document

#: Of all that a query fits, so many documents of each rank are put in order.
_CANDIDATES = 2000

#: The documents that are looked through; conditions on what the caller sees are about their columns.
FOUND = document.alias("found")

#: What stands first among documents of a rank, by their words.
Level = Callable[[ColumnElement[Any]], ColumnElement[bool]]


def known_to(statement: Executable, about: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters that a statement has: what it asks depends on who asks."""
    names = compiled(statement).names
    return {name: value for name, value in about.items() if name in names}


# What was typed


@lru_cache
def typed(*, is_admin: bool, one: bool) -> Executable:
    """The words of a query, its key, and the ids of the open productions that the caller searches."""
    projects = open_projects() if is_admin else teams(CALLER, only_open=True)
    (project_id,) = projects.selected_columns
    projects = projects.where(~is_going(project_id))
    if one:
        projects = projects.where(project_id == param("project_id"))
    return select(
        func.pegbar.search_words(param("query", Text)).label("words"),
        func.pegbar.search_key(param("query", Text)).label("key"),
        func.array(projects.scalar_subquery(), type_=ARRAY(Uuid)).label("project_ids"),
    )


#: The words of documents that are like some that were typed, for `words.parts` and `words.mistyped` to judge.
similar = sql(
    "SELECT typed.word AS typed, array_agg(s.word) AS words"
    "  FROM unnest(:words ::text[]) typed (word) CROSS JOIN LATERAL pegbar.search_similar(typed.word) s (word)"
    " GROUP BY 1"
)

# Which rows it finds

_KINDS, _PROJECT_IDS = param("kinds", ARRAY(Text)), param("project_ids")
_KEY, _KEY_END, _MOST = param("key", Text), param("key_end", Text), param("most")


def query(name: str) -> ColumnElement[Any]:
    """A parameter with a query on words, as text (words.py)."""
    return cast(param(name, Text), TSQUERY)


def _tells(words: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return words.op("@@")(query(name))


def _parts(words: ColumnElement[Any], weights: str) -> ColumnElement[Any]:
    return cast(func.ts_filter(words, literal_column("'{" + ",".join(weights) + "}'")), TSVECTOR)


def _in_name_alone(name: str) -> Level:
    return lambda words: _tells(_parts(words, "a"), name)


def _fits(name: str) -> ColumnElement[bool]:
    # What narrows it stands in the same index, so that other productions and kinds cost nothing.
    whole = query("scope").op("&&", return_type=TSQUERY())(query(name))
    return FOUND.c.words.op("@@")(whole)


def _ranked(rows: FromClause, rank: int, level: ColumnElement[Any]) -> Select[Any]:
    return select(rows.c.kind, rows.c.id, rows.c.key, literal_column(str(rank)).label("rank"), level.label("level"))


def _by_words(source: FromClause, rank: int, name: str, level: Level, *narrow: ColumnElement[bool]) -> Select[Any]:
    rows = (
        select(FOUND)
        .select_from(source)
        .where(_fits(name), FOUND.c.kind == any_(_KINDS), FOUND.c.project_id == any_(_PROJECT_IDS), *narrow)
        .limit(literal_column(str(_CANDIDATES)))
        .subquery(f"fitting_{rank}")
    )
    before = case((level(rows.c.words), literal_column("0")), else_=literal_column("1"))
    return _ranked(rows, rank, before)


def _by_key(source: FromClause, rank: int, *narrow: ColumnElement[bool]) -> Select[Any]:
    """Names that begin with what was typed, however many there are: a few of each production, in their order."""
    kind = func.unnest(_KINDS).table_valued("kind", name="k").render_derived()
    project = func.unnest(_PROJECT_IDS).table_valued("project_id", name="p").render_derived()
    rows = (
        select(FOUND)
        .select_from(source)
        .where(
            FOUND.c.kind == kind.c.kind,
            FOUND.c.project_id == project.c.project_id,
            FOUND.c.key >= _KEY,
            FOUND.c.key < _KEY_END,
            *narrow,
        )
        .order_by(FOUND.c.key, FOUND.c.id)
        .limit(_MOST)
        .correlate(kind, project)
        .lateral("named")
    )
    return _ranked(rows, rank, literal_column("0")).select_from(kind, project, rows)


def _in_order(*ranks: Select[Any]) -> Executable:
    """The ids by kind, at most so many of each, the best first; an id may come once for each rank."""
    rows = union_all(*ranks).subquery("ranked")
    place = (
        func.row_number()
        .over(
            partition_by=rows.c.kind,
            order_by=(rows.c.rank, rows.c.key != _KEY, rows.c.level, rows.c.key, rows.c.id),
        )
        .label("place")
    )
    placed = select(rows.c.kind, rows.c.id, place).subquery("placed")
    twice = _MOST * literal_column("2", Integer)
    return select(placed.c.kind, placed.c.id).where(placed.c.place <= twice).order_by(placed.c.kind, placed.c.place)


@lru_cache(256)
def first_found(source: FromClause, *narrow: ColumnElement[bool]) -> Executable:
    """Rows whose name or place has all words, and those whose name begins with what was typed."""
    return _in_order(_by_words(source, 0, "exact", _in_name_alone("exact"), *narrow), _by_key(source, 1, *narrow))


@lru_cache(256)
def then_found(source: FromClause, anywhere: ColumnElement[bool] | None, *narrow: ColumnElement[bool]) -> Executable:
    """Rows with words that begin like those typed, in their names, then anywhere.

    `anywhere`: the condition for those who do not see all metadata.
    """
    more = () if anywhere is None else (anywhere,)
    return _in_order(
        _by_words(source, 2, "begun", _in_name_alone("begun"), *narrow),
        _by_words(source, 3, "anywhere", lambda words: _tells(words, "without_metadata"), *narrow, *more),
    )


def sees_match(metadata: ColumnElement[Any]) -> ColumnElement[bool]:
    """A document fits without its metadata, or with what the caller sees of it."""
    shown = _parts(FOUND.c.words, "abc").op("||", return_type=TSVECTOR())(func.pegbar.search_metadata(metadata))
    return or_(_tells(FOUND.c.words, "without_metadata"), _tells(shown, "anywhere"))


def documents() -> FromClause:
    """The documents alone."""
    return FOUND


def documents_of(rows: FromClause, row_id: ColumnElement[Any]) -> FromClause:
    """The documents with the rows they are of, and what is joined to these."""
    return FOUND.join(rows, row_id == FOUND.c.id)


# How they are shown

_IDS = param("ids")


def matched(metadata: ColumnElement[Any] | None = None, **fields: ColumnElement[bool]) -> ColumnElement[str]:
    """The names of the fields in which something was found, as JSON; of metadata its keys."""
    names = [
        select(literal_column(f"'{field}'", Text).label("name")).where(condition) for field, condition in fields.items()
    ]
    if metadata is not None:
        pairs = func.jsonb_each(metadata).table_valued("key", "value", name="pair").render_derived()
        one = func.pegbar.search_metadata(func.jsonb_build_object(pairs.c.key, pairs.c.value))
        names.append(select(pairs.c.key.label("name")).select_from(pairs).where(_tells(one, "some_metadata")))
    listed = union_all(*names).subquery("matched")
    return cast(func.array_to_json(func.array(select(listed.c.name).scalar_subquery())), Text).cast(JsonText())


def in_name(weight: str = "ab") -> ColumnElement[bool]:
    """Something was found in the name or, by its weight, in one part of it."""
    words = _parts(FOUND.c.words, weight)
    begins = (FOUND.c.key >= _KEY) & (FOUND.c.key < _KEY_END)
    return or_(_tells(words, "some_name"), begins) if "a" in weight else _tells(words, "some_name")


def in_description() -> ColumnElement[bool]:
    """Something was found in the description."""
    return _tells(FOUND.c.words, "some_description")


@lru_cache(256)
def shown(wire: Wire, source: FromClause) -> Executable:
    """Rows by their ids, in that order."""
    return (
        select(json_object(wire))
        .select_from(source)
        .where(FOUND.c.id == any_(_IDS))
        .order_by(func.array_position(_IDS, FOUND.c.id))
    )
