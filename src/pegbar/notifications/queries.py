"""Reads of notifications: the inbox, what is told outside it, and what a production has of them.

What is hidden from the recipient's role on the production stays hidden here: in the inbox the row is there, its text is
empty; outside nothing is told. A page of the inbox ends at a notification, not at a second: an item's `cursor` is its
exact time and id, and `before` and `after` take it as they take a date.
Source: spec user, "Notification item", "Worth fixing" 3; spec tasks, "Notifications", "comment access".
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, String, any_, bindparam, func, select, text

from pegbar.accounts.standing import Said, as_text, is_going, on, sees_comment, somebody_written, written
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.parameters import CALLER_ID, param, sql
from pegbar.core.data.schema import TIMESTAMP, Uuid
from pegbar.core.data.wire import json_object
from pegbar.core.messages.channels import CHANNELS
from pegbar.entities.kinds import SEQUENCE, type_id
from pegbar.entities.naming import FULL_NAME, JOINS
from pegbar.entities.tables import entity
from pegbar.notifications.resources import NOTIFICATION, SUBSCRIPTION
from pegbar.notifications.tables import notification, subscription
from pegbar.tasks.tables import task

_subject_entity = written("(SELECT subject.entity_id FROM task subject WHERE subject.id = n.task_id)")
_reader = on(somebody_written("me"), written("p.id"))
_comment = Said(written("c.person_id"), written("p.id"), written("c.for_client"))

#: `h.hidden`: whether the comment of a notification is kept from its recipient. Goes after the tables of a statement
#: that names `n` the notification, `me` its recipient, `c` the comment and `p` the production. Subqueries rather than
#: joins: few notifications need them, and planning many joins takes longer than reading a page.
_HIDDEN = f"""
    CROSS JOIN LATERAL (
      SELECT c.id IS NOT NULL AND NOT {as_text(sees_comment(_reader, _comment, _subject_entity))} AS hidden
    ) h
"""

# The inbox

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
      LEFT JOIN LATERAL (SELECT said AS reply
                           FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) said
                          WHERE n.reply_id IS NOT NULL AND said ->> 'id' = n.reply_id::text LIMIT 1) r ON true
      {_HIDDEN}
      CROSS JOIN LATERAL (
        SELECT p.id IS NOT NULL AND NOT {as_text(_PLACED.sees_production)} AS away,
               n.entity_id IS NOT NULL AND NOT {as_text(_PLACED.reaches(written("n.entity_id")))} AS beyond
      ) v
     ORDER BY n.created_at DESC, n.id DESC
"""  # noqa: S608 - a constant
_ID_LIST = {"type": "array", "items": {"type": "string"}}
_TEXT, _MAYBE, _FLAG = {"type": "string"}, {"type": ["string", "null"]}, {"type": "boolean"}
_KEYS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("id", "type", "notification_type", "author_id", "created_at"), _TEXT),
    **dict.fromkeys(("comment_id", "task_id", "playlist_id", "task_type_id", "task_status_id"), _MAYBE),
    **dict.fromkeys(("mentions", "department_mentions", "reply_mentions", "reply_department_mentions"), _ID_LIST),
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
    # Those of one moment, which have the cursor's time, are told apart by their ids.
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
    own = [name for name in names if f"{name}_id" not in filters]
    conditions = "".join(f" AND {_FILTERS[name][0]}" for name in own)
    typed = [bindparam(name, type_=kind) for name in names if (kind := _FILTERS[name][1]) is not None]
    page = text(_PAGE.format(conditions=conditions) + _ITEMS).bindparams(param("caller_id"), *typed)
    return planned_once(page)


# What is told outside

#: Whether the recipient wants messages by each channel, and where: `by_<channel>`, `<channel>`.
_PREFERENCES = ", ".join(
    f"coalesce(me.{channel.wanted}, false) AS by_{name}, coalesce(me.{channel.address}, '') AS {name}"
    for name, channel in CHANNELS.items()
)
#: The notifications that are still to be told: their text is for the recipient, who is there and works here. In two
#: steps, each with few tables to plan.
notices = sql(
    f"""
    WITH placed AS MATERIALIZED (
      SELECT n.*, t.project_id, coalesce(tt.name, '') AS task_type_name,
             coalesce(ts.short_name, '') AS task_status_short_name, ts.name AS task_status_name,
             coalesce(et.name, '') AS entity_kind,
             CASE WHEN e.id IS NULL THEN '' ELSE {FULL_NAME} END AS entity_name,
             CASE et.name WHEN 'Shot' THEN g.id WHEN 'Sequence' THEN u.id WHEN 'Episode' THEN e.id ELSE e.source_id END
               AS entity_episode_id
        FROM notification n
        LEFT JOIN task t ON t.id = n.task_id
        LEFT JOIN task_type tt ON tt.id = t.task_type_id
        LEFT JOIN task_status ts ON ts.id = t.task_status_id
        LEFT JOIN entity e ON e.id = t.entity_id
        {JOINS}
       WHERE n.id = ANY(:ids)
    )
    SELECT n.id, n.type AS kind, me.locale AS recipient_locale,
           {_PREFERENCES},
           concat_ws(' ', nullif(a.first_name, ''), nullif(a.last_name, '')) AS author_name,
           a.first_name AS author_first_name,
           p.id AS project_id, coalesce(p.name, '') AS project_name,
           p.production_type IS NOT DISTINCT FROM 'tvshow' AS is_tv_show,
           coalesce(y.episode_id, n.entity_episode_id) AS episode_id,
           n.task_id, n.entity_kind, n.entity_name, n.task_type_name, n.task_status_short_name,
           coalesce(cs.name, n.task_status_name, '') AS status_name, coalesce(c.text, '') AS comment_text,
           coalesce((SELECT said ->> 'text'
                       FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) said
                      WHERE said ->> 'id' = n.reply_id::text LIMIT 1), '') AS reply_text,
           n.playlist_id, coalesce(y.name, '') AS playlist_name, coalesce(y.for_entity, '') AS playlist_for_entity,
           coalesce(y.is_for_all, false) AS playlist_is_for_all,
           CASE jsonb_typeof(y.shots) WHEN 'array' THEN jsonb_array_length(y.shots) ELSE 0 END AS entries
      FROM placed n
      JOIN person me ON me.id = n.person_id
      JOIN person a ON a.id = n.author_id
      LEFT JOIN comment c ON c.id = n.comment_id
      LEFT JOIN task_status cs ON cs.id = c.task_status_id
      LEFT JOIN playlist y ON y.id = n.playlist_id
      LEFT JOIN project p ON p.id = coalesce(n.project_id, y.project_id)
      {_HIDDEN}
     WHERE me.active IS NOT FALSE AND NOT h.hidden
     ORDER BY array_position(:ids, n.id)
    """  # noqa: S608 - a constant
)


_CREDENTIALS = ", ".join(
    f"coalesce({channel.credential}, '') AS {name}" for name, channel in CHANNELS.items() if channel.credential
)
#: Where messages are sent with: read when they are sent, never kept in a job.
credentials = text(f"SELECT name, {_CREDENTIALS} FROM organisation ORDER BY created_at LIMIT 1")  # noqa: S608 - ours

# Of a production

_PROJECT_ID = param("project_id")
_OF_PROJECT = select(task.c.id).where(task.c.project_id == _PROJECT_ID)
_IN_PROJECT = notification.c.task_id.in_(_OF_PROJECT)

#: How many notifications there are about the tasks of a production.
number_in_project = select(func.count()).select_from(notification).where(_IN_PROJECT)


@lru_cache
def of_project(*, paged: bool) -> Executable:
    """The notifications about the tasks of a production, latest change first."""
    rows = (
        select(json_object(NOTIFICATION))
        .where(_IN_PROJECT)
        .order_by(notification.c.updated_at.desc(), notification.c.id)
    )
    if not paged:
        return rows
    return rows.limit(param("limit")).offset(param("offset"))


#: Who watches which task of a production.
subscriptions_of_project = (
    select(json_object(SUBSCRIPTION))
    .where(subscription.c.task_id.in_(_OF_PROJECT))
    .order_by(subscription.c.created_at, subscription.c.id)
)


#: One notification, as its table has it.
row = select(json_object(NOTIFICATION)).where(notification.c.id == param("notification_id"))

# Subscriptions

_IDS = param("ids")
_SEQUENCE = [bindparam(name, type_=Uuid) for name in ("caller_id", "entity_id", "task_type_id")]

#: Whether the caller watches a task.
is_subscribed = sql("SELECT EXISTS (SELECT 1 FROM subscription WHERE task_id = :task_id AND person_id = :caller_id)")

#: The tasks asked for that exist, and whether the caller reaches each.
_HERE = on(somebody_written("me"), written("t.project_id"))
reachable = sql(
    f"""
    SELECT t.id, {as_text(_HERE.sees_production & _HERE.reaches(written("t.entity_id")))} AS reached
      FROM task t JOIN person me ON me.id = :caller_id
     WHERE t.id = ANY(:ids) AND NOT {as_text(is_going(written("t.project_id")))}
    """  # noqa: S608 - rules of ours
)

#: The caller's subscriptions to tasks, in the order of these.
subscriptions = (
    select(json_object(SUBSCRIPTION))
    .where(subscription.c.task_id == any_(_IDS), subscription.c.person_id == CALLER_ID)
    .order_by(func.array_position(_IDS, subscription.c.task_id))
)

#: Whether the caller watches the tasks of a type on all that lies below a sequence.
is_watching_sequence = text(
    """
    SELECT EXISTS (SELECT 1 FROM subscription
                    WHERE person_id = :caller_id AND entity_id = :entity_id AND task_type_id = :task_type_id)
    """
).bindparams(*_SEQUENCE)

#: That subscription.
of_sequence = select(json_object(SUBSCRIPTION)).where(
    subscription.c.person_id == CALLER_ID,
    subscription.c.entity_id == param("entity_id"),
    subscription.c.task_type_id == param("task_type_id"),
)

known_task_type = sql("SELECT id FROM task_type WHERE id = :task_type_id")

#: A sequence, as a place that rules are about.
sequence = select(entity.c.id.label("place_id")).where(
    entity.c.id == param("key"), entity.c.entity_type_id == type_id(SEQUENCE)
)
