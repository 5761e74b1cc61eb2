"""Many creates or updates of a resource at once, as a batch does them: the rules row by row, the statements together.

Only for writes that touch nothing but their own rows (`Resource.together`), and of rows that are all different: then
what comes of it is what came of one after the other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Executable, Table, any_, select

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Json, Transaction, with_defaults
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import NotFound
from pegbar.core.http import routing
from pegbar.core.http.access import Caller

if TYPE_CHECKING:
    from pegbar.core.data.resource import Resource

#: What is answered for new rows, in the order of their ids.
ReadMade = Callable[[Transaction, Sequence[UUID]], Awaitable[Sequence[Json]]]


@lru_cache(512)
def _locked_rows(table: Table) -> Executable:
    """In the order of their ids, so that requests about the same rows queue up instead of blocking each other."""
    return select(table).where(table.c.id == any_(param("ids"))).order_by(table.c.id).with_for_update()


async def update_many(
    resource: "Resource", tx: Transaction, updates: Sequence[tuple[Caller, UUID, Mapping[str, Any]]]
) -> None:
    """Change different rows, each from its document."""
    rows = {
        row["id"]: row for row in await tx.rows(_locked_rows(resource.table), ids=[row_id for _, row_id, _ in updates])
    }
    changes = []
    for caller, row_id, document in updates:
        if row_id not in rows:
            raise NotFound(f"There is no {resource.type} {row_id}.")
        change = resource.change(tx, caller, document, before=rows[row_id], row_id=row_id)
        await resource.judge(change)
        changes.append(change)
    stamped = {"updated_at"} if "updated_at" in resource.table.c else set()
    for names, alike in _by_columns(changes).items():
        values = [
            {"id": change.row_id, **dict.fromkeys(stamped, utc_now()), **{name: change.values[name] for name in names}}
            for change in alike
        ]
        await tx.update_many(resource.table, values)
    await resource.finish_many(changes, "update")


async def create_many(
    resource: "Resource", tx: Transaction, creates: Sequence[tuple[Caller, Mapping[str, Any]]]
) -> list[UUID]:
    """Insert rows, each from its document; their ids."""
    changes = [resource.change(tx, caller, document) for caller, document in creates]
    await resource.judge_creates(changes)
    for alike in _by_columns(changes).values():
        for change in alike:
            change.values = with_defaults(resource.table, change.values)
            change.row_id = change.values["id"]
        await tx.insert_many(resource.table, [change.values for change in alike])
    await resource.finish_many(changes, "new")
    return [change.row(resource.table) for change in changes]


def _by_columns(changes: Sequence[Change]) -> dict[tuple[str, ...], list[Change]]:
    """The changes that write the same columns."""
    alike: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        alike.setdefault(tuple(sorted(change.values)), []).append(change)
    return alike


def updates_together(resource: "Resource") -> routing.Together | None:
    """How updates of a resource in a row are done at once."""
    plain = resource.plain_columns
    if not plain:
        return None

    def subject(params: Mapping[str, Any], document: dict[str, Any]) -> object | None:
        if not document.keys() & resource.writes.update <= plain:
            return None
        return str(params["instance_id"]).lower()

    async def run(tx: Transaction, parts: Sequence[routing.Part]) -> list[Json]:
        ids = [routing.path_uuid(part.params["instance_id"]) for part in parts]
        documents = [part.document for part in parts]
        callers = [part.caller for part in parts]
        await update_many(resource, tx, list(zip(callers, ids, documents, strict=True)))
        return await resource.read_many(tx, list(zip(callers, ids, strict=True)), relations=resource.update_relations)

    return routing.Together(subject, run)


def creates_together(resource: "Resource", read: ReadMade | None = None) -> routing.Together | None:
    """How creates of a resource in a row are done at once; `read` answers them where its own reads do not."""
    if not resource.creates_apart:
        return None

    def subject(_: Mapping[str, Any], document: dict[str, Any]) -> object | None:
        return id(document)  # all are different

    async def run(tx: Transaction, parts: Sequence[routing.Part]) -> Sequence[Json]:
        ids = await create_many(resource, tx, [(part.caller, part.document) for part in parts])
        if read is not None:
            return await read(tx, ids)
        callers = [part.caller for part in parts]
        return await resource.read_many(tx, list(zip(callers, ids, strict=True)))

    return routing.Together(subject, run)
