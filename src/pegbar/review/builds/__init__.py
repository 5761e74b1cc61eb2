"""Movies and archives of playlists: built, downloaded, expired. Source: spec review, "Build jobs"."""
