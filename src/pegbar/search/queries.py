"""Reads of search: what was typed, which rows it finds, and how they are shown.

Rows are found by ranks: first those whose name or place has all words, then names that begin with what was typed
(`first_found`); then those with words that begin with the last one, in names and anywhere, and at last with words that
hold those typed or are like them (`then_found`). Which words there are is looked up before, so that the index is asked
for whole words alone: gathering all that begins alike takes as long as there are rows. No more than some rows of a
query are put in order, so that one that fits everything takes no longer than others.

A search is a few statements, each planned once for a connection: to plan one anew takes longer than to find the rows.
Source: spec review, "POST /data/search".
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    CompoundSelect,
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
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, aggregate_order_by, array

from pegbar.accounts.standing import CALLER, is_going, open_projects, teams
from pegbar.core.data.compiled import compiled
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import JsonText, Wire, json_object
from pegbar.search.tables import document, word
from pegbar.search.words import LAST, MOST_BEGUN

#: Of all documents that fit a query, so many are put in order; of many, and more for a long page.
_CANDIDATES, _OF_MANY = 500, 100
#: Of more productions than these, so many are looked through before the others.
_FEW, _NEAR = 6, 1
#: Going by statistics, so many documents that fit a query are many. Where few productions are searched, most of them
#: would be read for nothing: the index is asked for both. Where many are, it is so from the second number on, when to
#: read the list of the word takes longer.
MANY, _MANY_OF_MANY = 1_500, 10_000
#: More than there are.
_ALL = 2**31 - 1

#: The documents that are looked through; conditions on what the caller sees are about their columns.
FOUND = document.alias("found")


def known_to(statement: Executable, about: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters that a statement has: what it asks depends on who asks."""
    names = compiled(statement).names
    return {name: value for name, value in about.items() if name in names}


def _unseen(name: str, kind: Any = None) -> ColumnElement[Any]:
    """A parameter whose value the planner does not look at.

    A connection plans a statement of search once. Planned for the values at hand, each took longer than to find the
    rows, and none was better.
    """
    parameter = param(name, kind)
    return cast(select(parameter).scalar_subquery(), parameter.type)


_TEXTS = ARRAY(Text)
_KINDS, _QUERIES, _KNOWN = _unseen("kinds", _TEXTS), _unseen("queries", _TEXTS), _unseen("known_ids")
#: About how many documents have the words of a query.
_DOCUMENTS = _unseen("documents", ARRAY(Integer))
_KEY, _KEY_END, _MOST = _unseen("key", Text), _unseen("key_end", Text), _unseen("most")


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer)


def _rows_of(values: ColumnElement[Any], name: str) -> Any:
    """The values of a list as rows of one column, which is called as the rows are."""
    return func.unnest(values).table_valued(name, name=name).render_derived()


# What was typed

#: The words of a query, and its letters and digits.
typed = select(
    func.pegbar.search_words(param("query", Text)).label("words"),
    func.pegbar.search_key(param("query", Text)).label("key"),
)


def _begun() -> Select[Any]:
    """The words of documents that begin with some, by kind and place."""
    kind, beginning = _rows_of(_KINDS, "kind"), _rows_of(_unseen("beginnings", _TEXTS), "beginning")
    place = _rows_of(literal_column("ARRAY['', '~', '=']", _TEXTS), "place")
    start = beginning.c.beginning.collate("C")
    words = (
        select(word.c.word)
        .distinct()
        .where(word.c.kind == kind.c.kind, word.c.place == place.c.place)
        .where(word.c.word >= start, word.c.word < start.op("||")(func.chr(_number(ord(LAST)))))
        .order_by(word.c.word)
        .limit(_number(MOST_BEGUN))
        .correlate(kind, place, beginning)
    )
    there = func.array(words.scalar_subquery(), type_=_TEXTS).label("words")
    return select(kind.c.kind, place.c.place, beginning.c.beginning, null().label("ids"), there)


#: The words of documents that hold some, or are like them, for `words.parts` and `words.mistyped` to judge.
similar = sql(
    """
    SELECT s.kind, s.place, typed.word AS typed, array_agg(DISTINCT s.word) AS words
      FROM unnest((SELECT :words ::text[])::text[]) typed (word)
     CROSS JOIN LATERAL pegbar.search_similar((SELECT :kinds ::text[])::text[], typed.word) s
     GROUP BY 1, 2, 3
    """
)

#: The words of documents that many have, and about how many: what PostgreSQL knows of them for its own plans.
frequencies = sql(
    """
    SELECT word.lexeme, (word.part * greatest(known.reltuples, 0))::int AS documents
      FROM pg_class known
      JOIN pg_stats s ON s.schemaname = 'pegbar' AND s.tablename = 'search_document' AND s.attname = 'words'
     CROSS JOIN LATERAL unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) word (lexeme, part)
     WHERE known.oid = 'pegbar.search_document'::regclass AND word.part * known.reltuples >= :many ::int
       AND word.lexeme IS NOT NULL -- the last parts are the least and the greatest of all
    """
)

# Which rows it finds


def query(name: str) -> ColumnElement[Any]:
    """A parameter with a query on words, as text (words.py)."""
    return cast(_unseen(name, Text), TSQUERY)


def _tells(words: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return words.op("@@")(query(name))


def _parts(words: ColumnElement[Any], weights: str) -> ColumnElement[Any]:
    return cast(func.ts_filter(words, literal_column("'{" + ",".join(weights) + "}'")), TSVECTOR)


@lru_cache
def searched(*, is_admin: bool, one: bool) -> Select[Any]:
    """The ids of the open productions that the caller searches."""
    projects = open_projects() if is_admin else teams(CALLER, only_open=True)
    (project_id,) = projects.selected_columns
    projects = projects.where(~is_going(project_id))
    if one:
        projects = projects.where(project_id == param("project_id"))
    return projects.order_by(project_id)


def _scope(ids: Select[Any]) -> CTE:
    """The productions that are searched: those looked through first, with a query for them, and the others.

    The index tells all rows that have a word before the first of them is read. So a word that many have is asked for
    together with some productions first; and in the others when these do not yield enough.
    """
    all_ids = _once(ids, "searched").c.ids
    many = func.cardinality(all_ids) > _number(_FEW)
    near, far = case((many, all_ids[1:_NEAR]), else_=all_ids), case((many, all_ids[_NEAR + 1 : _ALL]))
    frequent = case((many, _number(_MANY_OF_MANY)), else_=_number(MANY)).label("many")
    split = select(all_ids.label("ids"), near.label("near"), far.label("far"), frequent).subquery("split")
    one = _rows_of(split.c.near, "one")
    in_near = select(func.string_agg(func.concat("'@", one.c.one, "'"), literal_column("' | '"))).scalar_subquery()
    return _once(select(split, cast(in_near, TSQUERY).label("in_near")), "scope")


def _once(rows: Select[Any], name: str) -> CTE:
    """Rows that a statement works out once, wherever it names them."""
    return rows.cte(name).prefix_with("MATERIALIZED")


def _of_scope(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a statement worked out about the productions."""
    return cast(select(column).scalar_subquery(), column.type)


def _fitting(
    source: FromClause, scope: CTE, one: Any, words: ColumnElement[Any], *narrow: ColumnElement[bool]
) -> CompoundSelect[Any]:
    """Some documents of the kind of `one` that fit a query, of the productions that are searched.

    The conditions proper are hidden from the planner, which knows nothing of what words fit: by their index it would
    read all rows of a production to find those with a word.
    """
    names = ("ids", "near", "far", "in_near", "many")
    ids, near, far, in_near, many = (_of_scope(scope.c[name]) for name in names)

    def rows(fits: ColumnElement[Any], project_ids: ColumnElement[Any], *more: ColumnElement[bool]) -> Select[Any]:
        conditions = (
            FOUND.c.words.op("@@")(fits),
            func.concat(FOUND.c.kind) == one.c.kind,
            func.coalesce(FOUND.c.project_id, FOUND.c.id) == any_(project_ids),
        )
        return select(FOUND).select_from(source).where(*more, *conditions, *narrow).correlate(one)

    documents = cast(one.c.documents, Integer)
    frequent, often = documents >= many, documents >= _number(MANY)
    in_some = rows(cast(in_near.op("&&")(words), TSQUERY), near, frequent)
    others = case((frequent, far), else_=ids)
    candidates = case((often, _number(_OF_MANY)), else_=_number(_CANDIDATES))
    return union_all(in_some, rows(words, others, others.is_not(None))).limit(func.greatest(candidates, _MOST))


_EXACT = ("kind", "words", "in_name", "documents")


def _exact() -> Any:
    """The query for all words, by kind; and that for all words in the name."""
    lists = (_KINDS, _QUERIES, _unseen("name_queries", _TEXTS), _DOCUMENTS)
    return func.unnest(*lists).table_valued(*_EXACT, name="one").render_derived()


def _by_words(source: FromClause, scope: CTE, *narrow: ColumnElement[bool]) -> Select[Any]:
    """All words in the name or above it; before others those in the name alone."""
    one = _exact()
    rows = _fitting(source, scope, one, cast(one.c.words, TSQUERY), *narrow).lateral("fitting")
    in_name_alone = rows.c.words.op("@@")(cast(one.c.in_name, TSQUERY))
    level = case((in_name_alone, _number(0)), else_=_number(1)).label("level")
    columns = (rows.c.kind, rows.c.id, rows.c.key, _number(0).label("rank"), level)
    return select(*columns).select_from(one.join(rows, true()))


def _by_key(source: FromClause, scope: CTE, *narrow: ColumnElement[bool]) -> Select[Any]:
    """Names that begin with what was typed, however many there are: a few of each production, in their order.

    Those which are what was typed are of the first rank, however many others have all words.
    """
    one, project = _exact(), _rows_of(_of_scope(scope.c.ids), "project_id")
    rows = (
        select(FOUND)
        .select_from(source)
        .where(FOUND.c.kind == one.c.kind, FOUND.c.project_id == project.c.project_id)
        .where(FOUND.c.key >= _KEY, FOUND.c.key < _KEY_END, *narrow)
        .order_by(FOUND.c.key, FOUND.c.id)
        .limit(_MOST)
        .correlate(one, project)
        .lateral("named")
    )
    is_it = (rows.c.key == _KEY) & rows.c.words.op("@@")(cast(one.c.in_name, TSQUERY))
    rank = case((is_it, _number(0)), else_=_number(1)).label("rank")
    return select(rows.c.kind, rows.c.id, rows.c.key, rank, _number(0).label("level")).select_from(one, project, rows)


@lru_cache(256)
def first_found(projects: Select[Any] | None, source: FromClause, *narrow: ColumnElement[bool]) -> Executable:
    """Rows whose name or place has all words, then those whose name begins with what was typed: at most `most` of each.

    In `projects`, a list of ids, and in `beside_ids`. Yields, of different rows:
    - by `kind` the `ids` found; one comes once for each reason;
    - by `kind`, `place` and `beginning` the `words` that there are;
    - the `ids` of the productions, without a kind.
    """
    beside = _unseen("beside_ids")
    ids = beside if projects is None else func.array(projects.scalar_subquery(), type_=ARRAY(Uuid)).op("||")(beside)
    scope = _scope(select(cast(ids, ARRAY(Uuid)).label("ids")))
    rows = union_all(_by_words(source, scope, *narrow), _by_key(source, scope, *narrow)).subquery("ranked")
    begins = (rows.c.key >= _KEY) & (rows.c.key < _KEY_END)
    order = (rows.c.rank, rows.c.key != _KEY, ~begins, rows.c.level, rows.c.key, rows.c.id)
    nth = func.row_number().over(partition_by=rows.c.kind, order_by=order).label("nth")
    placed = select(rows.c.kind, rows.c.id, nth).subquery("placed")
    in_order = cast(func.array_agg(aggregate_order_by(placed.c.id, placed.c.nth)), ARRAY(Uuid))
    none = null()
    found = select(
        placed.c.kind, none.label("place"), none.label("beginning"), in_order.label("ids"), none.label("words")
    )
    found = found.where(placed.c.nth <= _MOST * _number(2)).group_by(placed.c.kind)
    return union_all(found, _begun(), select(none, none, none, scope.c.ids, none))


Seeing = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@lru_cache(256)
def then_found(source: FromClause, seeing: Seeing | None, *narrow: ColumnElement[bool]) -> Executable:
    """Rows of kinds, but known ones, that fit queries: of each kind one query after the other until there are enough.

    What a query finds is in the order of the words from its `starts` to its `ends` that a document has, and of names.
    `enough`: how many rows of a kind; one counts for each query that finds it.
    `seeing`: the condition on a query for those who do not see all metadata.
    """
    scope = _scope(select(_unseen("project_ids").label("ids")))
    kinds = func.unnest(_KINDS, _unseen("enough", ARRAY(Integer))).table_valued("kind", "enough", name="kind")
    kind = kinds.render_derived()
    lists = [_unseen(name, _TEXTS) for name in ("query_kinds", "queries", "starts", "ends")]
    columns = ("kind", "words", "start", "end", "documents")
    one = func.unnest(*lists, _DOCUMENTS).table_valued(*columns, name="one").render_derived()
    words = cast(one.c.words, TSQUERY)
    more = () if seeing is None else (seeing(words),)
    fitting = _fitting(source, scope, one, words, FOUND.c.id != all_(_KNOWN), *more, *narrow)
    candidates = fitting.subquery("fitting")
    # Nor does the order tell of metadata that somebody does not see.
    ordering = candidates.c.words if seeing is None else _parts(candidates.c.words, "abc")
    lexeme = _rows_of(func.tsvector_to_array(ordering), "lexeme")
    begins = lexeme.c.lexeme.collate("C").between(one.c.start, one.c.end)
    first = select(func.min(lexeme.c.lexeme.collate("C"))).where(begins).correlate(one, candidates)
    by_word = case((one.c.start != literal_column("''"), first.scalar_subquery()))
    rows = select(candidates.c.id).order_by(by_word, candidates.c.key, candidates.c.id).limit(_MOST).correlate(one)
    in_turn = rows.lateral("rows")
    # Not sorted: the next query is only run when those before it did not find enough.
    of_kind = (
        select(in_turn.c.id)
        .select_from(one.join(in_turn, true()))
        .where(one.c.kind == kind.c.kind)
        .limit(cast(kind.c.enough, Integer))
        .correlate(kind)
        .lateral("of_kind")
    )
    return select(kind.c.kind, of_kind.c.id).select_from(kind.join(of_kind, true()))


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

_IDS = _unseen("ids")


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
