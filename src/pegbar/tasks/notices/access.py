"""Whom what is said on a task may be told to. Source: spec tasks, "comment access"; spec user, "Worth fixing" 3.

Two fragments of statements hold the same rule: who may be told when it is said, and from whom it is hidden when a
notification is read or sent, by the role each has on the production then.
"""

#: Whether a person `r` wants messages besides the inbox.
WANTS_MESSAGES = """
    (r.active IS NOT FALSE AND (r.notifications_enabled IS TRUE OR r.notifications_slack_enabled IS TRUE
      OR r.notifications_mattermost_enabled IS TRUE OR r.notifications_discord_enabled IS TRUE))
"""

#: Of the persons `concerned`, those who may see what is said, and whether they want messages: administrators and the
#: team; clients what is for them, artists nothing of clients, vendors what is about an entity they have a task on.
#: Parameters: `project_id`, `task_id`, `for_client`, `by_client` (said by, or in a thread of, a client), `starter_id`
#: (the author of the comment).
ALLOWED = f"""
    allowed AS (
      SELECT r.id AS person_id, {WANTS_MESSAGES} AS wants_messages
        FROM person r LEFT JOIN project_person_link l ON l.person_id = r.id AND l.project_id = :project_id
       WHERE r.id IN (SELECT person_id FROM concerned)
         AND CASE WHEN r.role = 'admin' THEN true
                  WHEN l.person_id IS NULL THEN false
                  WHEN coalesce(nullif(l.role, 'admin'), r.role) = 'client' THEN
                    :for_client OR r.id = :starter_id
                    OR (:by_client AND (SELECT is_clients_isolated IS NOT TRUE FROM project WHERE id = :project_id))
                  WHEN coalesce(nullif(l.role, 'admin'), r.role) = 'user' THEN NOT :by_client
                  WHEN coalesce(nullif(l.role, 'admin'), r.role) = 'vendor' THEN NOT :by_client AND EXISTS (
                    SELECT 1 FROM task subject JOIN task other ON other.entity_id = subject.entity_id
                      JOIN task_person_link mine ON mine.task_id = other.id
                     WHERE subject.id = :task_id AND mine.person_id = r.id)
                  ELSE true END
    )
"""  # noqa: S608 - a constant

#: `h.hidden`: whether the comment of a notification is kept from its recipient. Goes after the tables of a statement
#: that names `n` the notification, `me` its recipient, `c` the comment and `p` the production. Subqueries rather than
#: joins: few notifications need them, and planning many joins takes longer than reading a page.
HIDDEN = """
    LEFT JOIN project_person_link l ON l.project_id = p.id AND l.person_id = me.id
    CROSS JOIN LATERAL (SELECT coalesce(nullif(l.role, 'admin'), me.role) AS role) x
    CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT 1 FROM person w LEFT JOIN project_person_link wl ON wl.project_id = p.id AND wl.person_id = w.id
         WHERE w.id = c.person_id AND w.role <> 'admin' AND coalesce(nullif(wl.role, 'admin'), w.role) = 'client')
        AS by_client
    ) said
    CROSS JOIN LATERAL (
      SELECT coalesce(
               CASE WHEN c.id IS NULL OR me.role = 'admin' THEN false
                    WHEN l.person_id IS NULL THEN true
                    WHEN x.role = 'client' THEN NOT (c.for_client IS TRUE OR c.person_id = me.id
                                                     OR (said.by_client AND p.is_clients_isolated IS NOT TRUE))
                    WHEN x.role = 'user' THEN said.by_client
                    WHEN x.role = 'vendor' THEN said.by_client OR NOT EXISTS (
                      SELECT 1 FROM task subject JOIN task other ON other.entity_id = subject.entity_id
                        JOIN task_person_link mine ON mine.task_id = other.id
                       WHERE subject.id = n.task_id AND mine.person_id = me.id)
                    ELSE false END, false) AS hidden
    ) h
"""
