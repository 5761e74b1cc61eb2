"""Routes of presence. Source: spec accounts, "desktop-login-logs" and "presence-logs"."""

from uuid import UUID

from pegbar.accounts.presence import actions, queries
from pegbar.accounts.resources import persons
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import NotFound
from pegbar.core.http.access import admin, global_manager, self_or
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import Reply, get, post

_TAG = "Persons"


class Login(Strict):
    """When somebody sat down."""

    date: str | None = None


@get("/data/persons/{person_id:uuid}/desktop-login-logs", access=self_or(global_manager), tag=_TAG, errors=(404,))
async def desktop_logins(person_id: UUID, db: Database) -> Json:
    """The desktop logins of a person, the latest first."""
    if await db.value(queries.person_exists, person_id=person_id) is None:
        raise NotFound(f"There is no Person {person_id}.")
    return await db.json(queries.logins_of_person, person_id=person_id)


@post(
    "/data/persons/{person_id:uuid}/desktop-login-logs",
    access=self_or(admin),
    tag=_TAG,
    events=(persons.events["update"],),
    errors=(400, 404),
)
async def log_in(person_id: UUID, body: Login, tx: Transaction) -> Json:
    """Record that a person sat down at their desk, now unless `date` says when."""
    login_id = await actions.log_in(tx, person_id, actions.moment(body.date))
    return await tx.json_row(queries.one_login, login_id=login_id) or Json(b"null")


@get("/data/persons/presence-logs/{month_date:str}", access=admin, tag=_TAG, errors=(400,))
async def presence(month_date: str, db: Database) -> Reply:
    """The presence sheet of a month (YYYY-MM), as CSV: a line for each person, an X for each day with a login."""
    sheet = await actions.presence_sheet(db, *actions.month_of(month_date))
    return Reply(sheet, media_type="text/csv", headers={"content-disposition": "attachment; filename=kitsu_export.csv"})
