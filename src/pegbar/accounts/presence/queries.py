"""Reads of desktop logins. Source: spec accounts, "desktop-login-logs" and "presence-logs"."""

from sqlalchemy import ARRAY, Date, Integer, cast, extract, func, select

from pegbar.accounts import shapes
from pegbar.accounts.tables import desktop_login_log, person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import TIMESTAMP
from pegbar.core.data.wire import json_object, wire_of
from pegbar.timesheets.tables import time_spent

LOGIN = wire_of(desktop_login_log, "DesktopLoginLog")
_PERSON = param("person_id")

person_exists = select(person.c.id).where(person.c.id == _PERSON)
#: The same, held: presence is worked out by one transaction at a time, so that each sees what the one before it wrote.
person_held = person_exists.with_for_update(key_share=True)

#: Desktop logins of a person, the latest first.
logins_of_person = (
    select(json_object(LOGIN))
    .where(desktop_login_log.c.person_id == _PERSON)
    .order_by(desktop_login_log.c.date.desc(), desktop_login_log.c.id)
)
one_login = select(json_object(LOGIN)).where(desktop_login_log.c.id == param("login_id"))

#: The last day with a desktop login or time spent.
last_presence = select(
    func.greatest(
        select(func.max(cast(desktop_login_log.c.date, Date)))
        .where(desktop_login_log.c.person_id == _PERSON)
        .scalar_subquery(),
        select(func.max(time_spent.c.date)).where(time_spent.c.person_id == _PERSON).scalar_subquery(),
    )
)

_DAYS = (
    select(func.array_agg(func.distinct(cast(extract("day", desktop_login_log.c.date), Integer)), type_=ARRAY(Integer)))
    .where(
        desktop_login_log.c.person_id == person.c.id,
        desktop_login_log.c.date >= param("first", TIMESTAMP),
        desktop_login_log.c.date < param("after", TIMESTAMP),
    )
    .scalar_subquery()
)

#: Everybody at work with the days of a month on which they logged in.
presence = (
    select(shapes.FULL_NAME, _DAYS.label("days"))
    .where(person.c.active.is_not(False), person.c.is_guest.is_not(True), person.c.preview_project_id.is_(None))
    .order_by(person.c.first_name, person.c.last_name, person.c.id)
)
