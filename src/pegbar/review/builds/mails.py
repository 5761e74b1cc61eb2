"""The mail to whoever asked for a movie. Source: spec operations, "Outgoing mails"."""

from uuid import UUID

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.messages import mail
from pegbar.core.messages.languages import language_of, texts_of
from pegbar.core.work.jobs import job
from pegbar.review.builds import queries

TELL = job("review.tell_build", outward=True)


@TELL.task
async def tell_build(db: Database, *, build_job_id: str) -> None:
    """Mail whoever asked for a movie where it is, in their language."""
    row = await db.row(queries.build_to_tell, build_job_id=UUID(build_job_id))
    if row is None:
        return
    language = language_of(row["locale"])
    texts = texts_of("pegbar.review.builds", language)
    plain = {"playlist": row["playlist_name"], "project": row["project_name"]}
    safe = {name: mail.escaped(value) for name, value in plain.items()}
    url = f"{settings().public_url}/api/data/playlists/{row['playlist_id']}/jobs/{row['id']}/build/mp4"
    organisation = await db.value(mail.ORGANISATION_NAME) or "Kitsu"
    title = texts["title"].format_map(plain)
    message = f"<p>{texts['message'].format_map(safe)}</p>\n<p>{mail.link(url, texts['link'])}</p>"
    subject = f"{organisation} - {title}"
    await mail.send(db, mail.Mail(to=row["email"], subject=subject, title=title, message=message, language=language))
