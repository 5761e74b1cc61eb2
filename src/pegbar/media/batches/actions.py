"""Comments sent together with their files and previews. Source: spec media, batch-comment; "Worth fixing".

The comments are checked first and posted in one transaction, all or none. Their previews follow one by one, as uploads
take their time: a picture that cannot be read refuses the request, the comments stay.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import ApiError, BadRequest, InvalidBody, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.http.body import Strict, validate
from pegbar.core.http.uploads import Form, Upload
from pegbar.media import addresses, publishing
from pegbar.media.removal import remove_previews
from pegbar.media.revisions import add_preview
from pegbar.tasks.comments import queries
from pegbar.tasks.comments.access import caller_at
from pegbar.tasks.comments.actions import say
from pegbar.tasks.comments.attachments import StoredFile, attach, keep, written
from pegbar.tasks.comments.shapes import PostedComment, known_id
from pegbar.tasks.tables import comment

_FILE = re.compile(r"(attachment|preview)_file-(\d{1,6})(?:-\d+)?")


class Said(Strict):
    """One of the comments."""

    task_status_id: str
    text: str
    task_id: str | None = None
    person_id: str | None = None
    created_at: str | None = None
    checklist: list[Any] | None = None
    links: list[Any] | None = None

    @property
    def body(self) -> PostedComment:
        """The same as the body of a single comment."""
        return PostedComment(
            task_status_id=self.task_status_id,
            comment=self.text,
            checklist=self.checklist,
            links=self.links,
            person_id=self.person_id or "",
            created_at=self.created_at or "",
        )


class _Batch(Strict):
    comments: list[Said]


@dataclass(frozen=True)
class Batch:
    """Comments, each with its task, and the files of the exact number of each."""

    comments: Sequence[tuple[UUID, PostedComment]]
    attachments: Sequence[tuple[int, Upload]]
    previews: Sequence[tuple[int, Upload]]


def batch_of(document: Any, form: Form, task_id: UUID | None) -> Batch:
    """What a request sends, on one task or each comment on its own. 400 for what is no list of comments."""
    if not isinstance(document, dict) or document.get("comments") is None:
        raise BadRequest("comments is required.")
    comments = validate({"comments": document["comments"]}, _Batch).comments
    posted = []
    for place, item in enumerate(comments):
        if task_id is None and not item.task_id:
            raise InvalidBody([(f"comments.{place}.task_id", "This field is required.")])
        body = item.body
        _ = (body.text, body.items("checklist"), body.link_texts)  # told before anything is stored
        posted.append((task_id or known_id("task_id", item.task_id or ""), body))
    files: dict[str, list[tuple[int, Upload]]] = {"attachment": [], "preview": []}
    for upload in form.files:
        match = _FILE.fullmatch(upload.field)
        if match is not None and int(match[2]) < len(posted):
            files[match[1]].append((int(match[2]), upload))
    return Batch(posted, files["attachment"], files["preview"])


_IDS = param("ids")
_AUTHORS = (
    select(comment.c.id, comment.c.object_id, comment.c.person_id)
    .where(comment.c.id == any_(_IDS))
    .order_by(func.array_position(_IDS, comment.c.id))
)


async def publish(db: Database, caller: Caller, batch: Batch, *, in_job: bool, normalize: bool) -> Json:
    """Post the comments with their attachments and add their previews; the comments, each with its `preview_files`.

    Raises NotFound for an unknown task, status or author, Forbidden for a task the caller may not comment, BadRequest
    when retakes are used up and for a picture that cannot be read. A file of a type that is not taken is left out.
    """
    kept = await keep(Form(files=[upload for _, upload in batch.attachments]))
    place_of = {upload.field: place for place, upload in batch.attachments}

    async def post(tx: Transaction) -> tuple[list[Any], list[Any]]:
        ids = await _post(tx, caller, batch, [(place_of[item.field], item) for item in kept])
        return await tx.rows(queries.posted_together, ids=ids), await tx.rows(_AUTHORS, ids=ids)

    posted, comment_rows = await written(db, caller, post, kept)
    shown: list[list[bytes]] = [[] for _ in posted]
    for place, upload in batch.previews:
        row = await _add(db, caller, comment_rows[place], upload, in_job=in_job, normalize=normalize)
        if row is not None:
            shown[place].append(row)
    answers = [
        row[0][:-1].encode() + b',"preview_files":[' + b",".join(previews) + b"]}"
        for row, previews in zip(posted, shown, strict=True)
    ]
    return Json(b"[" + b",".join(answers) + b"]")


async def _post(tx: Transaction, caller: Caller, batch: Batch, files: Sequence[tuple[int, StoredFile]]) -> list[UUID]:
    there = await caller_at(tx, caller, [task_id for task_id, _ in batch.comments])
    ids = []
    for place, (task_id, body) in enumerate(batch.comments):
        if task_id not in there:
            raise NotFound(f"There is no task {task_id}.")
        require(there[task_id].is_member, "You are not on the production of this task.")
        comment_id = await say(tx, there[task_id], task_id, body)
        await attach(tx, [file for of, file in files if of == place], comment_id=comment_id)
        ids.append(comment_id)
    return ids


async def _add(
    db: Database, caller: Caller, comment_row: Any, upload: Upload, *, in_job: bool, normalize: bool
) -> Json | None:
    """A preview under a comment, in the name of its author; None for a file that is no preview."""
    try:
        kind = addresses.kind_of(upload.extension)
    except BadRequest:
        return None
    if kind == "movie" and not upload.size:
        return None

    async def add(tx: Transaction) -> UUID:
        return await add_preview(tx, comment_row["person_id"], comment_row["object_id"], comment_row["id"])

    preview_id = await db.write(caller.id, add)
    try:
        return await publishing.publish(db, caller.id, preview_id, upload, in_job=in_job, normalize=normalize)
    except ApiError:

        async def forget(tx: Transaction) -> None:
            tx.deletes_for_good = True  # it never was one
            await remove_previews(tx, [preview_id], force=True)

        await db.write(caller.id, forget)
        raise
