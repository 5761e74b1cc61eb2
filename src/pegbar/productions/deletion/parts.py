"""What a production consists of, each part declared by the domain that owns it, removed some rows at a time.

    # tasks/removal.py
    @part(TASKS, "tasks", "SELECT id FROM task WHERE project_id = :project_id")
    async def remove_tasks_of_project(batch: Batch) -> None: ...

A part names the rows it starts from; its function removes those, all that belongs to them, and what refers to them from
elsewhere. Parts are emptied in the order of foreign keys.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Executable, Integer, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid

#: The orders of parts: what refers to other rows goes before them.
WORKSPACE, REVIEW, TASKS, PLANNING, ENTITIES, SETTINGS = range(10, 70, 10)


@dataclass(frozen=True)
class Batch:
    """Rows of a production that is being deleted, locked: they go now, with their binaries."""

    tx: Transaction
    project_id: UUID
    ids: Sequence[UUID]

    async def run(self, *statements: Executable) -> None:
        """Run statements about `:ids`."""
        for each in statements:
            await self.tx.execute(each, ids=self.ids)


Remover = Callable[[Batch], Awaitable[None]]


@dataclass(frozen=True)
class Part:
    """Rows of one kind, and how to remove some of them."""

    order: int
    what: str  #: as progress tells it
    locked: Executable  #: the ids of at most `:most` of the rows of `:project_id`, locked
    counted: str  #: SQL: their number
    remove: Remover
    at_once: int
    made: bool  #: somebody made these rows: without force, they keep the production


#: Every part, in the order in which they go.
parts: list[Part] = []


def part(order: int, what: str, ids: str, *, at_once: int = 200, made: bool = True) -> Callable[[Remover], Remover]:
    """Declare a part. `ids` selects its rows by `:project_id`; `at_once` go in a transaction."""

    def declare(remove: Remover) -> Remover:
        locked = text(f"{ids} LIMIT :most FOR UPDATE").bindparams(
            bindparam("project_id", type_=Uuid), bindparam("most", type_=Integer)
        )
        counted = f"SELECT count(*) FROM ({ids}) AS counted"  # noqa: S608 - declared, not given
        parts.append(Part(order, what, locked, counted, remove, at_once, made))
        parts.sort(key=lambda each: each.order)
        return remove

    return declare


def about_ids(*statements: str) -> tuple[Executable, ...]:
    """Statements about the rows `:ids`."""
    return tuple(text(each).bindparams(bindparam("ids", type_=ARRAY(Uuid))) for each in statements)


def plain_part(order: int, what: str, table: str, *before: str, at_once: int = 1000, made: bool = True) -> None:
    """Declare the rows of a table with a `project_id`: statements about what hangs on them, then they go."""
    delete = f"DELETE FROM {table} WHERE id = ANY(:ids)"  # noqa: S608 - declared, not given
    statements = about_ids(*before, delete)

    @part(order, what, f"SELECT id FROM {table} WHERE project_id = :project_id", at_once=at_once, made=made)  # noqa: S608
    async def remove(batch: Batch) -> None:
        await batch.run(*statements)
