"""Events of imported rows that no other domain tells of. Source: spec exchange, "Kitsu-to-Kitsu import"."""

from pegbar.core.live.events import event

BUILD_JOB_NEW = event("build-job:new", "build_job_id")
BUILD_JOB_UPDATE = event("build-job:update", "build_job_id")
