"""Routes of passwords: one's own, somebody's, lost ones. Source: spec accounts, operations."""

from typing import Any
from uuid import UUID

from pegbar.accounts.credentials import actions
from pegbar.core.access import Caller, admin
from pegbar.core.body import Strict
from pegbar.core.database import Database
from pegbar.core.routing import post


class NewPassword(Strict):
    """A password, typed twice."""

    password: str
    password_2: str

    def __post_init__(self) -> None:
        if self.password != self.password_2:
            raise ValueError("The two passwords are not the same.")


@post("/actions/persons/{person_id:uuid}/change-password", access=admin, status=200, tag="Persons", errors=(400,))
async def set_password_of(db: Database, caller: Caller, person_id: UUID, body: NewPassword) -> Any:
    """Give somebody a new password; their sessions end."""
    await actions.set_password_of(db, caller, person_id, body.password)
    return {"success": True}
