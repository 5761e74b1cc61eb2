"""Reads about the instance. Source: spec accounts, the operations from `GET /` on."""

from sqlalchemy import func, select, text
from sqlalchemy.sql import Select

from pegbar.accounts.people.queries import seats_taken
from pegbar.media.tables import preview_file
from pegbar.studio.tables import organisation
from pegbar.tasks.tables import comment

dark_theme: Select[tuple[bool]] = (
    select(func.coalesce(organisation.c.dark_theme_by_default, False)).order_by(organisation.c.created_at).limit(1)
)
active_users = seats_taken

#: Whether somebody takes jobs, and somebody delivers events.
health = text(
    """
    SELECT EXISTS (SELECT 1 FROM pegbar.procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds')
             AS jobs,
           EXISTS (SELECT 1 FROM pg_stat_activity
                    WHERE application_name = 'pegbar events' AND datname = current_database()) AS events
    """
)
schema_revision = text("SELECT version_num FROM pegbar.alembic_version")
running_jobs = text("SELECT count(*) FROM pegbar.procrastinate_jobs WHERE status = 'doing'")

_WITH = {
    "number_of_video_previews": "mp4",
    "number_of_picture_previews": "png",
    "number_of_model_previews": "obj",
}
_OF = {key: func.count().filter(preview_file.c.extension == extension).label(key) for key, extension in _WITH.items()}
#: How many previews of each kind, and how many comments.
counts = select(
    *_OF.values(), select(func.count()).select_from(comment).scalar_subquery().label("number_of_comments")
).select_from(preview_file)
