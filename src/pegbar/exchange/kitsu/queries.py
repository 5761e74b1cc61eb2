"""What an import reads, and how it links rows: a statement each, however many rows there are."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, FromClause, Table, and_, any_, func, literal, select

from pegbar.core.data import belonging
from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import json_object

if TYPE_CHECKING:
    from pegbar.exchange.kitsu.imports import Import

#: Two imports of a table wait for each other: what one finds new is not made by the other meanwhile.
TURN = sql("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=Text)


def _keys(imported: "Import") -> FromClause:
    """The rows named by the parameters, in their order: `ids`, or one array for each column of the key."""
    arrays = [param(f"{name}s") for name in imported.key]
    return func.unnest(*arrays).table_valued(*imported.key, with_ordinality="n").render_derived("keys")


def _joined(imported: "Import", keys: FromClause) -> FromClause:
    table = imported.table
    return keys.join(table, and_(*[table.c[name] == keys.c[name] for name in imported.key]))


@lru_cache
def stored(imported: "Import") -> Executable:
    """The rows of these keys that are there, held until the commit; `n` counts the keys from 1."""
    keys, table = _keys(imported), imported.table
    data = [table.c.data] if imported.merges else []
    rows = select(keys.c.n, *data).select_from(_joined(imported, keys)).order_by(keys.c.n)
    return rows.with_for_update(of=table)


@lru_cache
def answer(imported: "Import") -> Executable:
    """The JSON of the rows of these keys, in their order."""
    keys = _keys(imported)
    return select(json_object(imported.shape)).select_from(_joined(imported, keys)).order_by(keys.c.n)


@lru_cache
def told(imported: "Import") -> Executable:
    """What the events of the rows of these keys tell: their production, their kind, their one listener, and more."""
    keys = _keys(imported)
    columns: list[ColumnElement[Any]] = [
        belonging.production_of(imported.table).label("project_id"),
        (literal(None, Text) if imported.kind is None else imported.kind).label("kind"),
        (literal(None, Uuid) if imported.told_to is None else imported.told_to).label("told_to"),
        *[column.label(f"told_{name}") for name, column in imported.told.items()],
    ]
    return select(*columns).select_from(_joined(imported, keys)).order_by(keys.c.n)


@lru_cache
def _known(table: Table) -> Executable:
    return select(table.c.id).where(table.c.id == any_(param("ids")))


async def known(db: Reader, table: Table, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these ids that a table has."""
    wanted = list(ids)
    return set(await db.column(_known(table), ids=wanted)) if wanted else set()


# Links: `owner_ids` are the rows whose links are written, `from_ids` and `to_ids` the ends of each link that they have.

_KEPT = (
    "SELECT FROM unnest(:from_ids, :to_ids) AS kept (owner, other) WHERE kept.owner = {owner} AND kept.other = {other}"
)


@lru_cache
def unlink(relation: Relation) -> Executable:
    """Remove the links of rows that are not among those given."""
    link, owner, other = relation.link.name, relation.owner.name, relation.other.name
    kept = _KEPT.format(owner=f'link."{owner}"', other=f'link."{other}"')
    return sql(f'DELETE FROM {link} AS link WHERE "{owner}" = ANY(:owner_ids) AND NOT EXISTS ({kept})')  # noqa: S608


@lru_cache
def disown(relation: Relation) -> Executable:
    """The same, where what is linked names its owner itself."""
    link, owner = relation.link.name, relation.owner.name
    kept = _KEPT.format(owner=f'link."{owner}"', other="link.id")
    return sql(
        f'UPDATE {link} AS link SET "{owner}" = NULL WHERE "{owner}" = ANY(:owner_ids) AND NOT EXISTS ({kept})'  # noqa: S608
    )


@lru_cache
def own(relation: Relation) -> Executable:
    """Make rows name their owners."""
    link, owner = relation.link.name, relation.owner.name
    return sql(
        f'UPDATE {link} AS link SET "{owner}" = kept.owner FROM unnest(:from_ids, :to_ids) AS kept (owner, other)'  # noqa: S608
        " WHERE link.id = kept.other"
    )
