"""The API of the console: what runs, what waits, who is signed in, what went wrong. For administrators alone."""

import os
from typing import Annotated, Any, Literal

import msgspec

from pegbar import __version__, config
from pegbar.accounts import mails
from pegbar.accounts.sessions import session_of
from pegbar.config import settings
from pegbar.console import actions, queries, shapes
from pegbar.console.log_rows import host
from pegbar.console.writing import write_down
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, admin
from pegbar.core.http.routing import delete, found, get, post
from pegbar.core.messages.mail import SEND_MAIL
from pegbar.core.work import gauges
from pegbar.core.work.nodes import differing
from pegbar.environment import described
from pegbar.notifications.jobs import TELL_AGAIN

_TAG = "Console"
_API = "/console/api"
#: The jobs that send mails; the last of them messages of chats, too.
_MAILING = (SEND_MAIL, *mails.JOBS, TELL_AGAIN)

Words = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]
Status = Literal["open", "todo", "doing", "failed", "succeeded", "aborted", "cancelled"]


@get(f"{_API}/overview", access=admin, returns=shapes.OVERVIEW, tag=_TAG)
async def overview(db: Database) -> Any:
    """What runs: processes of all nodes, queues that are tended, the database, storage, and what the queue holds.

    `differing` names settings in which nodes differ that should share them. `disks` are those of the node that answers;
    `oldest` is how many seconds the oldest job waits that is due.
    """
    rows = await db.rows(queries.nodes)
    known, sizes = found(await db.row(queries.database)), await gauges.sizes(db)
    observed = found(await db.row(gauges.DATABASE))
    return {
        "version": __version__,
        "host": host(),
        "nodes": [{name: row[name] for name in row.keys() if name != "settings"} for row in rows],  # noqa: SIM118
        "differing": differing(rows),
        "workers": [dict(row) for row in await db.rows(queries.workers)],
        "database": {**known, **observed, "bytes": sizes["database"]},
        "storage": {
            "backend": settings().fs_backend,
            "stored_bytes": sizes["files"],
            "disks": [
                {"of": name, "folder": str(disk.folder), "free": disk.free, "total": disk.total}
                for name, disk in gauges.disks().items()
            ],
        },
        "queue": [dict(row) for row in await db.rows(gauges.QUEUE)],
    }


class JobQuery(msgspec.Struct):
    """Which jobs: in a state, or with `open` all but those that are done."""

    status: Status | None = None
    job: Words | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


@get(f"{_API}/jobs", access=admin, returns=shapes.JOBS, tag=_TAG, errors=(400,))
async def list_jobs(query: JobQuery, db: Database) -> Json:
    """Background jobs, the newest first, with how far those are that tell it, and why the others failed.

    `counts` are of all jobs by their state, `kinds` the names of jobs. Ended jobs are kept for a week.
    """
    params = {"status": query.status, "job": query.job or None, "limit": query.limit}
    return found(await db.json_row(queries.jobs_as_json, **params))


@post(f"{_API}/jobs/{{job_id:int}}/retry", access=admin, status=200, returns=shapes.JOB_STATE, tag=_TAG, errors=(400,))
async def retry(job_id: int, tx: Transaction) -> Any:
    """Try a job again that failed or was cancelled, or at once one that waits for its next attempt."""
    return {"id": job_id, "status": await actions.retry(tx, job_id)}


@post(f"{_API}/jobs/{{job_id:int}}/cancel", access=admin, status=200, returns=shapes.JOB_STATE, tag=_TAG, errors=(400,))
async def cancel(job_id: int, tx: Transaction) -> Any:
    """Cancel a job that waits (`cancelled`), or have a running one stop (`stopping`)."""
    return {"id": job_id, "status": await actions.cancel(tx, job_id)}


@get(f"{_API}/removals", access=admin, returns=shapes.REMOVALS, tag=_TAG)
async def removals(db: Database) -> Json:
    """Productions that were deleted and still lose rows, with how far that is and who asked for it."""
    return found(await db.json_row(queries.removals_as_json))


class SessionQuery(msgspec.Struct):
    """Which sessions: those whose name, e-mail or address holds these words."""

    words: Words = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


@get(f"{_API}/sessions", access=admin, returns=shapes.SESSIONS, tag=_TAG, errors=(400,))
async def list_sessions(query: SessionQuery, db: Database, caller: Caller) -> Json:
    """Open sessions and API tokens: whose, from where and when they were used last. No tokens.

    `kind` is `person` (a session), `person_api` or `bot` (an API token). What a token did before this was kept is not
    known: its `seen_at` is null. Other nodes tell of uses within a minute.
    """
    await write_down(db, "api")
    own = session_of(caller.token)
    return found(await db.json_row(queries.sessions, words=query.words, own=own, most=query.limit))


@delete(f"{_API}/sessions/{{session_id:str}}", access=admin, tag=_TAG)
async def revoke(session_id: str, tx: Transaction, caller: Caller) -> None:
    """End a session or an API token, everywhere and at once."""
    await actions.revoke(tx, session_id, session_of(caller.token))


@get(f"{_API}/storage", access=admin, returns=shapes.STORAGE, tag=_TAG)
async def storage(db: Database) -> Json:
    """What is stored, as counted last: by production, by kind, what belongs to nothing, what was added by day.

    `history` has the sums of each day that was counted, `movies` how many there are by their state.
    """
    return found(await db.json_row(queries.storage))


@post(f"{_API}/storage/count", access=admin, status=200, returns=shapes.COUNTING, tag=_TAG)
async def count_storage(tx: Transaction) -> Any:
    """Have what is stored counted by a job, not waiting for the night."""
    await actions.count_storage(tx)
    return {"is_being_counted": True}


@get(f"{_API}/mails", access=admin, returns=shapes.MAILS, tag=_TAG)
async def failed_mails(db: Database) -> Json:
    """Mails that were refused, of a month, and jobs that send mails and failed or wait for another attempt."""
    await write_down(db, "api", sessions=False)
    known = found(await db.json_row(queries.mails, names=[job.name for job in _MAILING]))
    now = settings()
    return _with({"enabled": now.mail_enabled, "server": now.mail_server}, known)


class SlowQuery(msgspec.Struct):
    """Of how many hours."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 24


@get(f"{_API}/slow-requests", access=admin, returns=shapes.SLOW, tag=_TAG, errors=(400,))
async def slow_requests(query: SlowQuery, db: Database) -> Json:
    """Requests that took longer than `PEGBAR_SLOW_REQUEST` seconds to answer: by route, and the latest one by one."""
    await write_down(db, "api", sessions=False)
    known = found(await db.json_row(queries.slow_requests, hours=query.hours))
    return _with({"threshold": settings().slow_request}, known)


def _with(more: dict[str, Any], known: Json) -> Json:
    """A JSON object with more keys before its own."""
    return Json(msgspec.json.encode(more)[:-1] + b"," + known.strip()[1:])


@get(f"{_API}/settings", access=admin, returns=shapes.SETTINGS, tag=_TAG)
async def settings_in_force() -> Any:
    """The settings of the process that answers, and where each comes from. Secrets are masked."""
    return [
        {
            "section": section,
            "settings": [
                {
                    "variable": row.variables[0],
                    "value": row.masked,
                    "default": row.default,
                    "origin": row.origin,
                    "help": row.help,
                    "is_secret": row.secret,
                }
                for row in rows
            ],
        }
        for section, rows in described(config.settings(), os.environ).items()
    ]


class LogQuery(msgspec.Struct):
    """Which lines: after a number, of a level or worse, with these words."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    level: Literal["debug", "info", "warning", "error"] = "debug"
    words: Words = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 300


@get(f"{_API}/log", access=admin, returns=shapes.LOG, tag=_TAG, errors=(400,))
async def log(query: LogQuery, db: Database) -> Json:
    """What all processes logged in the last hour: the latest lines, oldest first. Without secrets.

    Ask again with `after`, the `number` of the last line, for what came since. Others write theirs within ten seconds.
    """
    await write_down(db, "api", sessions=False)
    params = {"after": query.after, "level": query.level, "words": query.words, "most": query.limit}
    return found(await db.json_row(queries.log, **params))
