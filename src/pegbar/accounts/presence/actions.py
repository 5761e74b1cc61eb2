"""Desktop logins. Source: spec accounts, "desktop-login-logs" and "presence-logs"."""

import calendar
import csv
import io
import re
from datetime import datetime
from uuid import UUID

from pegbar.accounts.presence import queries
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import desktop_login_log, person
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, InvalidBody, NotFound

_MONTH = re.compile(r"(\d{4})-(\d{1,2})")


def moment(text: str | None) -> datetime:
    """The moment of a login: a day, or a day and a time; now when none is given."""
    if text is None:
        return utc_now()
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise InvalidBody([("date", f"{text!r} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS).")]) from None


async def log_in(tx: Transaction, person_id: UUID, at: datetime) -> UUID:
    """Record a desktop login; the id of its row."""
    if await tx.value(queries.person_held, person_id=person_id) is None:
        raise NotFound(f"There is no Person {person_id}.")
    login_id = await tx.insert(desktop_login_log, person_id=person_id, date=at)
    last = await tx.value(queries.last_presence, person_id=person_id)
    await tx.update(person, person_id, last_presence=last)
    tx.emit(persons.events["update"], person_id=person_id)
    assert login_id is not None
    return login_id


def month_of(text: str) -> tuple[int, int]:
    """The year and month of YYYY-MM (YYYY-M is taken too)."""
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1 <= int(match[1]) < 9999:
        raise BadRequest(f"{text!r} is not a month (YYYY-MM).")
    return int(match[1]), int(match[2])


async def presence_sheet(db: Database, year: int, month: int) -> str:
    """Who was there on which days of a month, as CSV."""
    last_day = calendar.monthrange(year, month)[1]
    after = datetime(year + month // 12, month % 12 + 1, 1)
    rows = await db.rows(queries.presence, first=datetime(year, month, 1), after=after)
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter=";")
    days = range(1, last_day + 1)
    writer.writerow([year, *days])
    for row in rows:
        present = set(row["days"] or ())
        writer.writerow([row["full_name"], *("X" if day in present else "" for day in days)])
    return sheet.getvalue()
