"""Routes of the preview account of a production. Source: spec projects, "preview-account"."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, manager_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, post, put
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.preview_account import actions

_AT = "/data/projects/{project_id:uuid}/preview-account"
_MANAGER: dict[str, Any] = {"access": manager_of("project_id"), "tag": "Projects"}


class PreviewAccount(msgspec.Struct):
    """A preview account; its window is closed when there is no time until which it is open."""

    id: UUID
    email: str
    full_name: str
    preview_open_until: str | None


class OpenedAccount(PreviewAccount):
    """A preview account with its new password."""

    password: str


class Window(Strict):
    """Whether the account may see the production, for an hour from now."""

    is_open: bool


@get(_AT, returns=PreviewAccount | None, **_MANAGER)
async def preview_account(project_id: UUID, db: Database) -> Any:
    """The preview account of a production, or null."""
    return await actions.account_of(db, project_id) or Json(b"null")


@post(_AT, returns=OpenedAccount, events=(PROJECT_CHANGED,), errors=(400,), **_MANAGER)
async def open_preview_account(project_id: UUID, tx: Transaction) -> Any:
    """Make the preview account of a production, or give it another password, shown in this answer only."""
    return await actions.open_account(tx, project_id)


@put(_AT, returns=PreviewAccount, errors=(400, 404), **_MANAGER)
async def set_preview_window(project_id: UUID, body: Window, tx: Transaction) -> Any:
    """Open the preview account for an hour, or close it and end its sessions."""
    return await actions.set_open(tx, project_id, body.is_open)


@delete(_AT, **_MANAGER)
async def remove_preview_account(project_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Remove the preview account of a production."""
    await actions.remove_account(tx, caller, project_id)
