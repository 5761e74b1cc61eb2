"""What is told of notifications by mail and chat. Source: spec tasks, "Notifications"."""

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.schema import Uuid
from pegbar.entities.naming import FULL_NAME, JOINS
from pegbar.tasks.notices.access import HIDDEN

#: The notifications that are still to be told: their text is for the recipient, who is there and works here. In two
#: steps, each with few tables to plan.
notices = text(
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
           coalesce(y.episode_id, n.entity_episode_id) AS episode_id,
           n.task_id, n.entity_kind, n.entity_name, n.task_type_name, n.task_status_short_name,
           coalesce(cs.name, n.task_status_name, '') AS status_name, coalesce(c.text, '') AS comment_text,
           coalesce((SELECT each ->> 'text'
                       FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) each
                      WHERE each ->> 'id' = n.reply_id::text LIMIT 1), '') AS reply_text,
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
      {HIDDEN}
     WHERE me.active IS NOT FALSE AND NOT h.hidden
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
