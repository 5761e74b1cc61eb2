"""What was handed out is sent: each webhook a few at a time, what is about one thing in order, again until it is taken.

Whoever takes a delivery has a lease on it: if they die, another does it again when that ends, with the same
`webhook-id`. The answer is written, with what follows from it, in one transaction.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, Integer, Text, utc_now
from pegbar.core.http.outgoing import Answer, BadAddress, Outgoing, networks
from pegbar.open.webhooks import secrets
from pegbar.open.webhooks.jobs import tell_owner
from pegbar.open.webhooks.queries import STANDS
from pegbar.open.webhooks.retrying import LEAST_FAILURES, outcome, wait
from pegbar.open.webhooks.shapes import PING, webhook_url
from pegbar.open.webhooks.stopping import stop

log = structlog.get_logger()

#: Deliveries under way in this process: to webhooks whose receivers answer, and to those that do not.
MOST_SENDING = 64
#: To one webhook: while it fails, one at a time finds out whether it is back, after half a second, one, two… up to a
#: minute (`retry_at`).
_TO_ONE = 8
#: Seconds that a lease lasts longer than an answer may take.
_SPARE = 30
#: So many failures in a row were of the receiver, not of one event: once it is back, nothing waits any longer.
_OUTAGE = 10

_TAKE = sql(
    f"""
    WITH webhooks AS MATERIALIZED (
      SELECT w.id, w.state = 'active' AND coalesce(w.retry_at, '-infinity') <= timezone('utc', now()) AS is_active,
             CASE WHEN w.failing_since IS NULL THEN {_TO_ONE} ELSE 1 END AS room
        FROM pegbar.webhook w JOIN person p ON p.id = w.owner_id
       WHERE (w.failing_since IS NOT NULL) = :is_failing AND {STANDS}
         AND EXISTS (SELECT 1 FROM pegbar.webhook_delivery d
                      WHERE d.webhook_id = w.id AND d.status = 'waiting' AND d.due_at <= timezone('utc', now())
                        AND (w.state = 'active' AND coalesce(w.retry_at, '-infinity') <= timezone('utc', now())
                             OR d.name = '{PING}'))
       ORDER BY random()
       LIMIT :room
         FOR NO KEY UPDATE OF w SKIP LOCKED
    ), ready AS (
      SELECT d.id
        FROM webhooks w CROSS JOIN LATERAL (
          SELECT d.id
            FROM pegbar.webhook_delivery d
           WHERE d.webhook_id = w.id AND d.status = 'waiting' AND d.due_at <= timezone('utc', now())
             AND (d.leased_until IS NULL OR d.leased_until <= timezone('utc', now()))
             AND (w.is_active OR d.name = '{PING}')
             AND NOT EXISTS (SELECT 1 FROM pegbar.webhook_delivery before
                              WHERE before.webhook_id = d.webhook_id AND before.thing = d.thing
                                AND before.status = 'waiting' AND before.number < d.number)
           ORDER BY d.due_at, d.number
           LIMIT greatest(0, w.room - (SELECT count(*) FROM pegbar.webhook_delivery l
                                        WHERE l.webhook_id = w.id AND l.status = 'waiting'
                                          AND l.leased_until > timezone('utc', now())))
        ) AS d
       LIMIT :room
    )
    UPDATE pegbar.webhook_delivery d
       SET attempts = d.attempts + 1, leased_until = timezone('utc', now()) + :lease ::interval
      FROM ready, pegbar.webhook w
     WHERE d.id = ready.id AND w.id = d.webhook_id
    RETURNING d.id, d.webhook_id, d.name, d.body, d.attempts, d.attempts_before, d.expires_at, w.url, w.sealed_secret,
              CASE WHEN w.former_secret_until > timezone('utc', now()) THEN w.sealed_former_secret END AS former,
              timezone('utc', now()) AS now
    """,  # noqa: S608 - constants
    room=Integer,
)
#: A lease that ended while its holder still waited for an answer may be another's now: only success counts then.
_SETTLE = sql(
    """
    WITH logged AS (
      INSERT INTO pegbar.webhook_attempt
             (webhook_delivery_id, number, duration_ms, request_headers, response_status, response_headers,
              response_body, error)
      SELECT d.id, :attempt, :duration, :request_headers, :status, :headers, :content, :error
        FROM pegbar.webhook_delivery d WHERE d.id = :delivery_id
      ON CONFLICT DO NOTHING
    )
    UPDATE pegbar.webhook_delivery
       SET status = :state, leased_until = NULL, due_at = CASE WHEN :state = 'waiting' THEN :due_at ELSE due_at END,
           ended_at = CASE WHEN :state <> 'waiting' THEN timezone('utc', now()) END
     WHERE id = :delivery_id AND status = 'waiting' AND (attempts = :attempt OR :state = 'delivered')
    """,
    attempt=Integer,
    duration=Integer,
    request_headers=JSONB,
    status=Integer,
    headers=JSONB,
    content=Text,
    error=Text,
    state=Text,
)
_HELD = sql("SELECT failures FROM pegbar.webhook WHERE id = :webhook_id FOR NO KEY UPDATE")
_WORKED = sql(
    """
    UPDATE pegbar.webhook SET failing_since = NULL, failures = 0, retry_at = NULL, delivered_at = timezone('utc', now())
     WHERE id = :webhook_id
    """
)
_FAILED = sql(
    """
    UPDATE pegbar.webhook
       SET failing_since = coalesce(failing_since, timezone('utc', now())), failures = failures + 1,
           retry_at = timezone('utc', now()) + least(0.5 * 2 ^ least(failures, 7), 60) * interval '1 second'
     WHERE id = :webhook_id
    RETURNING failing_since, failures >= :least_count
              AND failing_since <= timezone('utc', now()) - :patience ::interval AS is_hopeless
    """
)
_WAIT_NO_LONGER = sql(
    """
    UPDATE pegbar.webhook_delivery SET due_at = timezone('utc', now()), attempts_before = attempts
     WHERE webhook_id = :webhook_id AND status = 'waiting' AND leased_until IS NULL
       AND due_at > timezone('utc', now())
    """
)
_LET_GO = sql(
    """
    UPDATE pegbar.webhook_delivery SET leased_until = NULL WHERE id = ANY(:ids) AND status = 'waiting'
    """
)


@dataclass(frozen=True)
class _Sent:
    """What was sent, and what came of it."""

    row: asyncpg.Record
    headers: dict[str, str]
    answer: Answer


class Sender:
    """Sends what is due, so much at a time."""

    def __init__(self, db: Database) -> None:
        now = settings()
        self._db = db
        self._allowed = networks(now.webhook_networks)
        self._lease = timedelta(seconds=now.webhook_timeout + _SPARE)
        self._outgoing = Outgoing(seconds=now.webhook_timeout, allowed=self._allowed, at_once=2 * MOST_SENDING)
        #: By whether the webhook fails at the moment; with the delivery that each is about.
        self._tasks: dict[bool, dict[asyncio.Task[None], UUID]] = {False: {}, True: {}}

    async def close(self) -> None:
        """End; what is under way goes to whoever comes next."""
        tasks = {task: delivery_id for some in self._tasks.values() for task, delivery_id in some.items()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outgoing.close()
        with suppress(Exception):  # else their leases end
            async with self._db.transaction() as tx:
                await tx.execute(_LET_GO, ids=list(tasks.values()))

    async def take(self, done: asyncio.Event) -> int:
        """Begin to send what is due; how much. `done` is set whenever something was sent."""
        begun = 0
        for is_failing, tasks in self._tasks.items():
            room = MOST_SENDING - len(tasks)
            if room <= 0:
                continue
            async with self._db.transaction() as tx:
                rows = await tx.rows(_TAKE, is_failing=is_failing, room=room, lease=self._lease)
            for row in rows:
                task = asyncio.create_task(self._send(row))
                tasks[task] = row["id"]
                task.add_done_callback(tasks.pop)
                task.add_done_callback(lambda _: done.set())
            begun += len(rows)
        return begun

    async def _send(self, row: asyncpg.Record) -> None:
        """Send a delivery and write what came of it. Whatever fails here, its lease ends."""
        try:
            sent = await self._sent(row)
            async with self._db.transaction() as tx:
                await _settle(tx, sent)
        except Exception as error:
            log.error("a delivery of a webhook failed", webhook=row["webhook_id"], delivery=row["id"], exc_info=error)

    async def _sent(self, row: asyncpg.Record) -> _Sent:
        signed_with = _secrets(row)
        if not signed_with:
            return _Sent(row, {}, Answer(0.0, error="its secret was sealed with another SECRET_KEY: rotate it"))
        headers = {
            "content-type": "application/json",
            "user-agent": f"Pegbar/{__version__} (webhooks)",
            **secrets.signed_headers(row["id"], row["body"], signed_with, utc_now()),
        }
        try:
            url = webhook_url(row["url"])  # as the settings are now
        except BadAddress as error:
            return _Sent(row, headers, Answer(0.0, error=str(error)))
        return _Sent(row, headers, await self._outgoing.post(url, row["body"].encode(), headers))


def _secrets(row: asyncpg.Record) -> list[str]:
    sealed: Sequence[bytes | None] = (row["sealed_secret"], row["former"])
    opened = [secrets.unseal(bytes(secret), row["webhook_id"]) for secret in sealed if secret is not None]
    return [secret for secret in opened if secret is not None]


async def _settle(tx: Transaction, sent: _Sent) -> None:
    """Write what came of a delivery, and what follows for its webhook."""
    row, answer = sent.row, sent.answer
    held = await tx.row(_HELD, webhook_id=row["webhook_id"])
    if held is None:
        return  # deleted meanwhile
    meaning, is_test = outcome(answer), row["name"] == PING
    chance = random.random()  # noqa: S311 - so that not all come at once
    due_at = row["now"] + wait(row["attempts"] - row["attempts_before"], chance, answer.headers, row["now"])
    state = "delivered" if meaning == "delivered" else "waiting"
    if meaning == "gone" or (state == "waiting" and (is_test or due_at > row["expires_at"])):
        state = "failed"
    await tx.execute(_SETTLE, delivery_id=row["id"], state=state, due_at=due_at, **_logged(sent))
    if is_test:
        return
    if meaning == "delivered":
        await tx.execute(_WORKED, webhook_id=row["webhook_id"])
        if held["failures"] >= _OUTAGE:
            await tx.execute(_WAIT_NO_LONGER, webhook_id=row["webhook_id"])
        return
    patience = timedelta(hours=settings().webhook_pause_after)
    failed = await tx.row(_FAILED, webhook_id=row["webhook_id"], patience=patience, least_count=LEAST_FAILURES)
    assert failed is not None
    if meaning == "gone":
        if await stop(tx, [row["webhook_id"]], "disabled", "its receiver answers 410 Gone"):
            tell_owner(tx, row["webhook_id"], "disabled", failed["failing_since"])
    elif failed["is_hopeless"]:
        since = failed["failing_since"].strftime("%Y-%m-%dT%H:%M:%S")
        if await stop(tx, [row["webhook_id"]], "paused", f"nothing was taken since {since}: {_short(answer)}"):
            tell_owner(tx, row["webhook_id"], "paused", failed["failing_since"])


def _short(answer: Answer) -> str:
    return answer.error or f"its receiver answers {answer.status}"


def _logged(sent: _Sent) -> dict[str, Any]:
    """What the log keeps. Not the signature: whoever reads it could send the same once more."""
    answer = sent.answer
    return {
        "attempt": sent.row["attempts"],
        "duration": round(answer.duration * 1000),
        "request_headers": {**sent.headers, "webhook-signature": "…"},
        "status": answer.status,
        "headers": answer.headers,
        "content": answer.body,
        "error": answer.error,
    }
