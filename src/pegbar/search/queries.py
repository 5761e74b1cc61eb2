"""Reads of search: what was typed, which rows it finds, and how they are shown.

Rows are found by ranks: first those whose name or place has all words, then names that begin with what was typed
(`first_found`); then, word after word of those that begin with the last one, in names and anywhere, and at last words
that hold those typed or are like them (`then_found`). Which words there are is looked up before, so that the index is
asked for whole words alone: gathering all that begins alike takes as long as there are rows. No more than `_CANDIDATES`
rows of a query are put in order, so that one that fits everything takes no longer than others.
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
    all_,
    any_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, array

from pegbar.accounts.standing import CALLER, is_going, open_projects, teams
from pegbar.core.data.compiled import compiled
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import JsonText, Wire, json_object
from pegbar.search.tables import document
from pegbar.search.words import MOST_BEGUN

#: Of all that a query fits, so many documents are put in order.
_CANDIDATES = 500
_LAST_CHARACTER = 0x10FFFF

#: The documents that are looked through; conditions on what the caller sees are about their columns.
FOUND = document.alias("found")


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


#: The words of documents that begin with some, by kind and place.
begun = sql(
    f"""
    SELECT k.kind, p.place, b.beginning, ARRAY(
             SELECT DISTINCT w.word FROM pegbar.search_word w
              WHERE w.kind = k.kind AND w.place = p.place
                AND w.word >= b.beginning AND w.word < b.beginning || chr({_LAST_CHARACTER})
              ORDER BY w.word LIMIT {MOST_BEGUN}) AS words
      FROM unnest(:kinds ::text[]) k (kind) CROSS JOIN unnest(ARRAY['', '~', '=']) p (place)
     CROSS JOIN unnest(:beginnings ::text[] COLLATE "C") b (beginning)
    """  # noqa: S608 - numbers of ours
)
#: The words of documents that hold some, or are like them, for `words.parts` and `words.mistyped` to judge.
similar = sql(
    """
    SELECT s.kind, typed.word AS typed, array_agg(DISTINCT s.word) AS words
      FROM unnest(:words ::text[]) typed (word) CROSS JOIN LATERAL pegbar.search_similar(:kinds ::text[], typed.word) s
     GROUP BY 1, 2
    """
)

# Which rows it finds

_KINDS, _PROJECT_IDS = param("kinds", ARRAY(Text)), param("project_ids")
_QUERIES = param("queries", ARRAY(Text))
_KEY, _KEY_END, _MOST = param("key", Text), param("key_end", Text), param("most")


def query(name: str) -> ColumnElement[Any]:
    """A parameter with a query on words, as text (words.py)."""
    return cast(param(name, Text), TSQUERY)


def _tells(words: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return words.op("@@")(query(name))


def _parts(words: ColumnElement[Any], weights: str) -> ColumnElement[Any]:
    return cast(func.ts_filter(words, literal_column("'{" + ",".join(weights) + "}'")), TSVECTOR)


def _of_callers(kind: ColumnElement[Any], words: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """Documents that fit, of a kind, of the productions that are searched.

    Few productions are asked for in the index of words. The conditions proper are hidden from the planner, which knows
    nothing of what words fit: by their index it would read all rows of a production to find those with a word.
    """
    scoped = query("scope").op("&&", return_type=TSQUERY())(words)
    whole = case((param("scope", Text) == literal_column("''"), words), else_=scoped)
    return (
        FOUND.c.words.op("@@")(cast(whole, TSQUERY)),
        func.concat(FOUND.c.kind) == kind,
        func.coalesce(FOUND.c.project_id, FOUND.c.id) == any_(_PROJECT_IDS),
    )


def _ranked(rows: FromClause, rank: int, level: ColumnElement[Any]) -> Select[Any]:
    return select(rows.c.kind, rows.c.id, rows.c.key, literal_column(str(rank)).label("rank"), level.label("level"))


def _by_words(source: FromClause, *narrow: ColumnElement[bool]) -> Select[Any]:
    """All words in the name or above it; before others those in the name alone."""
    one = func.unnest(_KINDS, _QUERIES).table_valued("kind", "words", name="one").render_derived()
    exact = cast(one.c.words, TSQUERY)
    rows = (
        select(FOUND)
        .select_from(source)
        .where(*_of_callers(one.c.kind, exact), *narrow)
        .limit(literal_column(str(_CANDIDATES)))
        .correlate(one)
        .lateral("fitting")
    )
    in_name_alone = _parts(rows.c.words, "a").op("@@")(exact)
    level = case((in_name_alone, literal_column("0")), else_=literal_column("1"))
    return _ranked(rows, 0, level).select_from(one.join(rows, true()))


def _by_key(source: FromClause, *narrow: ColumnElement[bool]) -> Select[Any]:
    """Names that begin with what was typed, however many there are: a few of each production, in their order."""
    kind = func.unnest(_KINDS).table_valued("kind", name="k").render_derived()
    project = func.unnest(_PROJECT_IDS).table_valued("project_id", name="p").render_derived()
    rows = (
        select(FOUND.c.kind, FOUND.c.id, FOUND.c.key)
        .select_from(source)
        .where(FOUND.c.kind == kind.c.kind, FOUND.c.project_id == project.c.project_id)
        .where(FOUND.c.key >= _KEY, FOUND.c.key < _KEY_END, *narrow)
        .order_by(FOUND.c.key, FOUND.c.id)
        .limit(_MOST)
        .correlate(kind, project)
        .lateral("named")
    )
    return _ranked(rows, 1, literal_column("0")).select_from(kind, project, rows)


@lru_cache(256)
def first_found(source: FromClause, *narrow: ColumnElement[bool]) -> Executable:
    """Rows whose name or place has all words, then those whose name begins with what was typed: at most `most` of each.

    A row comes once for each reason.
    """
    rows = union_all(_by_words(source, *narrow), _by_key(source, *narrow)).subquery("ranked")
    begins = (rows.c.key >= _KEY) & (rows.c.key < _KEY_END)
    order = (rows.c.rank, rows.c.key != _KEY, ~begins, rows.c.level, rows.c.key, rows.c.id)
    place = func.row_number().over(partition_by=rows.c.kind, order_by=order).label("place")
    placed = select(rows.c.kind, rows.c.id, place).subquery("placed")
    twice = _MOST * literal_column("2", Integer)
    return select(placed.c.kind, placed.c.id).where(placed.c.place <= twice).order_by(placed.c.kind, placed.c.place)


Seeing = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@lru_cache(256)
def then_found(source: FromClause, seeing: Seeing | None, *narrow: ColumnElement[bool]) -> Executable:
    """Rows of a kind, but known ones, that fit queries: one after the other until there are enough.

    `seeing`: the condition on a query for those who do not see all metadata. A row comes once for each query.
    """
    one = func.unnest(_QUERIES).table_valued("words", with_ordinality="place", name="one").render_derived()
    words = cast(one.c.words, TSQUERY)
    more = () if seeing is None else (seeing(words),)
    fitting = (
        select(FOUND.c.id, FOUND.c.key)
        .select_from(source)
        .where(*_of_callers(param("kind", Text), words), FOUND.c.id != all_(param("known_ids")), *more, *narrow)
        .limit(literal_column(str(_CANDIDATES)))
        .correlate(one)
        .subquery("fitting")
    )
    rows = select(fitting.c.id).order_by(fitting.c.key, fitting.c.id).limit(_MOST).lateral("rows")
    # Not sorted: the next query is only run when those before it did not find enough.
    return select(rows.c.id).select_from(one.join(rows, true())).limit(param("enough", Integer))


def sees_match(metadata: ColumnElement[Any]) -> Seeing:
    """A document fits without its metadata, or with what the caller sees of it."""
    rest = _parts(FOUND.c.words, "abc")
    shown = rest.op("||", return_type=TSVECTOR())(func.pegbar.search_metadata(FOUND.c.kind, metadata))
    return lambda words: or_(rest.op("@@")(words), shown.op("@@")(words))


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
    told = [case((condition, literal_column(f"'{field}'", Text))) for field, condition in fields.items()]
    names: ColumnElement[Any] = func.array_remove(cast(array(told), ARRAY(Text)), null())
    if metadata is not None:
        pairs = func.jsonb_each(metadata).table_valued("key", "value", name="pair").render_derived()
        one = func.pegbar.search_metadata(FOUND.c.kind, func.jsonb_build_object(pairs.c.key, pairs.c.value))
        keys = select(pairs.c.key).select_from(pairs).where(_tells(one, "some_metadata")).order_by(pairs.c.key)
        names = names.op("||")(func.array(keys.correlate_except(pairs).scalar_subquery()))
    return cast(func.array_to_json(names), Text).cast(JsonText())


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
