"""What was said on a ShotGrid site: versions and notes as comments, replies, and the files attached to notes.

It is history: nobody is notified of it, and it makes no news.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import msgspec
from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import TIMESTAMP, Text, utc_now
from pegbar.core.data.values import to_timestamp
from pegbar.exchange.shotgrid.site import queries
from pegbar.exchange.shotgrid.site.actions import Pair
from pegbar.exchange.shotgrid.site.client import Row
from pegbar.exchange.shotgrid.site.records import author_id
from pegbar.media.events import PREVIEW_NEW
from pegbar.tasks.events import COMMENT_NEW, COMMENT_REPLY
from pegbar.tasks.tables import comment, comment_preview_link

#: Previews that no comment holds, with their tasks, held until the transaction ends.
_LOOSE = sql(
    """
    SELECT p.id, p.task_id, p.person_id, p.description, t.task_status_id
      FROM preview_file p JOIN task t ON t.id = p.task_id
     WHERE p.id = ANY(:ids)
       AND NOT EXISTS (SELECT 1 FROM comment_preview_link l WHERE l.preview_file = p.id)
     ORDER BY t.id, p.id FOR NO KEY UPDATE OF t, p
    """
)
#: Numbers previews of each task on from its highest revision, by the time at which they were made.
_NUMBER = sql(
    """
    WITH fresh AS (
      SELECT p.id, p.task_id, made.at,
             row_number() OVER (PARTITION BY p.task_id ORDER BY made.at, p.shotgun_id) AS place
        FROM unnest(:ids ::uuid[], :ats ::timestamp[]) AS made (id, at) JOIN preview_file p ON p.id = made.id
    ), last AS (
      SELECT p.task_id, max(p.revision) AS revision
        FROM preview_file p
       WHERE p.task_id IN (SELECT task_id FROM fresh) AND p.id <> ALL(:ids) AND p.revision < 1000000000
       GROUP BY p.task_id
    )
    UPDATE preview_file SET revision = coalesce(last.revision, 0) + fresh.place, position = 1, created_at = fresh.at
      FROM fresh LEFT JOIN last ON last.task_id = fresh.task_id
     WHERE preview_file.id = fresh.id
    """,
    ats=ARRAY(TIMESTAMP),
)
#: A task knows when the last word on it was said.
_LAST_WORD = sql(
    """
    UPDATE task SET last_comment_date = greatest(task.last_comment_date, said.at), updated_at = :now
      FROM (SELECT id, max(at) AS at FROM unnest(:ids ::uuid[], :ats ::timestamp[]) AS word (id, at) GROUP BY id) said
     WHERE task.id = said.id AND (task.last_comment_date IS NULL OR task.last_comment_date < said.at)
    """,
    ats=ARRAY(TIMESTAMP),
)
#: Notes have no status in ShotGrid. A comment without one would leave its task without, when it is worked out again.
_GIVE_STATUS = sql(
    """
    UPDATE comment SET task_status_id = task.task_status_id
      FROM task
     WHERE comment.id = ANY(:ids) AND comment.task_status_id IS NULL AND task.id = comment.object_id
       AND task.task_status_id IS NOT NULL
    """
)
_SAID = sql(
    """
    SELECT c.id, c.object_id AS task_id, c.created_at, c.task_status_id, c.person_id, c.for_client
      FROM comment c WHERE c.id = ANY(:ids)
    """
)
_STORE_REPLIES = sql(
    """
    UPDATE comment SET replies = answered.replies ::jsonb, updated_at = :now
      FROM unnest(:ids ::uuid[], :texts ::text[]) AS answered (id, replies)
     WHERE comment.id = answered.id
    """,
    texts=ARRAY(Text),
)


def id_here(site_url: str, entity_type: str, number: int) -> UUID:
    """The id of what has no number of ShotGrid's in its row: always the same."""
    return uuid5(NAMESPACE_URL, f"{site_url}/{entity_type}/{number}")


def moment(row: Row) -> datetime:
    """When a row was made."""
    text = row.get("created_at")
    return to_timestamp("created_at", text[:19]) if isinstance(text, str) else utc_now()


async def show_versions(tx: Transaction, caller_id: UUID, project_id: UUID, pairs: Sequence[Pair]) -> None:
    """Put versions under comments, as what people publish is, with revisions in the order in which they were made."""
    made_at = {preview_id: moment(row) for preview_id, row in pairs}
    loose = await tx.rows(_LOOSE, ids=list(made_at))
    if not loose:
        return
    ids = [row["id"] for row in loose]
    await tx.execute(_NUMBER, ids=ids, ats=[made_at[preview_id] for preview_id in ids])
    comments = [
        {
            "id": uuid4(),
            "created_at": made_at[row["id"]],
            "object_id": row["task_id"],
            "object_type": "Task",
            "text": row["description"] or "",
            "task_status_id": row["task_status_id"],
            "person_id": row["person_id"] or caller_id,
        }
        for row in loose
    ]
    await tx.insert_many(comment, comments)
    links = [{"comment": said["id"], "preview_file": row["id"]} for said, row in zip(comments, loose, strict=True)]
    await tx.insert_many(comment_preview_link, links)
    await _last_words(tx, [(said["object_id"], said["created_at"]) for said in comments])
    for said, row in zip(comments, loose, strict=True):
        _announce(tx, project_id, {**said, "task_id": said["object_id"], "for_client": False})
        tx.emit(PREVIEW_NEW, project_id=project_id, preview_file_id=row["id"], comment_id=said["id"])


async def settle_notes(tx: Transaction, project_id: UUID, new_ids: Sequence[UUID]) -> None:
    """New comments that stand for notes get the status of their task, and are told of."""
    if not new_ids:
        return
    await tx.execute(_GIVE_STATUS, ids=list(new_ids))
    said = await tx.rows(_SAID, ids=list(new_ids))
    await _last_words(tx, [(row["task_id"], row["created_at"]) for row in said])
    for row in said:
        _announce(tx, project_id, dict(row))


async def _last_words(tx: Transaction, words: Sequence[tuple[UUID, datetime]]) -> None:
    await tx.execute(_LAST_WORD, ids=[id_ for id_, _ in words], ats=[at for _, at in words], now=utc_now())


def _announce(tx: Transaction, project_id: UUID, said: Mapping[str, Any]) -> None:
    tx.emit(
        COMMENT_NEW,
        project_id=project_id,
        comment_id=said["id"],
        task_id=said["task_id"],
        task_status_id=said["task_status_id"],
        person_id=said["person_id"],
        for_client=bool(said["for_client"]),
    )


async def add_replies(
    tx: Transaction, site_url: str, project_id: UUID, rows: Sequence[Row]
) -> dict[int, tuple[str, str]]:
    """Put replies under the comments of their notes; what became of each, and why not."""
    by_note: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_note[(row.get("entity") or {}).get("id") or 0].append(row)
    authors = [id_ for row in rows if (id_ := author_id(row.get("user")))]
    persons = {row["shotgun_id"]: row["id"] for row in await tx.rows(queries.persons_by_number, numbers=authors)}
    comments = await tx.rows(queries.comments_of_notes, project_id=project_id, numbers=list(by_note))
    known_notes = {row["shotgun_id"] for row in comments}
    outcomes = {
        row["id"]: ("skipped", "its note is not here")
        for note_id, replies in by_note.items()
        if note_id not in known_notes
        for row in replies
    }
    changed: dict[UUID, list[Any]] = {}
    for said in comments:
        stored = said["replies"] if isinstance(said["replies"], list) else []
        merged = _merge(site_url, stored, by_note[said["shotgun_id"]], persons, outcomes)
        if merged == stored:
            continue
        changed[said["id"]] = merged
        before = {reply.get("id") for reply in stored if isinstance(reply, dict)}
        for reply_id in [reply.get("id") for reply in merged]:
            if reply_id not in before:
                about = {"task_id": said["task_id"], "comment_id": said["id"], "reply_id": reply_id}
                tx.emit(COMMENT_REPLY, project_id=project_id, **about)
    if changed:
        texts = [msgspec.json.encode(replies).decode() for replies in changed.values()]
        await tx.execute(_STORE_REPLIES, ids=list(changed), texts=texts, now=utc_now())
    return outcomes


def _merge(
    site_url: str,
    stored: Sequence[Any],
    rows: Sequence[Row],
    persons: Mapping[int, UUID],
    outcomes: dict[int, tuple[str, str]],
) -> list[Any]:
    """The replies of a comment with those of the site among them, in the order of their times."""
    merged = {reply.get("id", place): reply for place, reply in enumerate(stored) if isinstance(reply, dict)}
    for row in rows:
        person_id = persons.get(author_id(row.get("user")) or 0)
        if person_id is None:
            outcomes[row["id"]] = ("skipped", "nobody knows who wrote it")
            continue
        at = moment(row).strftime("%Y-%m-%dT%H:%M:%S")
        reply: dict[str, Any] = {
            "id": str(id_here(site_url, "Reply", row["id"])),
            "date": at,
            "created_at": at,
            "person_id": str(person_id),
            "text": row.get("content") or "",
            "mentions": [],
            "department_mentions": [],
        }
        known = merged.get(reply["id"])
        outcomes[row["id"]] = ("created" if known is None else "unchanged" if known == reply else "changed", "")
        merged[reply["id"]] = reply
    return sorted(merged.values(), key=lambda reply: str(reply.get("date") or ""))
