"""What hiring and editing somebody need of other rows: seats, addresses, protection. Source: spec accounts, 8."""

from uuid import UUID

from sqlalchemy import text

from pegbar.accounts import passwords, sessions
from pegbar.accounts.people import profile, queries
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.errors import BadRequest, Forbidden, Refused

#: One at a time, so that two hires cannot both take the last seat.
_HOLD_SEATS = text("SELECT pg_advisory_xact_lock(hashtext('pegbar.seats'))")


def is_protected(email: str | None) -> bool:
    """Whether the studio's settings keep others from changing this account."""
    return bool(email) and str(email).lower() in {address.lower() for address in settings().protected_accounts}


#: Seats where no limit is set: more than there are people.
UNLIMITED = 2**31 - 1


async def free_seats(tx: Transaction) -> int:
    """How many more active persons the user limit allows; holds off other hires until this one is over."""
    if not settings().user_limit:
        return UNLIMITED
    await tx.execute(_HOLD_SEATS)
    return settings().user_limit - int(await tx.value(queries.seats_taken))


async def check_address(tx: Transaction, email: str, person_id: UUID | None = None) -> None:
    """Refuse an address that another human has, or whose domain takes no mail."""
    if await tx.value(queries.address_taken, email=email, person_id=person_id):
        raise BadRequest("Email already in use.")
    await profile.check_domain(email)


def _takes_seat(active: bool | None, is_bot: bool | None, is_guest: bool | None) -> bool:
    """Whether somebody counts against the user limit."""
    return active is not False and not is_bot and not is_guest


async def _check_seat(change: Change) -> None:
    columns = ("active", "is_bot", "is_guest")
    had = change.before is not None and _takes_seat(*(change.before[name] for name in columns))
    if not had and _takes_seat(*(change.after(name) for name in columns)) and await free_seats(change.tx) <= 0:
        raise BadRequest("User limit reached.", {"limit": settings().user_limit} if change.before is None else None)


async def check(change: Change) -> None:
    """The checks of a person about to be written, beyond those of each value."""
    if change.before is not None:
        _check_editable(change)
    await _check_seat(change)
    email = change.values.get("email")
    if email is not None and change.changes("email") and not change.after("is_bot"):
        await check_address(change.tx, email, change.row_id)
    if change.before is None and change.document.get("password") is not None:
        change.values["password"] = await passwords.hash_password(_password(change.document["password"]))


async def end_old_sessions(change: Change) -> None:
    """Somebody activated again starts afresh: what they had open before does not come back.

    While they are inactive, every token of theirs is refused as such, which clients tell apart from a revoked one.
    """
    if change.before is not None and change.before["active"] is False and change.after("active"):
        await sessions.end_sessions(change.tx, change.row(person))


def _password(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("password must be text.", field="password")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("password holds a character that cannot be stored.", field="password") from None
    return value


def _check_editable(change: Change) -> None:
    """Refuse changes of accounts that are not for this caller to change. Raises Forbidden."""
    before = change.before
    assert before is not None
    if before["preview_project_id"] is not None:
        raise Forbidden("A preview account belongs to its production and cannot be edited.")
    if before["is_bot"] or change.row_id == change.caller.id or not is_protected(before["email"]):
        return
    if change.values.get("active") is False or "role" in change.values:
        raise Forbidden("This account is protected: nobody else can deactivate it or change its role.")
