"""Editing a comment through its table. Source: spec crud, "comments" (PUT); spec tasks, "Editing a comment"."""

from uuid import UUID

from pegbar.accounts.standing import as_text, members, on, somebody_written, written
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import utc_now
from pegbar.core.data.writes import MANAGERS, Only
from pegbar.core.errors import BadRequest, Forbidden, Refused
from pegbar.core.http.access import Caller, may_act_on_task, require
from pegbar.tasks import recount
from pegbar.tasks.comments.queries import one
from pegbar.tasks.comments.shapes import COMMENT
from pegbar.tasks.comments.subject import named
from pegbar.tasks.hooks import COMMENT_EDITED, CommentEdited
from pegbar.tasks.tables import comment


def _is_author(change: Change) -> bool:
    return change.before is not None and change.before["person_id"] == change.caller.id


def _leads(caller: Caller) -> bool:
    return caller.manages or (caller.supervises and caller.covers_department(caller.task_department_id))


#: Who changes what, of those who see a comment.
ONLY = {
    MANAGERS: """
        for_client object_id person_id preview_file_id previews acknowledgements replies shotgun_id
    """,
    Only("supervisors of the department", lambda change: _leads(change.caller)): "pinned",
    Only(
        "the author and who works on the task",
        lambda change: _is_author(change) or _leads(change.caller) or change.caller.assigned_to_task,
    ): "checklist",
    Only("the author", lambda change: change.caller.manages or _is_author(change)): "text data links",
    Only(
        "the author, who must be allowed to act on the task",
        lambda change: change.caller.manages or (_is_author(change) and may_act_on_task(change.caller)),
    ): "task_status_id",
}

_STATUS_ALLOWED = sql(
    """
    SELECT coalesce(s.is_artist_allowed, true) AS artists,
           coalesce(l.is_client_allowed, s.is_client_allowed, true) AS clients
      FROM task_status s
      LEFT JOIN project_task_status_link l ON l.task_status_id = s.id AND l.project_id = :project_id
     WHERE s.id = :status_id
    """
)

_MOVE = sql(
    """
    SELECT EXISTS (SELECT 1 FROM task WHERE id = :task_id) AS known,
           EXISTS (SELECT 1 FROM comment_preview_link WHERE comment = :comment_id) AS holds_preview
    """
)

#: Whom a text may name: the team of the task's production, and every department.
_NAMES = sql(
    f"""
    SELECT ARRAY(SELECT ROW(o.id, concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')))
                   FROM person o
                  WHERE o.id IN {as_text(members(written("t.project_id")))} AND o.preview_project_id IS NULL
                  ORDER BY o.id) AS team,
           ARRAY(SELECT ROW(d.id, d.name) FROM department d ORDER BY d.id) AS departments,
           t.project_id,
           (SELECT {as_text(on(somebody_written("o"), written("t.project_id")).has_role("client"))}
              FROM person o WHERE o.id = :author_id) AS by_client
      FROM task t WHERE t.id = :task_id
    """  # noqa: S608 - rules of ours
)

#: Mentions become those of the text.
_REMENTION = COMMENT_EDITED.statement(
    """
    unnamed AS (
      DELETE FROM comment_mentions USING moment WHERE comment = moment.comment_id AND person <> ALL(moment.persons)
    ), undepartmented AS (
      DELETE FROM comment_department_mentions USING moment
       WHERE comment = moment.comment_id AND department <> ALL(moment.departments)
    ), named AS (
      INSERT INTO comment_mentions (comment, person)
      SELECT comment_id, unnest(persons) FROM moment ON CONFLICT DO NOTHING
    ), departmented AS (
      INSERT INTO comment_department_mentions (comment, department)
      SELECT comment_id, unnest(departments) FROM moment ON CONFLICT DO NOTHING
    )
    """
)


async def check(change: Change) -> None:
    """Refuse what the rules of comments forbid. A new one is a plain row; null lists are stored empty."""
    for key in ("checklist", "replies"):
        if key in change.document:
            value = change.document[key]
            if value is not None and not isinstance(value, list):
                raise Refused(f"{key} must be a list.", field=key)
            change.values[key] = value or []
    if change.before is None:
        return
    if change.values.get("text", "") is None:
        raise Refused("text must not be null.", field="text")
    await _check_editor(change)
    touched = change.relations or any(change.changes(name) for name in change.values)
    if touched or change.caller.manages or _is_author(change):
        change.values["editor_id"] = change.caller.id
    if change.changes("object_id"):
        await _check_move(change)


async def _check_editor(change: Change) -> None:
    caller = change.caller
    if caller.manages:
        return
    require(caller.reaches_entity, "Vendors edit comments on what they work on.")
    seen = await change.tx.row(one(COMMENT, caller), comment_id=change.row_id)
    if seen is None or not seen["visible"]:
        raise Forbidden("This comment is not for you.")
    if change.values.get("task_status_id") is not None:
        await _check_status(change)


async def _check_move(change: Change) -> None:
    """A comment goes to another task of its production, and leaves no preview behind."""
    move = await change.tx.row(_MOVE, task_id=change.values["object_id"], comment_id=change.row_id)
    assert move is not None
    if not move["known"]:
        raise Refused("object_id names no task.")
    if move["holds_preview"] or change.after("preview_file_id") is not None:
        raise BadRequest("object_id: a comment with previews stays on its task.")


async def _check_status(change: Change) -> None:
    caller = change.caller
    status_id = change.values["task_status_id"]
    allowed = await change.tx.row(_STATUS_ALLOWED, project_id=caller.project_id, status_id=status_id)
    if allowed is None:
        raise Refused("task_status_id names no status.", field="task_status_id")
    require(caller.role_here not in ("user", "vendor") or allowed["artists"], "Artists may not give this status.")
    require(caller.role_here != "client" or allowed["clients"], "Clients may not give this status.")


async def saved(change: Change) -> None:
    """What follows an edit: mentions follow the text, tasks the status."""
    before = change.before
    if before is None:
        return
    task_id = change.after("object_id")
    if change.changes("text"):
        await _mention(change, task_id)
    if change.changes("object_id"):
        await recount.from_comments(change.tx, before["object_id"])
    if change.changes("task_status_id") or change.changes("object_id"):
        done = await recount.from_comments(change.tx, task_id)
        if done is not None and done.status_after != done.status_before:
            recount.announce_status(change.tx, task_id, done, change.after("task_status_id"), change.after("person_id"))


async def _mention(change: Change, task_id: UUID) -> None:
    await remention(
        change.tx,
        comment_id=change.row(comment),
        task_id=task_id,
        author_id=change.after("person_id"),
        words=change.values["text"],
        for_client=bool(change.after("for_client")),
    )


async def remention(
    tx: Transaction, *, comment_id: UUID, task_id: UUID, author_id: UUID, words: str, for_client: bool
) -> None:
    """Let the mentions of a comment, and who is told of them, follow its new text."""
    names = await tx.row(_NAMES, task_id=task_id, author_id=author_id)
    if names is None:
        return
    edited = CommentEdited(
        tx,
        comment_id=comment_id,
        task_id=task_id,
        project_id=names["project_id"],
        author_id=author_id,
        persons=named(words, "@", [(row[0], row[1]) for row in names["team"]]),
        departments=named(words, "@", [(row[0], row[1]) for row in names["departments"]]),
        for_client=for_client,
        by_client=bool(names["by_client"]),
        now=utc_now(),
    )
    COMMENT_EDITED.tell(edited, await _REMENTION.run(tx, [edited]))
