"""The JSON of playlists. Source: spec review, "Table playlist"; spec crud, "playlists"."""

from sqlalchemy import Text, func, literal_column

from pegbar.core.data.resource import Relation
from pegbar.core.data.wire import wire_of
from pegbar.review.tables import build_job, playlist

PLAYLIST = wire_of(playlist, "Playlist")
BUILD_JOBS = Relation("build_jobs", build_job.c.playlist_id, build_job.c.id, writable=False)
BUILD_JOB = wire_of(build_job, "BuildJob")

#: The preview of the first entry.
FIRST_PREVIEW = playlist.c.shots[0]["preview_file_id"].astext

#: A playlist in a list: without its entries.
LISTED = PLAYLIST.but(
    "shots", for_entity=func.coalesce(playlist.c.for_entity, literal_column("'shot'", Text), type_=Text)
)
