"""A person's notifications and subscriptions. Source: spec user, "Notification item", "Subscriptions", "Worth fixing".

What is hidden from the person's role on the production stays hidden here: the row is there, its text is empty.
A page ends at a notification, not at a second: an item's `cursor` is its exact time and id, and `before` and `after`
take it as they take a date.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Executable, bindparam, text

from pegbar.accounts.standing import as_text, is_going, on, somebody_written, written
from pegbar.core.data.schema import TIMESTAMP, Boolean, String, Uuid
from pegbar.core.live.events import event
from pegbar.entities.naming import FULL_NAME, JOINS
from pegbar.tasks.notices.access import HIDDEN

READ = event("notification:read", "person_id", "notification_id", scoped=False)
UNREAD = event("notification:unread", "person_id", "notification_id", scoped=False)
ALL_READ = event("notification:all-read", "person_id", scoped=False)

_TIME = """'YYYY-MM-DD"T"HH24:MI:SS'"""
_EXACT_TIME = """'YYYY-MM-DD"T"HH24:MI:SS.US'"""
#: In steps, each with few tables: planned at once they would take longer to plan than to read.
_PAGE = """
    WITH page AS MATERIALIZED (
      SELECT n.*, t.entity_id, t.task_type_id, t.project_id, s.id AS subscription_id
        FROM notification n
        LEFT JOIN task t ON t.id = n.task_id
        LEFT JOIN subscription s ON s.task_id = n.task_id AND s.person_id = n.person_id
       WHERE n.person_id = :caller_id {conditions}
       ORDER BY n.created_at DESC, n.id DESC LIMIT 100
    )
"""
#: What the owner is on the production now: who left it is told no name of it, a vendor none of what is out of reach.
_PLACED = on(somebody_written("me"), written("p.id"))
_ITEMS = f"""
    , placed AS MATERIALIZED (
      SELECT n.*, CASE WHEN e.id IS NULL THEN '' ELSE {FULL_NAME} END AS full_entity_name,
             CASE WHEN et.name = 'Shot' THEN g.id WHEN et.name = 'Sequence' THEN u.id ELSE e.source_id END
               AS episode_id,
             e.preview_file_id AS entity_preview_file_id
        FROM page n LEFT JOIN entity e ON e.id = n.entity_id {JOINS}
    )
    SELECT json_build_object(
             'id', n.id, 'type', 'Notification', 'notification_type', n.type,
             'author_id', n.author_id, 'comment_id', n.comment_id, 'task_id', n.task_id, 'playlist_id', n.playlist_id,
             'task_type_id', n.task_type_id, 'task_status_id', c.task_status_id,
             'mentions', ARRAY(SELECT m.person FROM comment_mentions m WHERE m.comment = c.id),
             'department_mentions',
               ARRAY(SELECT m.department FROM comment_department_mentions m WHERE m.comment = c.id),
             'reply_mentions', coalesce(r.reply -> 'mentions', '[]'),
             'reply_department_mentions', coalesce(r.reply -> 'department_mentions', '[]'),
             'preview_file_id', (SELECT f.id FROM comment_preview_link l JOIN preview_file f ON f.id = l.preview_file
                                  WHERE l.comment = c.id ORDER BY f.position, f.created_at LIMIT 1),
             'project_id', p.id, 'project_name', CASE WHEN NOT v.away THEN p.name END,
             'comment_text', CASE WHEN c.id IS NOT NULL THEN CASE WHEN h.hidden THEN '' ELSE c.text END END,
             'reply_text', CASE WHEN h.hidden THEN '' ELSE coalesce(r.reply ->> 'text', '') END,
             'created_at', to_char(n.created_at, {_TIME}), 'read', n.read, 'change', n.change,
             'cursor', to_char(n.created_at, {_EXACT_TIME}) || ',' || n.id,
             'full_entity_name', CASE WHEN v.away OR v.beyond THEN '' ELSE n.full_entity_name END,
             'episode_id', coalesce(n.episode_id, y.episode_id),
             'entity_preview_file_id', n.entity_preview_file_id, 'subscription_id', n.subscription_id,
             'playlist_name', CASE WHEN v.away THEN '' ELSE coalesce(y.name, '') END,
             'playlist_for_entity', coalesce(y.for_entity, ''),
             'playlist_is_for_all', coalesce(y.is_for_all, false))::text
      FROM placed n
      JOIN person me ON me.id = n.person_id
      LEFT JOIN comment c ON c.id = n.comment_id
      LEFT JOIN playlist y ON y.id = n.playlist_id
      LEFT JOIN project p ON p.id = coalesce(n.project_id, y.project_id)
      LEFT JOIN LATERAL (SELECT each AS reply
                           FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) each
                          WHERE n.reply_id IS NOT NULL AND each ->> 'id' = n.reply_id::text LIMIT 1) r ON true
      {HIDDEN}
      CROSS JOIN LATERAL (
        SELECT p.id IS NOT NULL AND NOT {as_text(_PLACED.sees_production)} AS away,
               n.entity_id IS NOT NULL AND NOT {as_text(_PLACED.reaches(written("n.entity_id")))} AS beyond
      ) v
     ORDER BY n.created_at DESC, n.id DESC
"""  # noqa: S608 - a constant
_IDS = {"type": "array", "items": {"type": "string"}}
_TEXT, _MAYBE, _FLAG = {"type": "string"}, {"type": ["string", "null"]}, {"type": "boolean"}
_KEYS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("id", "type", "notification_type", "author_id", "created_at"), _TEXT),
    **dict.fromkeys(("comment_id", "task_id", "playlist_id", "task_type_id", "task_status_id"), _MAYBE),
    **dict.fromkeys(("mentions", "department_mentions", "reply_mentions", "reply_department_mentions"), _IDS),
    **dict.fromkeys(("preview_file_id", "project_id", "project_name", "comment_text"), _MAYBE),
    **dict.fromkeys(("episode_id", "entity_preview_file_id", "subscription_id"), _MAYBE),
    **dict.fromkeys(("reply_text", "full_entity_name", "playlist_name", "playlist_for_entity"), _TEXT),
    **dict.fromkeys(("read", "change", "playlist_is_for_all"), _FLAG),
    "cursor": {"type": "string", "description": "the exact time and the id, for `before` and `after`"},
}
#: A notification as its owner gets it.
ITEM = {"type": "object", "properties": _KEYS, "required": list(_KEYS)}

_FILTERS: dict[str, tuple[str, Any]] = {
    "notification_id": ("n.id = :notification_id", Uuid()),
    "after": ("n.created_at > :after", TIMESTAMP()),
    "before": ("n.created_at < :before", TIMESTAMP()),
    # Those of one moment, which have the given one's time, are told apart by their ids.
    "after_id": ("(n.created_at, n.id) > (:after, :after_id)", Uuid()),
    "before_id": ("(n.created_at, n.id) < (:before, :before_id)", Uuid()),
    "task_type_id": ("t.task_type_id = :task_type_id", Uuid()),
    "task_status_id": ("t.task_status_id = :task_status_id", Uuid()),
    "type": ("n.type = :type", String()),
    # Constants rather than parameters: the unread have an index of theirs, the watched are found by their tasks.
    "read": ("n.read IS TRUE", None),
    "unread": ("n.read IS FALSE", None),
    "watched": ("n.task_id IN (SELECT task_id FROM subscription WHERE person_id = :caller_id)", None),
    "unwatched": ("s.id IS NULL", None),
}


@lru_cache(256)
def items(filters: frozenset[str]) -> Executable:
    """The latest hundred notifications of the caller that pass these filters; most take a parameter of their name."""
    names = sorted(filters)
    # A cursor's condition holds its time too.
    told = [name for name in names if f"{name}_id" not in filters]
    conditions = "".join(f" AND {_FILTERS[name][0]}" for name in told)
    typed = [bindparam(name, type_=kind) for name in names if (kind := _FILTERS[name][1]) is not None]
    return text(_PAGE.format(conditions=conditions) + _ITEMS).bindparams(bindparam("caller_id", type_=Uuid), *typed)


#: Set by their owner only.
mark = text(
    "UPDATE notification SET read = :read, updated_at = :now WHERE id = :notification_id AND person_id = :caller_id"
).bindparams(
    bindparam("read", type_=Boolean),
    bindparam("now", type_=TIMESTAMP),
    bindparam("notification_id", type_=Uuid),
    bindparam("caller_id", type_=Uuid),
)

#: Those created since the request began stay unread.
mark_all = text(
    """
    UPDATE notification SET read = true, updated_at = :now
     WHERE person_id = :caller_id AND read IS FALSE AND created_at <= :now
    """
).bindparams(bindparam("now", type_=TIMESTAMP), bindparam("caller_id", type_=Uuid))

# Subscriptions

_TASK_ID = bindparam("task_id", type_=Uuid)
_CALLER_ID = bindparam("caller_id", type_=Uuid)

is_subscribed = text(
    "SELECT EXISTS (SELECT 1 FROM subscription WHERE task_id = :task_id AND person_id = :caller_id)"
).bindparams(_TASK_ID, _CALLER_ID)

#: The tasks asked for that exist, and whether the caller reaches each.
_HERE = on(somebody_written("me"), written("t.project_id"))
reachable = text(
    f"""
    SELECT t.id, {as_text(_HERE.sees_production & _HERE.reaches(written("t.entity_id")))} AS reached
      FROM task t JOIN person me ON me.id = :caller_id
     WHERE t.id = ANY(:ids) AND NOT {as_text(is_going(written("t.project_id")))}
    """  # noqa: S608 - rules of ours
).bindparams(_CALLER_ID, bindparam("ids", type_=ARRAY(Uuid)))

subscribe = text(
    """
    INSERT INTO subscription (id, created_at, updated_at, person_id, task_id)
    SELECT gen_random_uuid(), :now, :now, :caller_id, task_id FROM unnest(:ids) AS task_id ON CONFLICT DO NOTHING
    RETURNING id
    """
).bindparams(_CALLER_ID, bindparam("ids", type_=ARRAY(Uuid)), bindparam("now", type_=TIMESTAMP))

unsubscribe = text(
    "DELETE FROM subscription WHERE person_id = :caller_id AND task_id = ANY(:ids) RETURNING id"
).bindparams(_CALLER_ID, bindparam("ids", type_=ARRAY(Uuid)))

# Sequences: tasks of a type on all that lies below

_SEQUENCE = [bindparam(name, type_=Uuid) for name in ("caller_id", "entity_id", "task_type_id")]

is_watching_sequence = text(
    """
    SELECT EXISTS (SELECT 1 FROM subscription
                    WHERE person_id = :caller_id AND entity_id = :entity_id AND task_type_id = :task_type_id)
    """
).bindparams(*_SEQUENCE)

known_task_type = text("SELECT id FROM task_type WHERE id = :task_type_id").bindparams(
    bindparam("task_type_id", type_=Uuid)
)

watch_sequence = text(
    """
    INSERT INTO subscription (id, created_at, updated_at, person_id, entity_id, task_type_id)
    VALUES (gen_random_uuid(), :now, :now, :caller_id, :entity_id, :task_type_id) ON CONFLICT DO NOTHING
    """
).bindparams(*_SEQUENCE, bindparam("now", type_=TIMESTAMP))

unwatch_sequence = text(
    "DELETE FROM subscription WHERE person_id = :caller_id AND entity_id = :entity_id AND task_type_id = :task_type_id"
).bindparams(*_SEQUENCE)
