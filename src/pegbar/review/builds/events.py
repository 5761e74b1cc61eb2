"""Events of builds; that one is deleted is told by ../events.py. Source: spec events, "Playlists"."""

from pegbar.core.live.events import event

BUILD_JOB_NEW = event("build-job:new", "build_job_id", "playlist_id", "created_at")
BUILD_JOB_UPDATE = event("build-job:update", "build_job_id", "playlist_id", "status", "message")
BUILD_JOB_PROGRESS = event(
    "build-job:progress",
    "build_job_id",
    "playlist_id",
    "progress",
    logged=False,
    text="Percent of a movie under way, at most twice a second.",
)
