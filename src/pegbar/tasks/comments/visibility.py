"""Which comments of a task a caller may see. Source: spec tasks, "comment access" and GET …/comments; crud, "comments".

Managers and supervisors see all; artists and vendors all but those of clients; clients those meant for them and those
that clients wrote, in an isolated production only their own. The author's role is the one on the production.
"""

from sqlalchemy import ColumnElement, select, true

from pegbar.accounts.standing import CALLER, Said, hears
from pegbar.core.http.access import Caller
from pegbar.tasks.tables import comment, task

_project_id = select(task.c.project_id).where(task.c.id == comment.c.object_id).correlate_except(task)
#: A comment, by its row.
SAID = Said(comment.c.person_id, _project_id.scalar_subquery(), comment.c.for_client)
BY_CLIENT: ColumnElement[bool] = SAID.by_client
FOR_CLIENTS: ColumnElement[bool] = hears("client", CALLER, SAID)
FOR_ARTISTS: ColumnElement[bool] = hears("user", CALLER, SAID)
FOR_ALL: ColumnElement[bool] = true()


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """The condition on comments for this caller, with `caller_id` as a parameter where it matters."""
    if caller.role_here in ("admin", "manager", "supervisor"):
        return FOR_ALL
    return FOR_CLIENTS if caller.role_here == "client" else FOR_ARTISTS
