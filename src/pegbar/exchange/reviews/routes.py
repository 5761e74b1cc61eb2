"""The review of a playlist as a document, for whoever reads the playlist. Source: issue "Review together"."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database
from pegbar.core.http.access import Caller, member_of, not_vendor, of_row
from pegbar.core.http.made import MadeFile
from pegbar.core.http.routing import get
from pegbar.core.timezones import zone_of
from pegbar.exchange.exports.sending import Sheet, send
from pegbar.exchange.parameters import truth
from pegbar.exchange.reviews import actions
from pegbar.exchange.reviews.queries import Audience, audience, sheet
from pegbar.review.actions import check_for_clients
from pegbar.review.tables import playlist

_TAG = "Playlists"
_READERS = (member_of(of_row("project", playlist.c.project_id, "playlist_id")) & not_vendor).further(
    "clients only playlists made for them"
)


class ForWhom(msgspec.Struct):
    """Whether a review leaves out what is not for clients."""

    for_client: str = ""  #: true or false; a word that is neither is refused, lest a client get what is internal


async def _audience(db: Database, caller: Caller, playlist_id: UUID, query: ForWhom) -> Audience:
    if caller.role_here == "client":
        await check_for_clients(db, playlist_id)
    return audience(caller, for_client=truth("for_client", query.for_client, default=False))


@get(
    "/data/playlists/{playlist_id:uuid}/review.pdf",
    access=_READERS,
    tag=_TAG,
    returns={"type": "string", "format": "binary"},
    errors=(400, 429),
)
async def review_on_paper(playlist_id: UUID, query: ForWhom, db: Database, caller: Caller) -> MadeFile:
    """A review as PDF: by entry its preview, its status, the notes that the caller may see, and the frames drawn on.

    With `for_client` only the notes that any client of the production may see. Dates are in the caller's time zone. At
    most 500 entries and 5,000 notes, else 400; of frames in full HD 120: how many are left out is on the first page.
    """
    return await actions.on_paper(db, caller, playlist_id, await _audience(db, caller, playlist_id, query))


@get("/data/playlists/{playlist_id:uuid}/review.csv", access=_READERS, tag=_TAG, errors=(400,))
async def review_as_sheet(playlist_id: UUID, query: ForWhom, db: Database, caller: Caller) -> Any:
    """A review as CSV: a row for each note that the caller may see, by entry, the oldest first."""
    params = {"playlist_id": playlist_id, "timezone": zone_of(caller.timezone)}
    return await send(db, caller, Sheet(sheet(await _audience(db, caller, playlist_id, query)), params), "csv")
