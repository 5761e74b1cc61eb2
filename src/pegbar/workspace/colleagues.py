"""The people whom the context lists, by who looks. Source: spec user, `persons` of the context and "Worth fixing" 5, 6.

Who sees what of whom is `accounts/people/shapes.py`'s; guests and preview accounts are in no list but clients'.
"""

from sqlalchemy import ColumnElement, or_, select

from pegbar.accounts.people.shapes import OUTSIDERS, TEAM_MATE, record
from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.standing import CALLER
from pegbar.accounts.tables import person
from pegbar.core.data.wire import json_list

_LISTED = (person.c.is_guest.is_(False), person.c.preview_project_id.is_(None))


def colleagues(role: str, *, manages: bool) -> ColumnElement[str]:
    """The people whom a caller of this studio role is shown, as a JSON array; `manages`: some may be in their team."""
    rows = select(record(role, manages=manages))
    if role == "client":
        return json_list(rows.where(TEAM_MATE).order_by(FULL_NAME, person.c.id))
    return json_list(
        rows.where(*_LISTED, or_(TEAM_MATE, person.c.id == CALLER.id)) if role in OUTSIDERS else rows.where(*_LISTED)
    )
