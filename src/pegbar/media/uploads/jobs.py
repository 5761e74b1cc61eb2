"""Uploads that nobody finished or used go by the clock."""

from pegbar.core.data.database import Database
from pegbar.core.http.resumable import actions
from pegbar.core.work.jobs import job

EXPIRE = job("media.expire_uploads", cron="27 * * * *")


@EXPIRE.task
async def expire_uploads(db: Database) -> None:
    """Remove expired uploads, and bytes that belong to none."""
    await actions.expire(db)
