"""Statements about productions that are being deleted."""

from functools import cache

from sqlalchemy import BigInteger, Executable, select

from pegbar.accounts.standing import is_going
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import TIMESTAMP, String, Text
from pegbar.core.data.wire import json_object, wire_of
from pegbar.productions.deletion.parts import parts
from pegbar.productions.tables import project, project_removal

_PROJECT_ID = param("project_id")
_NOW = param("now")


@cache
def sizes() -> Executable:
    """How many rows each part of a production has: `n` (the part's place) and `rows`. For when all parts are known."""
    counts = " UNION ALL ".join(f"SELECT {n}, ({part.counted})" for n, part in enumerate(parts()))
    return sql(f"SELECT n, rows FROM ({counts}) AS sizes (n, rows)")  # noqa: S608 - declared


IS_HIDDEN = select(is_going(_PROJECT_ID))

#: Nobody finds the production any more, and its name is free.
HIDE = (
    project.update()
    .where(project.c.id == _PROJECT_ID)
    .values(name=param("hidden_name", String), project_status_id=None)
)

#: The removal, which one job at a time works on; its author, while there is one.
LOCK = sql(
    """
    SELECT r.removed, r.total, (SELECT p.id FROM person p WHERE p.id = r.requested_by) AS author_id
      FROM pegbar.project_removal r WHERE r.project_id = :project_id FOR UPDATE
    """
)

#: A total counted before grows with what was added since.
ADVANCE = sql(
    """
    UPDATE pegbar.project_removal
       SET removed = removed + :rows, total = greatest(total, removed + :rows), doing = :doing, updated_at = :now,
           last_error = NULL
     WHERE project_id = :project_id RETURNING removed, total
    """,
    rows=BigInteger,
    doing=Text,
)

FAIL = sql(
    "UPDATE pegbar.project_removal SET last_error = :error, updated_at = :now WHERE project_id = :project_id",
    error=Text,
)

FORGET = sql("DELETE FROM pegbar.project_removal WHERE project_id = :project_id")

#: Removals that nobody has worked on for a while.
ABANDONED = sql("SELECT project_id FROM pegbar.project_removal WHERE updated_at < :before", before=TIMESTAMP)

LOCK_PROJECT = sql("SELECT id FROM project WHERE id = :project_id FOR UPDATE")

REMOVAL = wire_of(project_removal)
#: The removals under way, the latest first.
removals = select(json_object(REMOVAL)).order_by(project_removal.c.requested_at.desc())
