"""Where higher domains take part in the life of a production."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, bindparam, text

from pegbar.core.database import Transaction
from pegbar.core.hooks import Hook
from pegbar.core.schema import Uuid
from pegbar.core.storage import mark_files_deleted


@dataclass(frozen=True)
class SavedShow:
    """A TV show that was just created or changed."""

    tx: Transaction
    project_id: UUID


@dataclass(frozen=True)
class Removal:
    """A production about to be deleted with everything in it."""

    tx: Transaction
    project_id: UUID

    async def run(self, statements: Iterable[Executable]) -> None:
        """Run statements about the production, made by `about_project`."""
        for statement in statements:
            await self.tx.execute(statement, project_id=self.project_id)

    async def forget_files(self, *selections: Executable) -> None:
        """Mark the binaries of the files whose ids these statements select for removal."""
        for each in selections:
            await mark_files_deleted(self.tx, await self.tx.column(each, project_id=self.project_id))

    async def rows(self, statement: Executable) -> list[asyncpg.Record]:
        """The rows of a statement about the production."""
        return await self.tx.rows(statement, project_id=self.project_id)


@dataclass(frozen=True)
class ChangedValues:
    """Values of a descriptor that moved or went, in the `data` of rows (`id`, `project_id`) of its kind."""

    tx: Transaction
    entity_type: str
    rows: Sequence[asyncpg.Record]


@dataclass(frozen=True)
class Parting:
    """Somebody who leaves the team of a production."""

    tx: Transaction
    project_id: UUID
    person_id: UUID


@dataclass(frozen=True)
class Pipeline:
    """A production whose task types, or their order, were just changed."""

    tx: Transaction
    project_id: UUID


def about_project(*statements: str, **sets: str) -> tuple[Executable, ...]:
    """Statements about the production `:project_id`; `{name}` stands for the rows that `sets` selects by that name.

    A set may use those before it.
    """
    known: dict[str, str] = {}
    for name, selection in sets.items():
        known[name] = f"({selection.format(**known)})"
    return tuple(text(each.format(**known)).bindparams(bindparam("project_id", type_=Uuid)) for each in statements)


#: A TV show was created or changed: see that it has an episode.
SHOW_SAVED: Hook[SavedShow] = Hook("a TV show was created or changed")

#: A descriptor was renamed or removed, and the `data` of rows changed with it: tell of those rows.
VALUES_CHANGED: Hook[ChangedValues] = Hook("the values of a descriptor changed")

#: Somebody left the team of a production: what keeps them informed about it ends.
TEAM_LEFT: Hook[Parting] = Hook("somebody left the team of a production")

#: The task types of a production, or their order, changed: work out again what depends on the order of the steps.
PIPELINE_CHANGED: Hook[Pipeline] = Hook("the task types of a production, or their order, changed")

#: A production is being deleted: delete what is in it. The order is that of foreign keys (the orders below).
PROJECT_REMOVED: Hook[Removal] = Hook("a production is being deleted with all its rows")

#: The orders of PROJECT_REMOVED: what refers to other rows goes before them.
WORKSPACE, REVIEW, MEDIA, FILES, TASKS, PLANNING, ENTITIES = range(10, 80, 10)
