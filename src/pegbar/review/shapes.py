"""The JSON of playlists. Source: spec review, "Table playlist"; spec crud, "playlists"."""

from sqlalchemy import BigInteger, Text, func, literal_column, select

from pegbar.core.data.changes import Relation
from pegbar.core.data.wire import wire_of
from pegbar.review.tables import build_job, playlist, playlist_addition

#: Up to which addition its list of entries tells; sent back with a whole list, it keeps what others added since.
SHOTS_VERSION = "shots_version"
_LAST_ADDITION = func.coalesce(func.max(playlist_addition.c.number), literal_column("0", BigInteger))
_VERSION = select(_LAST_ADDITION).where(playlist_addition.c.playlist_id == playlist.c.id).correlate(playlist)
PLAYLIST = wire_of(playlist, "Playlist").but(**{SHOTS_VERSION: _VERSION.scalar_subquery()})
BUILD_JOBS = Relation("build_jobs", build_job.c.playlist_id, build_job.c.id, writable=False)
BUILD_JOB = wire_of(build_job, "BuildJob")

#: The preview of the first entry.
FIRST_PREVIEW = playlist.c.shots[0]["preview_file_id"].astext

#: A playlist in a list: without its entries.
LISTED = PLAYLIST.but(
    "shots",
    SHOTS_VERSION,
    for_entity=func.coalesce(playlist.c.for_entity, literal_column("'shot'", Text), type_=Text),
)
