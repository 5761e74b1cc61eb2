"""Whom what is said on a task may be told to. Source: spec tasks, "comment access"; spec user, "Worth fixing" 3.

The rule of `standing.sees_comment` in two fragments of statements: who may be told when it is said, and from whom it
is hidden when a notification is read or sent, by the role each has on the production then.
"""

from pegbar.accounts.standing import Said, as_text, members, on, sees_comment, somebody_written, written

#: Whether a person `r` wants messages besides the inbox.
WANTS_MESSAGES = """
    (r.active IS NOT FALSE AND (r.notifications_enabled IS TRUE OR r.notifications_slack_enabled IS TRUE
      OR r.notifications_mattermost_enabled IS TRUE OR r.notifications_discord_enabled IS TRUE))
"""

#: The persons of the team of the production `project_id`.
TEAM = as_text(members(written(":project_id")))

_task_entity = written("(SELECT subject.entity_id FROM task subject WHERE subject.id = :task_id)")
_recipient = on(somebody_written("r"), written(":project_id"))
_about = Said(written(":starter_id"), written(":project_id"), written(":for_client"))

#: Of the persons `concerned`, those who may see what is said, and whether they want messages.
#: Parameters: `project_id`, `task_id`, `for_client`, `by_client` (said by, or in a thread of, a client), `starter_id`
#: (the author of the comment).
ALLOWED = f"""
    allowed AS (
      SELECT r.id AS person_id, {WANTS_MESSAGES} AS wants_messages
        FROM person r
       WHERE r.id IN (SELECT person_id FROM concerned)
         AND {as_text(sees_comment(_recipient, _about, _task_entity, by_client=written(":by_client")))}
    )
"""  # noqa: S608 - rules of ours

_subject_entity = written("(SELECT subject.entity_id FROM task subject WHERE subject.id = n.task_id)")
_reader = on(somebody_written("me"), written("p.id"))
_comment = Said(written("c.person_id"), written("p.id"), written("c.for_client"))

#: `h.hidden`: whether the comment of a notification is kept from its recipient. Goes after the tables of a statement
#: that names `n` the notification, `me` its recipient, `c` the comment and `p` the production. Subqueries rather than
#: joins: few notifications need them, and planning many joins takes longer than reading a page.
HIDDEN = f"""
    CROSS JOIN LATERAL (
      SELECT c.id IS NOT NULL AND NOT {as_text(sees_comment(_reader, _comment, _subject_entity))} AS hidden
    ) h
"""
