"""To which production a row belongs. Derived from the tables: no query says it a second time.

A table with a `project_id` says it itself. A row of any other belongs to the production of what it refers to: a preview
to that of its task, a reply to a chat to that of the chat's entity. Tables that refer to nothing of a production (task
types, departments, persons) are the studio's.

What foreign keys do not tell stands beside the columns (core/data/schema.py): `names` for a reference that the
database does not hold, `lent` for one that may name a shared asset of another production, `visits` for one that says
nothing of where its row belongs.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Alias, ColumnElement, Executable, Table, any_, func, select

from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Column, Uuid, metadata

_PROJECT = "project"
_PROJECT_ID = param("project_id")
_IDS = param("ids")


def target_of(column: Column[Any]) -> Table | None:
    """The table that a column refers to, whether or not the database holds the reference."""
    if "names" in column.info:
        return metadata.tables[column.info["names"]]
    return next((foreign.column.table for foreign in column.foreign_keys), None)


def is_lent(column: Column[Any]) -> bool:
    """Whether a reference may name a shared asset of another production."""
    return bool(column.info.get("lent"))


@lru_cache(None)
def references(table: Table) -> tuple[Column[Any], ...]:
    """The columns of a table that refer to rows of a production."""
    return tuple(
        column
        for column in table.columns
        if not column.info.get("visits")
        and (target := target_of(column)) is not None
        and (target is table or belongs(target))
    )


@lru_cache(None)
def belongs(table: Table) -> bool:
    """Whether the rows of a table are of productions; those of others are the studio's."""
    return table.name == _PROJECT or "project_id" in table.c or bool(references(table))


@lru_cache(None)
def owners(table: Table) -> tuple[Column[Any], ...]:
    """The references that say to which production a row belongs: the first one that is set does."""
    if table.name == _PROJECT:
        return ()
    if "project_id" in table.c:
        return (table.c.project_id,)
    candidates = sorted((column for column in references(table) if target_of(column) is not table), key=is_lent)
    certain = next((n for n, column in enumerate(candidates, 1) if not column.nullable), len(candidates))
    return tuple(candidates[:certain])


@lru_cache(None)
def production_of(row: Table | Alias) -> ColumnElement[UUID]:
    """The production of a row of a table (or an alias of it) in a statement that selects from it."""
    table = row if isinstance(row, Table) else row.element
    assert isinstance(table, Table)
    if table.name == _PROJECT:
        return row.c.id
    if "project_id" in table.c:
        return row.c.project_id
    productions = [_through(row, column) for column in owners(table)]
    assert productions, f"{table.name} is the studio's"
    return productions[0] if len(productions) == 1 else func.coalesce(*productions, type_=Uuid)


def _through(row: Table | Alias, column: Column[Any]) -> ColumnElement[UUID]:
    target = target_of(column)
    assert target is not None
    production = select(production_of(target)).where(target.c.id == row.c[column.name])
    return production.correlate(row).scalar_subquery()


@lru_cache(None)
def _foreign(table: Table) -> Executable:
    elsewhere = production_of(table).is_distinct_from(_PROJECT_ID)
    rows = select(table.c.id).where(table.c.id == any_(_IDS), elsewhere)
    if "is_shared" in table.c:
        rows = rows.where(~table.c.is_shared)
    return rows.order_by(table.c.id)


@lru_cache(None)
def _own(table: Table) -> Executable:
    return select(table.c.id).where(table.c.id == any_(_IDS), production_of(table) == _PROJECT_ID)


async def foreign(db: Reader, table: Table, ids: Iterable[UUID], project_id: UUID | None) -> list[UUID]:
    """Those of these rows that exist and are of another production; assets shared by all are of every one."""
    wanted = list(ids)
    return await db.column(_foreign(table), ids=wanted, project_id=project_id) if wanted else []


async def own(db: Reader, table: Table, ids: Iterable[UUID], project_id: UUID) -> set[UUID]:
    """Those of these rows that are of a production."""
    wanted = list(ids)
    return set(await db.column(_own(table), ids=wanted, project_id=project_id)) if wanted else set()
