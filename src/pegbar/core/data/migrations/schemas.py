"""The shape of a database: as our tables declare it, as a database has it, and how the two differ.

Everything is known by its columns: constraints and indexes of older databases carry other names, columns another order.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Index, MetaData, Table, UniqueConstraint, text
from sqlalchemy.dialects import postgresql

from pegbar.core.data.schema import metadata

Columns = tuple[str, ...]

#: The schema revision of the Kitsu server whose tables ours are.
KITSU_REVISION = "b8e3d1f6a2c9"
#: The comment on an index or constraint that Pegbar added to another server's tables: by it they are known when the
#: database is handed back.
OURS = "Added by Pegbar."


@dataclass(frozen=True)
class ColumnShape:
    """Type (as PostgreSQL writes it), nullability and default of a column."""

    type: str
    nullable: bool
    default: str | None = None


@dataclass
class TableShape:
    """A table, its constraints and indexes named by their columns."""

    columns: dict[str, ColumnShape] = field(default_factory=dict)
    primary_key: Columns = ()
    #: Columns, in any order, and the condition of a partial index ("" for none).
    uniques: set[tuple[frozenset[str], str]] = field(default_factory=set)
    #: Column, table it refers to, what happens on delete.
    references: set[tuple[str, str, str]] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)
    indexes: set[tuple[Columns, str]] = field(default_factory=set)

    def covers(self, columns: Columns) -> bool:
        """Whether some index without a condition starts with these columns."""
        whole = [self.primary_key, *(index for index, condition in self.indexes if not condition)]
        if any(index[: len(columns)] == columns for index in whole):
            return True
        return any(unique == frozenset(columns) for unique, condition in self.uniques if not condition)


Schema = dict[str, TableShape]


@dataclass(frozen=True)
class NewIndex:
    """An index that a database lacks."""

    name: str
    table: str
    columns: Columns
    condition: str = ""

    def sql(self, *, concurrently: bool) -> str:
        """The statement that makes it."""
        columns = ", ".join(f'"{name}"' for name in self.columns)
        how = "CONCURRENTLY " if concurrently else ""
        where = f" WHERE {self.condition}" if self.condition else ""
        return f'CREATE INDEX {how}IF NOT EXISTS "{self.name}" ON public."{self.table}" ({columns}){where}'


# As declared


def declared_metadata() -> MetaData:
    """The metadata with the tables of every domain."""
    pegbar = importlib.import_module("pegbar")
    for module in pkgutil.walk_packages(pegbar.__path__, "pegbar."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    for name in ("pegbar.core.live.events", "pegbar.core.storage"):
        importlib.import_module(name)
    return metadata


def declared() -> Schema:
    """The tables of a Kitsu database as our domains declare them."""
    return {table.name: _declared_table(table) for table in declared_metadata().tables.values() if table.schema is None}


_TYPE_NAMES = (("VARCHAR", "character varying"), ("FLOAT", "double precision"))


def _type_name(column: Column[Any]) -> str:
    name = str(column.type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    for ours, postgres in _TYPE_NAMES:
        name = name.replace(ours, postgres)
    return name.lower()


def _declared_default(column: Column[Any]) -> str | None:
    default: Any = column.server_default
    if default is None:
        return None
    return plain(default.arg if isinstance(default.arg, str) else str(default.arg.text))


def plain(expression: str | None) -> str | None:
    """An SQL expression without casts, quotes around constants, brackets and case, for comparing."""
    if expression is None:
        return None
    without_casts = re.sub(r"::[a-z ]+(\[\])?", "", expression.lower())
    return re.sub(r"[()'\s]+", " ", without_casts).strip()


def _declared_table(table: Table) -> TableShape:
    shape = TableShape()
    for column in table.columns:
        shape.columns[column.name] = ColumnShape(_type_name(column), bool(column.nullable), _declared_default(column))
        for foreign in column.foreign_keys:
            on_delete = (foreign.ondelete or "NO ACTION").upper()
            shape.references.add((column.name, foreign.column.table.name, on_delete))
    shape.primary_key = tuple(column.name for column in table.primary_key.columns)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            shape.uniques.add((frozenset(column.name for column in constraint.columns), ""))
        elif isinstance(constraint, CheckConstraint):
            shape.checks.add(plain(str(constraint.sqltext)) or "")
    for index in table.indexes:
        names, condition = _index_parts(index)
        if index.unique:
            shape.uniques.add((frozenset(names), plain(condition) or ""))
        else:
            shape.indexes.add((names, plain(condition) or ""))
    return shape


def _index_parts(index: Index) -> tuple[Columns, str]:
    where = index.dialect_options["postgresql"].get("where")
    return tuple(column.name for column in index.columns), "" if where is None else str(where)


# As a database has it

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
 ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
SELECT c.relname, k.contype::text, f.relname, k.confdeltype::text, pg_get_constraintdef(k.oid),
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n (number, place)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.number ORDER BY n.place)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
 WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f', 'c')
"""
_INDEXES = """
SELECT c.relname, i.indisunique, pg_get_expr(i.indpred, i.indrelid),
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS n (number, place)
               LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.number
              WHERE n.place <= i.indnkeyatts ORDER BY n.place)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam
 WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND m.amname = 'btree' AND i.indexprs IS NULL
   AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
"""
_ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def existing(connection: Connection) -> Schema:
    """The tables of the schema `public` of a database."""
    schema: Schema = {}
    for table, column, kind, nullable, default in connection.execute(text(_COLUMNS)):
        schema.setdefault(table, TableShape()).columns[column] = ColumnShape(kind, nullable, plain(default))
    for table, kind, target, on_delete, definition, columns in connection.execute(text(_CONSTRAINTS)):
        shape = schema[table]
        if kind == "p":
            shape.primary_key = tuple(columns)
        elif kind == "u":
            shape.uniques.add((frozenset(columns), ""))
        elif kind == "f":
            shape.references.add((columns[0], target, _ON_DELETE[on_delete]))
        else:
            shape.checks.add((plain(definition) or "").removeprefix("check "))
    for table, unique, condition, columns in connection.execute(text(_INDEXES)):
        if unique:
            schema[table].uniques.add((frozenset(columns), plain(condition) or ""))
        else:
            schema[table].indexes.add((tuple(columns), plain(condition) or ""))
    return schema


# How they differ


@dataclass
class Comparison:
    """What a database lacks that Pegbar cannot do without, and what is merely different."""

    needed: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def compare(ours: Schema, theirs: Schema) -> Comparison:
    """Every difference between the declared tables and a database's."""
    result = Comparison()
    for name, table in ours.items():
        if name not in theirs:
            result.needed.append(f"the table {name} is missing")
            continue
        _compare_columns(name, table, theirs[name], result)
        _compare_constraints(name, table, theirs[name], result)
    result.differences += [
        f"the table {name} is not one of Kitsu's; it is left alone"
        for name in theirs
        if name not in ours and name != "alembic_version"
    ]
    return result


def _compare_columns(name: str, ours: TableShape, theirs: TableShape, result: Comparison) -> None:
    for column, wanted in ours.columns.items():
        there = theirs.columns.get(column)
        if there is None:
            result.needed.append(f"the column {name}.{column} ({wanted.type}) is missing")
            continue
        if there.type != wanted.type:
            text = f"{name}.{column} is {there.type}, not {wanted.type}"
            (result.differences if _same_family(there.type, wanted.type) else result.needed).append(text)
        if there.default != wanted.default:
            result.differences.append(
                f"{name}.{column} has the default {there.default or 'none'}, not {wanted.default or 'none'}"
            )
        if there.nullable and not wanted.nullable:
            result.differences.append(f"{name}.{column} may be null")
        elif wanted.nullable and not there.nullable:
            text = f"{name}.{column} must not be null"
            (result.needed if there.default is None else result.differences).append(text)
    for column, extra in theirs.columns.items():
        if column not in ours.columns:
            required = not extra.nullable and extra.default is None
            text = f"the column {name}.{column} is not one of Kitsu's"
            (result.needed if required else result.differences).append(text + (" and has no default" * required))


_FAMILIES = (
    re.compile(r"character varying(\(\d+\))?|text"),
    re.compile(r"smallint|integer|bigint"),
    re.compile(r"real|double precision"),
    re.compile(r"(character varying(\(\d+\))?|text)\[\]"),
)


def _same_family(one: str, other: str) -> bool:
    """Types between which values pass as they are."""
    return any(family.fullmatch(one) and family.fullmatch(other) for family in _FAMILIES)


def _compare_constraints(name: str, ours: TableShape, theirs: TableShape, result: Comparison) -> None:
    if set(ours.primary_key) != set(theirs.primary_key):
        result.needed.append(f"the primary key of {name} is not {_listed(ours.primary_key)}")
    for columns, condition in sorted(ours.uniques - theirs.uniques, key=str):
        if columns != set(theirs.primary_key):
            where = f" where {condition}" if condition else ""
            result.needed.append(f"{name} is not unique by {_listed(sorted(columns))}{where}")
    for columns, _ in sorted(theirs.uniques - ours.uniques, key=str):
        result.differences.append(f"{name} is unique by {_listed(sorted(columns))}")
    for column, target, on_delete in sorted(ours.references - theirs.references):
        result.differences.append(f"{name}.{column} has no foreign key to {target} (on delete {on_delete.lower()})")
    for column, target, on_delete in sorted(theirs.references - ours.references):
        result.differences.append(f"{name}.{column} has a foreign key to {target} (on delete {on_delete.lower()})")
    result.differences += [f"{name} does not check that {check}" for check in sorted(ours.checks - theirs.checks)]
    result.differences += [f"{name} checks that {check}" for check in sorted(theirs.checks - ours.checks)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


# Indexes


def missing_indexes(theirs: Schema, hot_reads: Iterable[tuple[str, Columns]]) -> list[NewIndex]:
    """The indexes that a database lacks: those declared, one for each foreign key, those of the hot reads.

    What is ours alone is named `pegbar_…`, so that it is known again when the database is handed back.
    """
    wanted = [
        index
        for index in (*_declared_indexes(), *_reference_indexes(), *_hot(hot_reads))
        if index.table in theirs and set(index.columns) <= set(theirs[index.table].columns)
    ]
    missing: list[NewIndex] = []
    for index in wanted:
        shape = theirs[index.table]
        known = (index.columns, plain(index.condition) or "") in shape.indexes if index.condition else None
        if known or (known is None and shape.covers(index.columns)):
            continue
        missing.append(index)
        shape.indexes.add((index.columns, plain(index.condition) or ""))
    return missing


def _declared_indexes() -> Iterator[NewIndex]:
    for table in declared_metadata().tables.values():
        if table.schema is None:
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                if not index.unique:
                    yield NewIndex(str(index.name), table.name, *_index_parts(index))


def _reference_indexes() -> Iterator[NewIndex]:
    for name, shape in declared().items():
        for column, _, _ in sorted(shape.references):
            yield NewIndex(f"pegbar_{name}_{column}"[:63], name, (column,))


def _hot(hot_reads: Iterable[tuple[str, Columns]]) -> Iterator[NewIndex]:
    for table, columns in hot_reads:
        yield NewIndex(f"pegbar_{table}_{'_'.join(columns)}"[:63], table, columns)
