"""What administrators do in the console: to jobs, and to sessions."""

from uuid import UUID

import asyncpg

from pegbar.accounts import sessions
from pegbar.console import queries
from pegbar.console.jobs import COUNT_STORAGE
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.errors import Conflict, NotFound

_STATUS = sql("SELECT status::text FROM pegbar.procrastinate_jobs WHERE id = :job_id ::bigint")
#: As a new one: with all its attempts before it. A job that waits for its next attempt is due now.
_RETRY = sql(
    """
    UPDATE pegbar.procrastinate_jobs
       SET status = 'todo', scheduled_at = NULL, abort_requested = false, worker_id = NULL,
           attempts = CASE WHEN status = 'todo' THEN attempts ELSE 0 END
     WHERE id = :job_id ::bigint
       AND (status IN ('failed', 'cancelled', 'aborted') OR (status = 'todo' AND scheduled_at > now()))
    RETURNING id
    """
)
_CANCEL = sql("SELECT pegbar.procrastinate_cancel_job_v1(:job_id ::bigint, true, false)")

_STATES = {
    "todo": "it waits already",
    "doing": "it runs",
    "succeeded": "it is done",
    "failed": "it failed",
    "cancelled": "it is cancelled",
    "aborted": "it was stopped",
}


async def _state(tx: Transaction, job_id: int) -> str:
    """The state of a job. Raises NotFound."""
    status: str | None = await tx.value(_STATUS, job_id=job_id) if 0 < job_id < 2**63 else None
    if status is None:
        raise NotFound(f"There is no job {job_id}: ended jobs are kept for a week.")
    return status


async def retry(tx: Transaction, job_id: int) -> str:
    """Put a job that ended without success in the queue again, or one that waits for later to the front; its state.

    Raises NotFound; Conflict when there is nothing to try again, or the same job waits already.
    """
    status = await _state(tx, job_id)
    try:
        async with tx.attempt():
            retried = await tx.value(_RETRY, job_id=job_id)
    except asyncpg.UniqueViolationError:
        raise Conflict("The same job waits in the queue already.") from None
    if retried is None:
        raise Conflict(f"The job cannot be tried again: {_STATES.get(status, status)}.")
    return "todo"


async def cancel(tx: Transaction, job_id: int) -> str:
    """Cancel a job that waits, or have a running one stop; `cancelled` or `stopping`. Raises NotFound, Conflict."""
    status = await _state(tx, job_id)
    if await tx.value(_CANCEL, job_id=job_id) is None:
        raise Conflict(f"The job cannot be cancelled: {_STATES.get(status, status)}.")
    return "stopping" if status == "doing" else "cancelled"


async def revoke(tx: Transaction, session: str, own: str) -> UUID:
    """End a session or an API token, at once; whose it was. Raises NotFound when there is none such."""
    row = await tx.row(queries.session, session=session, own=own)
    if row is None:
        raise NotFound("There is no such session or token: it is over already.")
    if row["kind"] == "person":
        await sessions.revoke(tx, session)
    else:
        await sessions.forget_api_token(tx, row["person_id"], session)
    person_id: UUID = row["person_id"]
    return person_id


async def count_storage(tx: Transaction) -> None:
    """Have what is stored counted soon, unless that is under way."""
    if not await tx.value(queries.is_being_counted):
        tx.defer(COUNT_STORAGE)
