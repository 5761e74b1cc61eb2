"""Mails that bring somebody a share link. The job unseals its token: no secret lies in the queue.

Source: spec review, "POST /data/playlists/{playlist_id}/share/{token}/invite".
"""

from uuid import UUID

import asyncpg
from babel.dates import format_datetime

from pegbar.core.data.database import Database
from pegbar.core.messages import mail
from pegbar.core.messages.languages import language_of, texts_of
from pegbar.core.work.jobs import job
from pegbar.review.sharing import keys, queries
from pegbar.review.sharing.addresses import entrance_url, public_url

INVITE = job("review.mail_share_link", priority=5, outward=True)


@INVITE.task
async def mail_share_link(
    db: Database, *, link_id: str, to: str, locale: str | None, inviter_id: str, message: str
) -> None:
    """Mail a link to one address, unless it was revoked meanwhile."""
    row = await db.row(queries.invitation, link_id=UUID(link_id), inviter_id=UUID(inviter_id))
    if row is None:
        return
    token = row["token"] if row["sealed_token"] is None else keys.unseal(row["sealed_token"], row["id"])
    if token is not None:
        url = entrance_url(token) if row["has_password"] else public_url(token)
        await mail.send(db, composed(row, to, language_of(locale), message, url))


def composed(row: asyncpg.Record, to: str, language: str, message: str, url: str) -> mail.Mail:
    """The invitation in a language. Whatever people wrote is escaped."""
    texts = texts_of("pegbar.review.sharing", language)
    plain = {name: row[name] or "" for name in ("inviter", "playlist_name", "project_name", "organisation")}
    plain["inviter"] = plain["inviter"] or plain["organisation"]
    safe = {name: mail.escaped(value) for name, value in plain.items()}
    parts = [texts["message"].format_map(safe)]
    if message.strip():
        parts.append("<em>" + "<br>".join(mail.escaped(line) for line in message.strip().splitlines()) + "</em>")
    parts.append(mail.link(url, texts["link"]))
    if row["has_password"]:
        parts.append(texts["password"])
    if row["expiration_date"] is not None:
        until = format_datetime(row["expiration_date"], "medium", locale=language)
        parts.append(texts["until"].format(moment=mail.escaped(until)))
    title = texts["title"].format_map(plain)
    body = "\n".join(f"<p>{part}</p>" for part in parts)
    return mail.Mail(to=to, subject=title, title=title, message=body, language=language)
