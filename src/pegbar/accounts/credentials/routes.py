"""Routes of passwords: one's own, somebody's, lost ones. Source: spec accounts, operations."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.accounts import mails
from pegbar.accounts.addresses import AnyRequest, client_address
from pegbar.accounts.credentials import actions
from pegbar.accounts.guesses import Guesses
from pegbar.core.data.database import Database, Transaction
from pegbar.core.http.access import Caller, admin, anyone, person_identity
from pegbar.core.http.body import Strict
from pegbar.core.http.idempotency import SECRETS
from pegbar.core.http.routing import get, post, put

Filled = Annotated[str, msgspec.Meta(min_length=1)]


class NewPassword(Strict):
    """A password, typed twice."""

    password: str
    password_2: str

    def __post_init__(self) -> None:
        if self.password != self.password_2:
            raise ValueError("The two passwords are not the same.")


class OwnPassword(Strict):
    """The old password, and the new one typed twice."""

    old_password: Filled
    password: Filled
    password_2: Filled


class LostPassword(Strict):
    """Whose password is lost."""

    email: str


class ResetPassword(Strict):
    """The token of a link, and the new password typed twice."""

    email: Filled
    token: Filled
    password: Filled
    password2: Filled


@post("/auth/change-password", access=person_identity, status=200, errors=(400, 429), unkeyed=SECRETS)
async def change_password(db: Database, caller: Caller, request: AnyRequest, body: OwnPassword) -> Any:
    """Change one's own password; this session goes on, the others end."""
    await actions.change_own_password(
        db,
        Guesses(db, request),
        caller,
        body.old_password,
        body.password,
        body.password_2,
        client_address(request),
    )
    return {"success": True}


@post("/auth/reset-password", access=anyone, status=200, errors=(429,), unkeyed=SECRETS)
async def ask_for_link(db: Database, request: AnyRequest, body: LostPassword) -> Any:
    """Mail a link that sets a new password. The answer, and the time it takes, are the same for nobody."""
    guesses = Guesses(db, request)
    await guesses.check()
    await guesses.failed()
    async with db.transaction() as tx:
        tx.defer(mails.SEND_RESET_LINK, identifier=mails.named(body.email), address=client_address(request))
    return {"success": "Reset token sent"}


@put("/auth/reset-password", access=anyone, errors=(400, 429), unkeyed=SECRETS)
async def reset_password(db: Database, request: AnyRequest, body: ResetPassword) -> Any:
    """Set a password with the token of a link; every session of the person ends."""
    guesses = Guesses(db, request)
    await actions.reset_password(db, guesses, body.email, body.token, body.password, body.password2)
    return {"success": True}


@get("/actions/persons/{person_id:uuid}/invite", access=admin, tag="Persons", errors=(400,))
async def invite(tx: Transaction, person_id: UUID) -> Any:
    """Mail somebody a link, good for seven days, to set their first password."""
    await actions.invite(tx, person_id)
    return {"success": True, "message": "Email sent"}


@post(
    "/actions/persons/{person_id:uuid}/reset-password-link",
    access=admin,
    status=200,
    tag="Persons",
    errors=(400,),
    unkeyed=SECRETS,
)
async def link_for(tx: Transaction, caller: Caller, person_id: UUID) -> Any:
    """A link, good for two hours, to pass on to somebody who needs a new password."""
    return {"reset_password_link": await actions.link_for(tx, caller, person_id)}


@post(
    "/actions/persons/{person_id:uuid}/change-password",
    access=admin,
    status=200,
    tag="Persons",
    errors=(400,),
    unkeyed=SECRETS,
)
async def set_password_of(db: Database, caller: Caller, person_id: UUID, request: AnyRequest, body: NewPassword) -> Any:
    """Give somebody a new password; their sessions end, and they are told by mail."""
    await actions.set_password_of(db, caller, person_id, body.password, client_address(request))
    return {"success": True}
