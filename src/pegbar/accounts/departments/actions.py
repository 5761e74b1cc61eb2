"""What departments have: software licences and hardware, by the same rules. Source: spec accounts, as queries.py."""

from dataclasses import dataclass
from uuid import UUID

from pegbar.accounts.departments import queries
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.schema import Column, Table
from pegbar.core.errors import NotFound
from pegbar.studio.tables import hardware_item, hardware_item_department_link, software, software_department_link


@dataclass(frozen=True)
class Equipment:
    """A kind of thing that departments have."""

    name: str
    item: Table
    link: Table
    item_column: Column[object]

    async def by_department(self, db: Database) -> Json:
        """Department id to list of rows; departments without any are left out."""
        statement = queries.by_department(self.item, self.link, self.item_column)
        return await db.json_row(statement) or Json(b"{}")

    async def of_department(self, db: Database, department_id: UUID, item_id: UUID) -> Json:
        """One that a department has. Raises NotFound."""
        statement = queries.item_of_department(self.item, self.link, self.item_column)
        row = await db.json_row(statement, department_id=department_id, item_id=item_id)
        if row is None:
            raise NotFound(f"The department does not have the {self.name} {item_id}.")
        return row

    async def give(self, tx: Transaction, department_id: UUID, item_id: UUID) -> Json:
        """Give it to a department that may have it already; the link's row."""
        await self._check(tx, department_id, item_id)
        row = {"department_id": department_id, self.item_column.name: item_id}
        await tx.insert_many(self.link, [row], skip_existing=True)
        statement = queries.link_row(self.link, self.item_column)
        return await tx.json_row(statement, department_id=department_id, item_id=item_id) or Json(b"null")

    async def take(self, tx: Transaction, department_id: UUID, item_id: UUID) -> None:
        """Take it from a department that need not have it."""
        await self._check(tx, department_id, item_id)
        await tx.delete(self.link, **{"department_id": department_id, self.item_column.name: item_id})

    async def _check(self, db: Reader, department_id: UUID, item_id: UUID) -> None:
        await check_department(db, department_id)
        if await db.value(queries.item_exists(self.item), item_id=item_id) is None:
            raise NotFound(f"There is no {self.name} {item_id}.")


async def check_department(db: Reader, department_id: UUID) -> None:
    """Raise NotFound unless there is such a department."""
    if await db.value(queries.department_exists, department_id=department_id) is None:
        raise NotFound(f"There is no department {department_id}.")


LICENSES = Equipment("software", software, software_department_link, software_department_link.c.software_id)
HARDWARE = Equipment(
    "hardware item",
    hardware_item,
    hardware_item_department_link,
    hardware_item_department_link.c.hardware_item_id,
)
