"""Share links of a playlist. Source: spec review, operations under `/data/playlists/{playlist_id}/share`."""

from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, manager_of, of_row
from pegbar.core.http.routing import delete, get, post, put
from pegbar.review.sharing import actions
from pegbar.review.sharing.actions import Invitation, LinkChange, NewLink
from pegbar.review.sharing.shapes import LINK
from pegbar.review.tables import playlist

_SHARES = manager_of(of_row("project", playlist.c.project_id, "playlist_id"))
_LINKS = "/data/playlists/{playlist_id:uuid}/share"
_ONE = _LINKS + "/{token:str}"
_SENT = {"type": "object", "properties": {"sent": {"type": "array", "items": {"type": "string"}}}}


@get(_LINKS, access=_SHARES, returns=[LINK])
async def links_of_playlist(playlist_id: UUID, db: Database) -> Json:
    """The share links of a playlist that were not revoked, in the order they were made."""
    return await actions.links(db, playlist_id)


@post(_LINKS, access=_SHARES, returns=LINK, errors=(400,), alone="")
async def share_playlist(playlist_id: UUID, body: NewLink, db: Database, caller: Caller) -> Json:
    """Make a share link; its `token` is what the page's address ends in."""
    values = await actions.prepared(body)
    return await db.write(caller.id, lambda tx: actions.share(tx, caller, playlist_id, values))


@put(_ONE, access=_SHARES, returns=LINK, errors=(400,), alone="")
async def change_link(playlist_id: UUID, token: str, body: LinkChange, db: Database, caller: Caller) -> Json:
    """Change the rights, date, password or label of a share link, at once for all who have it."""
    values = await actions.prepared(body)
    return await db.write(caller.id, lambda tx: actions.change(tx, playlist_id, token, values))


@delete(_ONE, access=_SHARES, status=200, returns=LINK)
async def revoke_link(playlist_id: UUID, token: str, tx: Transaction) -> Json:
    """Revoke a share link: whoever has it is out with their next request."""
    return await actions.revoke(tx, playlist_id, token)


@post(f"{_ONE}/invite", access=_SHARES, status=200, returns=_SENT, errors=(400,))
async def invite_to_link(
    playlist_id: UUID, token: str, body: Invitation, tx: Transaction, caller: Caller
) -> dict[str, Any]:
    """Mail a share link to addresses and persons; the addresses that it goes to."""
    return {"sent": await actions.invite(tx, caller, playlist_id, token, body)}
