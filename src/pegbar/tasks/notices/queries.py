"""What is told of notifications by mail and chat. Source: spec tasks, "Notifications"."""

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.schema import Uuid
from pegbar.entities.naming import FULL_NAME, JOINS
from pegbar.tasks.notices.access import HIDDEN

#: The notifications that are still to be told: their text is for the recipient, who is there and works here.
notices = text(
    f"""
    SELECT n.id, n.type AS kind, me.email, me.locale AS recipient_locale,
           coalesce(me.notifications_enabled, false) AS by_mail,
           coalesce(me.notifications_slack_enabled, false) AS by_slack,
           coalesce(me.notifications_mattermost_enabled, false) AS by_mattermost,
           coalesce(me.notifications_discord_enabled, false) AS by_discord,
           coalesce(me.notifications_slack_userid, '') AS slack,
           coalesce(me.notifications_mattermost_userid, '') AS mattermost,
           coalesce(me.notifications_discord_userid, '') AS discord,
           concat_ws(' ', nullif(a.first_name, ''), nullif(a.last_name, '')) AS author_name,
           a.first_name AS author_first_name,
           p.id AS project_id, coalesce(p.name, '') AS project_name,
           p.production_type IS NOT DISTINCT FROM 'tvshow' AS is_tv_show,
           CASE WHEN y.id IS NOT NULL THEN y.episode_id WHEN et.name = 'Shot' THEN g.id
                WHEN et.name = 'Sequence' THEN u.id WHEN et.name = 'Episode' THEN e.id ELSE e.source_id END
             AS episode_id,
           n.task_id, coalesce(et.name, '') AS entity_kind,
           CASE WHEN e.id IS NULL THEN '' ELSE {FULL_NAME} END AS entity_name,
           coalesce(tt.name, '') AS task_type_name, coalesce(ts.short_name, '') AS task_status_short_name,
           coalesce(cs.name, ts.name, '') AS status_name, coalesce(c.text, '') AS comment_text,
           coalesce((SELECT each ->> 'text'
                       FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) each
                      WHERE each ->> 'id' = n.reply_id::text LIMIT 1), '') AS reply_text,
           n.playlist_id, coalesce(y.name, '') AS playlist_name, coalesce(y.for_entity, '') AS playlist_for_entity,
           coalesce(y.is_for_all, false) AS playlist_is_for_all,
           CASE jsonb_typeof(y.shots) WHEN 'array' THEN jsonb_array_length(y.shots) ELSE 0 END AS entries
      FROM notification n
      JOIN person me ON me.id = n.person_id
      JOIN person a ON a.id = n.author_id
      LEFT JOIN comment c ON c.id = n.comment_id
      LEFT JOIN task t ON t.id = n.task_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
      LEFT JOIN task_status ts ON ts.id = t.task_status_id
      LEFT JOIN task_status cs ON cs.id = c.task_status_id
      LEFT JOIN playlist y ON y.id = n.playlist_id
      LEFT JOIN project p ON p.id = coalesce(t.project_id, y.project_id)
      LEFT JOIN entity e ON e.id = t.entity_id
      {JOINS}
      {HIDDEN}
     WHERE n.id = ANY(:ids) AND me.active IS NOT FALSE AND NOT h.hidden
     ORDER BY array_position(:ids, n.id)
    """  # noqa: S608 - a constant
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

#: Where messages are sent with: read when they are sent, never kept in a job.
credentials = text(
    """
    SELECT name, coalesce(chat_token_slack, '') AS slack, coalesce(chat_webhook_mattermost, '') AS mattermost,
           coalesce(chat_token_discord, '') AS discord
      FROM organisation ORDER BY created_at LIMIT 1
    """
)
