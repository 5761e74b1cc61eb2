"""Writes what this process saw and logged into the database, a few times a minute, when there is something.

What cannot be written (the database is away) is kept as far as there is room for it, and written later.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from pegbar.console.ledger import Slow, Use, ledger
from pegbar.console.log_rows import host, line_row, storable
from pegbar.console.tables import log_line, mail_refusal, session_use, slow_request
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.faults import answer_to
from pegbar.core.data.schema import Table
from pegbar.core.data.unnest import AboutRows
from pegbar.core.messages.mail import Refusal, refusals
from pegbar.core.work import log_lines

log = structlog.get_logger()

#: Seconds between two writings, and between two of who uses which session.
_EVERY, _SESSIONS_EVERY = 10.0, 60.0


def _use_statement(rows: str) -> str:
    """In the order of their keys, so that processes that write the same ones wait for each other and no more."""
    return f"""
    INSERT INTO pegbar.session_use AS known
           (session, person_id, kind, address, agent, started_at, expires_at, seen_at, requests)
    SELECT r.session, r.person_id, r.kind, r.address, r.agent, r.started_at, r.expires_at, r.seen_at, r.requests
      FROM ({rows}) AS r JOIN person p ON p.id = r.person_id ORDER BY r.session
    ON CONFLICT (session) DO UPDATE
       SET address = coalesce(EXCLUDED.address, known.address), agent = coalesce(EXCLUDED.agent, known.agent),
           started_at = least(known.started_at, EXCLUDED.started_at),
           expires_at = least(known.expires_at, EXCLUDED.expires_at),
           seen_at = greatest(known.seen_at, EXCLUDED.seen_at), requests = known.requests + EXCLUDED.requests
    """  # noqa: S608 - names and types of columns


def _slow_statement(rows: str) -> str:
    """Of whom, as far as they are there still."""
    return f"""
    INSERT INTO pegbar.slow_request (at, method, route, status, seconds, person_id, host)
    SELECT r.at, r.method, r.route, r.status, r.seconds, p.id, r.host
      FROM ({rows}) AS r LEFT JOIN person p ON p.id = r.person_id
    """  # noqa: S608 - likewise


def _about(table: Table, *names: str, statement: Callable[[str], str] | None = None) -> AboutRows:
    """A statement that adds rows of these columns to a table."""
    columns = ", ".join(names)
    return AboutRows(
        {name: table.c[name].type for name in names},
        statement or (lambda rows: f"INSERT INTO {table.fullname} ({columns}) {rows}"),
    )


_USES = _about(
    session_use,
    *("session", "person_id", "kind", "address", "agent", "started_at", "expires_at", "seen_at", "requests"),
    statement=_use_statement,
)
_SLOW = _about(
    slow_request, "at", "method", "route", "status", "seconds", "person_id", "host", statement=_slow_statement
)
_REFUSALS = _about(mail_refusal, "at", "recipient", "subject", "reason")
_LINES = _about(log_line, "at", "level", "host", "process", "kind", "message", "details", "trace")


async def _write(tx: Transaction, about: AboutRows, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        statement, params = about.of({name: [row[name] for row in rows] for name in rows[0]})
        await tx.execute(statement, **params)


def _use_row(session: str, use: Use) -> dict[str, Any]:
    return {
        "session": session,
        "person_id": use.person_id,
        "kind": use.kind,
        "address": use.address,
        "agent": use.agent,
        "started_at": use.started_at,
        "expires_at": use.expires_at,
        "seen_at": use.seen_at,
        "requests": use.requests,
    }


def _slow_row(slow: Slow) -> dict[str, Any]:
    return {
        "at": slow.at,
        "method": slow.method,
        "route": slow.route,
        "status": slow.status,
        "seconds": slow.seconds,
        "person_id": slow.person_id,
        "host": host(),
    }


def _refusal_row(refusal: Refusal) -> dict[str, Any]:
    return {
        "at": refusal.at,
        "recipient": storable(refusal.to),
        "subject": storable(refusal.subject),
        "reason": storable(refusal.reason),
    }


async def write_down(db: Database, kind: str, *, sessions: bool = True) -> None:
    """Write down what this process saw and logged since the last time."""
    lines, slow = log_lines.taken(), ledger.slow()
    refused = [refusals.popleft() for _ in range(len(refusals))]
    uses = sorted(ledger.uses().items()) if sessions else []
    if not (lines or refused or slow or uses):
        return
    try:
        async with db.transaction() as tx:
            await _write(tx, _LINES, [line_row(line, kind) for line in lines])
            await _write(tx, _REFUSALS, [_refusal_row(refusal) for refusal in refused])
            await _write(tx, _SLOW, [_slow_row(one) for one in slow])
            await _write(tx, _USES, [_use_row(session, use) for session, use in uses])
    except BaseException:
        log_lines.give_back(lines)
        refusals.extendleft(reversed(refused))
        raise


async def keep_writing(db: Database, kind: str) -> None:
    """Write down what this process sees and logs, again and again; when cancelled, once more."""
    sessions_at = time.monotonic()
    try:
        while True:
            await asyncio.sleep(_EVERY)
            with_sessions = time.monotonic() - sessions_at >= _SESSIONS_EVERY
            if with_sessions:
                sessions_at = time.monotonic()
            try:
                await write_down(db, kind, sessions=with_sessions)
            except Exception as error:
                if answer_to(error) is None:
                    log.warning("what is for the console cannot be written", error=str(error))
    finally:
        try:
            async with asyncio.timeout(2):
                await write_down(db, kind)
        except Exception as error:
            log.debug("the last of what is for the console is not written", error=str(error))
