"""Generic routes of persons and departments. Source: spec crud, "persons", "departments"."""

from pegbar.accounts import shapes
from pegbar.accounts.people import leaving, queries, rules
from pegbar.accounts.people.shapes import listed
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.changes import Change
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import Only, writes
from pegbar.core.http.access import admin, authenticated
from pegbar.studio.tables import hardware_item_department_link, software_department_link


async def _empty(change: Change) -> None:
    """A department that goes leaves its members, licences and hardware; the salary scale goes with it."""
    for link in (department_link, software_department_link, hardware_item_department_link):
        await change.tx.delete(link, department_id=change.row_id)


departments = Resource(
    department,
    path="/data/departments",
    type="Department",
    access=Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin),
    writes=writes("name color archived"),
    deleting=_empty,
    tag="Departments",
)

#: What people write of themselves; the rest of their record is the studio's. Nobody writes second factors, secrets,
#: identities of single sign-on and preview windows here.
_OWN_PROFILE = """
    first_name last_name email phone country timezone locale use_12_hour_clock display_date_format data
    notifications_enabled notifications_slack_enabled notifications_slack_userid notifications_mattermost_enabled
    notifications_mattermost_userid notifications_discord_enabled notifications_discord_userid
"""
_RECORD = """
    role departments active archived is_bot is_guest position seniority contract_type daily_salary expiration_date
    last_presence desktop_login has_avatar studio_id shotgun_id is_generated_from_ldap ldap_uid
"""

#: Its routes are people/routes.py's, for who sees what.
persons = Resource(
    person,
    path="/data/persons",
    type="Person",
    relations=(shapes.DEPARTMENTS,),
    wire=shapes.SAFE,
    hidden=shapes.HIDDEN,
    writes=writes(
        _OWN_PROFILE + _RECORD,
        further="password",
        only={Only("studio managers", lambda change: change.caller.is_admin, silent=True): _RECORD},
    ),
    specials={"full_name": queries.FULL_NAME},
    listed=queries.LISTED,
    scope=listed,
    check=rules.check,
    saved=rules.end_old_sessions,
    deleting=leaving.leave,
    deleted=leaving.forget_changes,
    skip=frozenset({"list", "read", "create", "update", "delete"}),
    tag="Persons",
)
