"""Hiring, editing, leaving, and the departments of a person. Source: spec crud, "persons"; spec accounts, 8 and 11."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from pegbar.accounts import tokens
from pegbar.accounts.people import profile
from pegbar.accounts.people.leaving import avatar
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import BadRequest, Conflict, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.storage import mark_deleted

_PERSON = select(person).where(person.c.id == param("person_id")).with_for_update()
_DEPARTMENT = select(department.c.id).where(department.c.id == param("department_id"))


async def hire(tx: Transaction, caller: Caller, document: Mapping[str, Any]) -> tuple[UUID, str | None]:
    """Add a person; their id and, for a bot, the token that its requests carry."""
    values = profile.read(document)
    if profile.is_past(values.get("expiration_date")):
        raise BadRequest("expiration_date: the day is past.")
    person_id = await persons.create(tx, caller, values)
    token = await _give_token(tx, person_id, values) if values.get("is_bot") else None
    return person_id, token


async def edit(tx: Transaction, caller: Caller, person_id: UUID, document: Mapping[str, Any]) -> str | None:
    """Change a person; the new API token, when the change gives one.

    Keys that are not for the caller to write are ignored. An administrator who sends `expiration_date` gives the person
    a new API token and ends the one before; in a form sent whole, only when the day changes (bots: in any case).
    """
    before = await tx.row(_PERSON, person_id=person_id)
    if before is None:
        raise NotFound(f"There is no Person {person_id}.")
    heard = persons.writes.heard(Change(tx, caller, document, before=before, row_id=person_id))
    values = profile.read(heard, unchanged=dict(before))
    expires = values.get("expiration_date")
    if profile.is_past(expires) and expires != before["expiration_date"]:
        raise BadRequest("expiration_date: the day is past.")
    change = await persons.update(tx, caller, person_id, values)
    if "expiration_date" not in values or profile.is_past(expires):
        return None
    meant = change.after("is_bot") or len(values) == 1 or expires != before["expiration_date"]
    return await _give_token(tx, person_id, {**before, **values}) if meant else None


async def _give_token(tx: Transaction, person_id: UUID, row: Mapping[str, Any]) -> str:
    """A new API token of a person; the one before is over."""
    token, jti = tokens.api_token(person_id, is_bot=bool(row.get("is_bot")), until=row.get("expiration_date"))
    await tx.update(person, person_id, jti=jti)
    return token


async def dismiss(tx: Transaction, caller: Caller, person_id: UUID, *, force: bool) -> None:
    """Remove a person; with `force`, with what is theirs. Raises Conflict while other rows name them."""
    try:
        await persons.remove(tx, caller, person_id, force=force)
    except asyncpg.ForeignKeyViolationError as error:
        raise Conflict(f"This person is still used by rows of {error.table_name}.") from None


async def _touch(tx: Transaction, person_id: UUID) -> None:
    if not await tx.update(person, person_id):
        raise NotFound(f"There is no Person {person_id}.")
    tx.emit(persons.events["update"], person_id=person_id)


async def join_department(tx: Transaction, person_id: UUID, department_id: UUID) -> None:
    """Put a person in a department, where they may be already."""
    await _check_department(tx, department_id)
    await _touch(tx, person_id)
    await tx.insert_many(
        department_link, [{"person_id": person_id, "department_id": department_id}], skip_existing=True
    )


async def leave_department(tx: Transaction, person_id: UUID, department_id: UUID) -> None:
    """Take a person out of a department, where they need not be."""
    await _check_department(tx, department_id)
    await _touch(tx, person_id)
    await tx.delete(department_link, person_id=person_id, department_id=department_id)


async def _check_department(tx: Transaction, department_id: UUID) -> None:
    if await tx.value(_DEPARTMENT, department_id=department_id) is None:
        raise BadRequest(f"There is no department {department_id}.")


async def clear_avatar(tx: Transaction, person_id: UUID) -> None:
    """Forget a person's picture."""
    if not await tx.update(person, person_id, has_avatar=False):
        raise NotFound(f"There is no Person {person_id}.")
    await mark_deleted(tx, [avatar(person_id)])
    tx.emit(persons.events["update"], person_id=person_id)
