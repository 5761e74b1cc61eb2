"""The account that sees a production as its clients do, for an hour at a time. Source: spec projects."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from pegbar.accounts import passwords
from pegbar.accounts.people.actions import dismiss
from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.productions import queries
from pegbar.productions.actions import join_team
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project

#: How long the account sees the production once it is opened.
WINDOW = timedelta(hours=1)

_ACCOUNT = select(person.c.id, person.c.email, FULL_NAME, person.c.preview_open_until).where(
    person.c.preview_project_id == PROJECT_ID
)
_NAME = select(project.c.name).where(project.c.id == PROJECT_ID)


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    until = row["preview_open_until"]
    shown = {name: row[name] for name in ("id", "email", "full_name")}
    return {**shown, "preview_open_until": None if until is None else until.isoformat(timespec="microseconds")}


async def account_of(db: Reader, project_id: UUID) -> dict[str, Any] | None:
    """The preview account of a production: `{id, email, full_name, preview_open_until}`, or None."""
    row = await db.row(_ACCOUNT, project_id=project_id)
    return None if row is None else _shown(row)


async def open_account(tx: Transaction, project_id: UUID) -> dict[str, Any]:
    """Make the account, or give it another password; it is closed then. The password is shown this once."""
    if settings().auth_strategy != "auth_local_classic":
        raise BadRequest("Preview accounts need passwords of this server (AUTH_STRATEGY=auth_local_classic).")
    await tx.row(queries.locked_project, project_id=project_id)
    password = secrets.token_urlsafe(12)
    columns: dict[str, Any] = {
        "password": await passwords.hash_password(password),
        "preview_opened_at": None,
        "preview_open_until": None,
    }
    known = await tx.row(_ACCOUNT, project_id=project_id)
    if known is None:
        name = await tx.value(_NAME, project_id=project_id)
        email = f"preview-{secrets.token_hex(6)}@preview.kitsu.invalid"
        columns |= {"first_name": "Preview", "last_name": name, "email": email, "role": "client"}
        person_id = await tx.insert(person, preview_project_id=project_id, **columns)
        assert person_id is not None
        await join_team(tx, project_id, person_id, None)
    else:
        await tx.update(person, known["id"], **columns)
    account = await account_of(tx, project_id)
    assert account is not None
    return {**account, "password": password}


async def set_open(tx: Transaction, project_id: UUID, is_open: bool) -> dict[str, Any]:
    """Open the account for an hour from now, or close it. Opening again keeps the sessions there are."""
    await tx.row(queries.locked_project, project_id=project_id)
    row = await tx.row(_ACCOUNT, project_id=project_id)
    if row is None:
        raise NotFound("This production has no preview account.")
    now = utc_now()
    if not is_open:
        await tx.update(person, row["id"], preview_opened_at=None, preview_open_until=None)
    elif row["preview_open_until"] is not None and row["preview_open_until"] >= now:
        await tx.update(person, row["id"], preview_open_until=now + WINDOW)
    else:
        await tx.update(person, row["id"], preview_opened_at=now, preview_open_until=now + WINDOW)
    account = await account_of(tx, project_id)
    assert account is not None
    return account


async def remove_account(tx: Transaction, caller: Caller, project_id: UUID) -> None:
    """Remove the account with all that is its own; nothing happens if there is none."""
    row = await tx.row(_ACCOUNT, project_id=project_id)
    if row is not None:
        await dismiss(tx, caller, row["id"], force=True)
