"""Events of playlists and their builds. Source: spec review; spec events."""

from pegbar.core.live.events import event

PLAYLIST_ADD_ENTITY = event("playlist:add_entity", "playlist_id", "entity_id", "preview_file_id")
PLAYLIST_DELETE = event("playlist:delete", "playlist_id")
BUILD_JOB_DELETE = event("build-job:delete", "build_job_id", "playlist_id")
