"""Noting what a transaction deleted, just before it commits: an entry of the trash, whatever the route.

The rows are in the history already, by this change. Here it gets a name, and its files are held back from removal.
A production that is emptied batch by batch (productions/deletion) has one entry, which gathers its batches.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from pegbar.config import settings
from pegbar.core.data.database import ROWS_DELETED, Transaction
from pegbar.core.data.schema import metadata, utc_now
from pegbar.core.storage import Discarded
from pegbar.open.trash import queries
from pegbar.open.trash.tables import trash_thing
from pegbar.open.trash.things import references, things

WHOLE, EMPTYING, RESTORING = "whole", "emptying", "restoring"


@ROWS_DELETED.register()
async def note(tx: Transaction) -> None:
    """Make an entry of the rows that this transaction deleted, if things are among them."""
    if not settings().trash_days:
        return
    deleted: dict[str, int] = {row["table_name"]: row["rows"] for row in await tx.rows(queries.DELETED)}
    going = await tx.row(queries.GOING) if deleted else None
    if going is not None:
        await _gather(tx, going, deleted)
        return
    roots = await _roots(tx, deleted)
    if roots:
        await _add(tx, roots, deleted)


async def _roots(tx: Transaction, deleted: dict[str, int]) -> list[asyncpg.Record]:
    """The things that went with nothing else: `table_name`, `row_id`, `kind`, `name`, `project_id`."""
    names = [name for name in deleted if name in things()]
    if not names:
        return []
    pairs = references(metadata.tables[name] for name in deleted)
    return await tx.rows(
        queries.ROOTS,
        names=names,
        kinds=[things()[name] for name in names],
        holders=[holder for holder, _, _ in pairs],
        columns=[column for _, column, _ in pairs],
        targets=[target for _, _, target in pairs],
    )


async def _add(tx: Transaction, roots: list[asyncpg.Record], deleted: dict[str, int]) -> None:
    trash_id, first = uuid4(), roots[0]
    productions = {row["project_id"] for row in roots}
    await _insert(
        tx,
        trash_id,
        deleted,
        kind=first["kind"] if len({row["kind"] for row in roots}) == 1 else "Several",
        name=first["name"],
        production_id=productions.pop() if len(productions) == 1 else None,
        state=WHOLE,
    )
    await _keep(tx, trash_id, [dict(row) for row in roots])


async def _insert(tx: Transaction, trash_id: UUID, deleted: dict[str, int], **values: Any) -> None:
    await tx.execute(
        queries.ADD,
        trash_id=trash_id,
        person_id=tx.author_id,
        deleted_at=utc_now(),
        rows=deleted,
        row_count=sum(deleted.values()),
        **values,
    )


async def _keep(tx: Transaction, trash_id: UUID, roots: Sequence[Mapping[str, Any]]) -> None:
    """Say which change and which things an entry has, and hold its files."""
    await tx.execute(queries.ADD_CHANGE, trash_id=trash_id)
    known = ("table_name", "row_id", "kind", "name")
    await tx.insert_many(
        trash_thing, [{"trash_id": trash_id, **{key: row[key] for key in known}} for row in roots], skip_existing=True
    )
    files = [discarded.address for discarded in tx.kept(Discarded)]
    if files:
        await tx.execute(
            queries.HOLD,
            held_by=trash_id,
            buckets=[address.bucket for address in files],
            keys=[address.key for address in files],
        )


async def _gather(tx: Transaction, going: asyncpg.Record, deleted: dict[str, int]) -> None:
    """Add a batch of a production that is being emptied to its entry, which the first one makes."""
    trash_id = await tx.value(queries.OF_PRODUCTION, project_id=going["project_id"])
    state = EMPTYING if going["goes_on"] else WHOLE
    if trash_id is None:
        trash_id = uuid4()
        about = {"kind": "Project", "name": going["name"], "production_id": going["project_id"], "state": state}
        await _insert(tx, trash_id, deleted, **about)
    else:
        await tx.execute(queries.GATHER, trash_id=trash_id, rows=deleted, state=state)
    root = {"table_name": "project", "row_id": going["project_id"], "kind": "Project", "name": going["name"]}
    await _keep(tx, trash_id, [root])
