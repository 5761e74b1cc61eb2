"""What goes on by itself about webhooks: their owners are told when one stops, and their log does not grow for ever."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from babel.dates import format_datetime
from sqlalchemy import Integer

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.messages import mail
from pegbar.core.messages.languages import language_of, texts_of
from pegbar.core.work.jobs import job
from pegbar.open.webhooks.handing_out import fall_behind

TELL_OWNER = job("open.tell_owner_of_webhook", outward=True)
TEND = job("open.tend_webhooks", cron="* * * * *")
SWEEP = job("open.sweep_webhooks", cron="23 * * * *")

#: Deliveries that the log keeps of one webhook, however new they are.
_MOST_LOGGED = 20_000

Ending = Literal["paused", "disabled"]


def tell_owner(tx: Transaction, webhook_id: UUID, ending: Ending, since: datetime) -> None:
    """Have the owner of a webhook told, after this commit, that it stopped."""
    tx.defer(TELL_OWNER, webhook_id=webhook_id, ending=ending, since=since.strftime("%Y-%m-%dT%H:%M:%S"))


_OWNER = sql(
    """
    SELECT w.name, p.email, p.locale
      FROM pegbar.webhook w JOIN person p ON p.id = w.owner_id
     WHERE w.id = :webhook_id AND p.active IS NOT FALSE AND NOT p.is_bot AND coalesce(p.email, '') <> ''
    """
)


@TELL_OWNER.task
async def tell_owner_of_webhook(db: Database, *, webhook_id: str, ending: Ending, since: str) -> None:
    """Mail the owner of a webhook that it stopped."""
    row = await db.row(_OWNER, webhook_id=UUID(webhook_id))
    if row is None:
        return
    language = language_of(row["locale"])
    texts = texts_of("pegbar.open.webhooks", language)
    name = row["name"] or webhook_id
    moment = format_datetime(datetime.fromisoformat(since), "medium", locale=language)
    title = texts["title"].format(name=name)
    message = texts[ending].format(name=mail.escaped(name), moment=mail.escaped(moment))
    await mail.send(
        db, mail.Mail(to=row["email"], subject=title, title=title, message=f"<p>{message}</p>", language=language)
    )


_EXPIRE = sql(
    """
    UPDATE pegbar.webhook_delivery SET status = 'failed', ended_at = timezone('utc', now()), leased_until = NULL
     WHERE status = 'waiting' AND expires_at < timezone('utc', now()) AND attempts > attempts_before
       AND (leased_until IS NULL OR leased_until < timezone('utc', now()))
       AND webhook_id IN (SELECT id FROM pegbar.webhook WHERE state = 'active')
    """
)
_FORGET_SECRETS = sql(
    """
    UPDATE pegbar.webhook SET sealed_former_secret = NULL, former_secret_until = NULL
     WHERE former_secret_until < timezone('utc', now())
    """
)


@TEND.task
async def tend_webhooks(db: Database) -> None:
    """Hold up the webhooks that fall behind, give up what is too old, forget former secrets."""
    await fall_behind(db)
    async with db.transaction() as tx:
        await tx.execute(_EXPIRE)
        await tx.execute(_FORGET_SECRETS)


#: In batches, so that locks stay short.
_SWEEP = sql(
    """
    DELETE FROM pegbar.webhook_delivery WHERE id IN (
      SELECT id FROM pegbar.webhook_delivery
       WHERE ended_at < timezone('utc', now()) - make_interval(days => :days) LIMIT 5000)
    """,
    days=Integer,
)
_SWEEP_MANY = sql(
    f"""
    DELETE FROM pegbar.webhook_delivery d
     USING (SELECT w.id, (SELECT o.number FROM pegbar.webhook_delivery o WHERE o.webhook_id = w.id
                           ORDER BY o.number DESC OFFSET {_MOST_LOGGED} LIMIT 1) AS last
              FROM pegbar.webhook w) AS w
     WHERE d.webhook_id = w.id AND d.number <= w.last AND d.status <> 'waiting'
    """  # noqa: S608 - constants
)


@SWEEP.task
async def sweep_webhooks(db: Database) -> None:
    """Remove what is too old from the log of deliveries, or too much of one webhook."""
    removed = 1
    while removed:
        async with db.transaction() as tx:
            removed = await tx.execute(_SWEEP, days=settings().webhook_log_days)
    async with db.transaction() as tx:
        await tx.execute(_SWEEP_MANY)
