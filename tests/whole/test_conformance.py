"""The recorded conversations of the Kitsu API, replayed against this server.

They live beside the repository (../shared/conformance); see tests/shared.py for what happens without them.
"""

import json
import subprocess
import sys

import pytest

from tests.server import Server
from tests.shared import path

PASSING = [
    "accounts_departments",
    "accounts_people",
    "accounts_session",
    "accounts_timesheets",
    "crud_file_tables",
    "crud_listing",
    "crud_production_tables",
    "crud_studio_tables",
    "entities_asset_library",
    "entities_boards",
    "entities_casting",
    "entities_concepts",
    "entities_instances",
    "entities_shared_assets",
    "exchange_csv_assets",
    "exchange_csv_breakdown",
    "exchange_csv_shots",
    "exchange_edl",
    "exchange_shotgun",
    "exchange_sync",
    "media_batch_publish",
    "media_faces",
    "media_file_tree",
    "media_movie_review",
    "media_picture_review",
    "media_working_files",
    "projects_budget",
    "projects_descriptors",
    "projects_schedule",
    "projects_setup",
    "projects_team",
    "projects_templates",
    "review_events",
    "review_playlists",
    "review_sharing",
    "shots_frames",
    "shots_quotas",
    "shots_stats",
    "shots_tvshow",
    "tasks_automations",
    "tasks_bulk",
    "tasks_files",
    "tasks_inbox",
    "tasks_life",
    "tasks_roles",
    "tasks_thread",
    "tasks_time",
    "user_artist",
    "user_filters",
    "user_inbox",
    "user_review",
]


@pytest.fixture(scope="module")
def replay(server: Server) -> str:
    """What replaying all of them prints."""
    command = [sys.executable, path("conformance/conformance.py"), "check", server.api, "--only", *PASSING, "--verbose"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def differences(replay: str, name: str) -> str:
    """What was printed of a conversation; all of it when that is nothing."""
    return "\n".join(line for line in replay.splitlines() if f"{name} " in line or f"{name}:" in line) or replay


@pytest.mark.timeout(600)  # all of them, in the first test
@pytest.mark.parametrize("name", PASSING)
def test_a_recorded_conversation_goes_as_recorded(replay: str, name: str) -> None:
    steps = len(json.loads(path(f"conformance/scenarios/{name}.json").read_text()))
    assert f"{name}: {steps} of {steps} steps as recorded" in replay, differences(replay, name)


def test_every_recorded_conversation_is_replayed() -> None:
    assert sorted(PASSING) == sorted(file.stem for file in path("conformance/scenarios").glob("*.json"))
