"""Which comments of a task a caller may see. Source: spec tasks, "comment access" and GET …/comments; crud, "comments".

Managers and supervisors see all; artists and vendors all but those of clients; clients those meant for them and those
that clients wrote, in an isolated production only their own. The author's role is the one on the production.
"""

from sqlalchemy import ColumnElement, exists, func, or_, select, true

from pegbar.accounts.tables import person
from pegbar.core.access import Caller
from pegbar.core.resource import CALLER_ID
from pegbar.productions.tables import project, project_person_link
from pegbar.tasks.tables import comment, task

_author = person.alias("author")
_team = project_person_link.alias("author_team")
_subject = task.alias("subject")

BY_CLIENT: ColumnElement[bool] = exists(
    select(_author.c.id)
    .select_from(_author)
    .join(_subject, _subject.c.id == comment.c.object_id)
    .outerjoin(_team, (_team.c.person_id == _author.c.id) & (_team.c.project_id == _subject.c.project_id))
    .where(
        _author.c.id == comment.c.person_id,
        _author.c.role != "admin",
        func.coalesce(func.nullif(_team.c.role, "admin"), _author.c.role) == "client",
    )
    .correlate(comment)
)

_ISOLATED: ColumnElement[bool] = exists(
    select(project.c.id)
    .join(_subject, _subject.c.project_id == project.c.id)
    .where(_subject.c.id == comment.c.object_id, project.c.is_clients_isolated.is_(True))
    .correlate(comment)
)

FOR_CLIENTS: ColumnElement[bool] = or_(
    comment.c.for_client.is_(True), comment.c.person_id == CALLER_ID, BY_CLIENT & ~_ISOLATED
)
FOR_ARTISTS: ColumnElement[bool] = ~BY_CLIENT
FOR_ALL: ColumnElement[bool] = true()


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """The condition on comments for this caller, with `caller_id` as a parameter where it matters."""
    if caller.role_here in ("admin", "manager", "supervisor"):
        return FOR_ALL
    return FOR_CLIENTS if caller.role_here == "client" else FOR_ARTISTS
