"""Reads about the share links of a playlist, for those who share it. Source: spec review, "…/share"."""

from sqlalchemy import Select, Text, select, true

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import json_object
from pegbar.review.sharing.rule import NAMES_LINK
from pegbar.review.sharing.shapes import LINK
from pegbar.review.sharing.tables import share_link
from pegbar.review.tables import playlist_share_link

_of_own = share_link.c.playlist_share_link_id == playlist_share_link.c.id
_PLAYLIST_ID = param("playlist_id")


def _told() -> Select[tuple[object, ...]]:
    """A link without its token, and what its token is made of (actions.told)."""
    return select(
        json_object(LINK).label("row"), playlist_share_link.c.id, playlist_share_link.c.token, share_link.c.sealed_token
    ).select_from(playlist_share_link.outerjoin(share_link, _of_own))


#: The active links of a playlist, those that are past their date too, in the order they were made.
links_of_playlist = (
    _told()
    .where(playlist_share_link.c.playlist_id == _PLAYLIST_ID, playlist_share_link.c.is_active == true())
    .order_by(playlist_share_link.c.created_at, playlist_share_link.c.id)
)
link_by_id = _told().where(playlist_share_link.c.id == param("link_id"))

#: A link of a playlist by its token, locked. Its stored hash names it too, for links whose token is lost: that opens
#: nothing, and whoever may share the playlist may revoke them.
named_link = sql(
    f"""
    SELECT l.id, l.is_active, l.expiration_date < timezone('utc', now()) AS is_over
      FROM playlist_share_link l
      LEFT JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id
     WHERE l.playlist_id = :playlist_id AND ({NAMES_LINK} OR l.token = :token AND s.sealed_token IS NOT NULL)
       FOR UPDATE OF l
    """,  # noqa: S608 - constants
    token=Text,
    token_hash=Text,
)

#: Persons whom an invitation goes to: named, or known by an address. Guests and bots have none that is theirs.
invited = sql(
    """
    SELECT email, locale FROM person
     WHERE (id = ANY(:person_ids) OR lower(email) = ANY(:emails ::text[]))
       AND email <> '' AND NOT is_guest AND NOT is_bot
     ORDER BY created_at, id
    """
)

#: What an invitation tells of a link that is still good.
invitation = sql(
    """
    SELECT l.id, l.token, s.sealed_token, l.expiration_date, coalesce(l.password, '') <> '' AS has_password,
           p.name AS playlist_name, j.name AS project_name,
           (SELECT concat_ws(' ', nullif(i.first_name, ''), nullif(i.last_name, '')) FROM person i
             WHERE i.id = :inviter_id) AS inviter,
           (SELECT name FROM organisation ORDER BY created_at LIMIT 1) AS organisation
      FROM playlist_share_link l
      JOIN playlist p ON p.id = l.playlist_id
      JOIN project j ON j.id = p.project_id
      LEFT JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id
     WHERE l.id = :link_id AND l.is_active
       AND (l.expiration_date IS NULL OR l.expiration_date >= timezone('utc', now()))
    """
)
