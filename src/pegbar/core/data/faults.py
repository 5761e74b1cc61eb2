"""What goes wrong around a request, as the answer it deserves: one place for routes, uploads, downloads, sockets, jobs.

A database that is away is 503, a full disk 507, a value the database cannot keep 400. Anything else is a fault of ours.
"""

import errno
from typing import Any

import asyncpg

from pegbar.core.errors import ApiError, Refused, StorageFull, Unavailable, field_errors


class DatabaseAway(ConnectionError):
    """The database cannot be reached: its socket is gone, its host unknown, it does not answer in time."""


#: What a broken rule says, by SQLSTATE. Never the database's own text: it may quote other rows.
_REFUSALS: dict[type[asyncpg.PostgresError], str] = {
    asyncpg.UniqueViolationError: "A row with the same {0} already exists.",
    asyncpg.NotNullViolationError: "{0} must not be null.",
    asyncpg.CheckViolationError: "A value is out of the range its table allows ({0}).",
}

#: Errors that a request's values cause.
VALUE_ERRORS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.exceptions.ProgramLimitExceededError,
)

#: The database is not there, or let go of the request's connection: nothing of the request was kept.
CONNECTION_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver's, about a connection that broke in the middle of a message
    ConnectionError,
)

#: The numbers of a disk that is full, or of a share of it that is used up.
FULL = (errno.ENOSPC, errno.EDQUOT)


async def connect(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """Connect to the database. Raises one of CONNECTION_ERRORS, whatever the operating system said."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except OSError as error:  # FileNotFoundError, TimeoutError, a name that is not resolved…
        raise DatabaseAway(f"the database cannot be reached: {error}") from error


def refusal(error: asyncpg.PostgresError) -> Refused:
    """The 400 for a rule of the database that a request broke, naming the columns."""
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        if "is still referenced" in (error.detail or ""):
            return Refused(f"It is still used by rows of {error.table_name}.")
        columns = (error.detail or "").partition("Key (")[2].partition(")")[0]
        return _about(columns, f"{columns or 'A reference'} names a row that does not exist.")
    for kind, message in _REFUSALS.items():
        if isinstance(error, kind):
            columns = error.column_name or (error.detail or "").partition("Key (")[2].partition(")=")[0]
            return _about(columns, message.format(columns or error.constraint_name))
    return Refused("The database cannot store one of the values.")


def _about(columns: str, message: str) -> Refused:
    """A refusal of these columns, as PostgreSQL lists them: `name, project_id`."""
    return Refused(message, data=field_errors((name, message) for name in columns.split(", ")) if columns else None)


def answer_to(error: BaseException) -> ApiError | None:
    """The error that answers another; None when it is a fault of ours."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, VALUE_ERRORS):
        return refusal(error)
    if isinstance(error, UnicodeEncodeError):
        return Refused("The request holds a character that cannot be stored.")
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Unavailable("Others are changing the same rows. Nothing was changed. Try again in a moment.")
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull("The disk of the database is full; nothing was changed.")
    if isinstance(error, OSError) and error.errno in FULL:
        return StorageFull("The disk of the server is full; nothing was stored.")
    if isinstance(error, CONNECTION_ERRORS):
        return Unavailable("The database is not available. Try again in a moment.")
    return None
