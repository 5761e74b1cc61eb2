"""Generic routes of days off. Source: spec crud, "day-offs"."""

from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import Only, writes
from pegbar.core.http.access import admin, authenticated, self_or
from pegbar.planning.leave import actions
from pegbar.planning.tables import day_off

_WRITER = authenticated.further("the person concerned, or a studio manager")

day_offs = Resource(
    day_off,
    path="/data/day-offs",
    type="DayOff",
    access=Access(
        list=admin,
        read=authenticated,
        create=self_or(admin, "person_id"),
        update=_WRITER,
        delete=_WRITER,
    ),
    writes=writes(
        "date end_date description person_id",
        only={Only("studio managers", lambda change: change.caller.is_admin): "person_id"},
    ),
    check=actions.check_day_off,
    saved=actions.wipe_hours,
    deleting=actions.check_removal,
    skip=frozenset({"read"}),
    tag="Days off",
)
