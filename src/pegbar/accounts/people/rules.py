"""What hiring and editing somebody need of other rows: seats, addresses, protection. Source: spec accounts, 8."""

from uuid import UUID

from sqlalchemy import bindparam, exists, func, literal, select, text

from pegbar.accounts import passwords, sessions
from pegbar.accounts.people import profile
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.database import Transaction
from pegbar.core.errors import BadRequest, Forbidden, Refused
from pegbar.core.resource import Change
from pegbar.core.schema import Text, Uuid

#: One at a time, so that two hires cannot both take the last seat.
_HOLD_SEATS = text("SELECT pg_advisory_xact_lock(hashtext('pegbar.seats'))")
SEATS_TAKEN = (
    select(func.count())
    .select_from(person)
    .where(
        person.c.active.is_not(False),
        person.c.is_bot.is_not(True),
        person.c.is_guest.is_not(True),
        person.c.preview_project_id.is_(None),
    )
)
_ADDRESS_TAKEN = select(
    exists().where(
        func.lower(person.c.email) == bindparam("email", type_=Text),
        person.c.is_bot.is_not(True),
        func.coalesce(person.c.id != bindparam("person_id", type_=Uuid), literal(True)),
    )
)


def is_protected(email: str | None) -> bool:
    """Whether the studio's settings keep others from changing this account."""
    return bool(email) and str(email).lower() in {each.lower() for each in settings().protected_accounts}


async def free_seats(tx: Transaction) -> int:
    """How many more active persons the user limit allows; holds off other hires until this one is over."""
    await tx.execute(_HOLD_SEATS)
    return settings().user_limit - int(await tx.value(SEATS_TAKEN))


async def check_address(tx: Transaction, email: str, person_id: UUID | None = None) -> None:
    """Refuse an address that another human has, or whose domain takes no mail."""
    if await tx.value(_ADDRESS_TAKEN, email=email, person_id=person_id):
        raise BadRequest("Email already in use.")
    await profile.check_domain(email)


def _has_seat(change: Change, *, before: bool) -> bool:
    """Whether the person counts against the user limit, before the write or after it."""

    def value(name: str) -> bool:
        if before:
            return bool(change.before is not None and change.before[name])
        return bool(change.after(name))

    if before and change.before is None:
        return False
    active = value("active") if before or change.before is not None else change.values.get("active", True)
    return bool(active) and not value("is_bot") and not value("is_guest")


async def check(change: Change) -> None:
    """The checks of a person about to be written, beyond those of each value."""
    if change.before is not None:
        _check_editable(change)
    if _has_seat(change, before=False) and not _has_seat(change, before=True) and await free_seats(change.tx) <= 0:
        raise BadRequest("User limit reached.", {"limit": settings().user_limit} if change.before is None else None)
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
        raise Refused("password must be text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("password holds a character that cannot be stored.") from None
    return value


def _check_editable(change: Change) -> None:
    """Refuse changes of accounts that are not for this caller to change. Raises Forbidden."""
    before = change.before
    assert before is not None
    if before["preview_project_id"] is not None:
        raise Forbidden("A preview account belongs to its production and cannot be edited.")
    if before["is_bot"] or change.row_id == change.caller.id or not is_protected(before["email"]):
        return
    if change.document.get("active") is False or change.document.get("role") is not None:
        raise Forbidden("This account is protected: nobody else can deactivate it or change its role.")
