"""The recorded conversations of the Kitsu API, replayed against this server.

They live beside the repository (../shared/conformance); without them these tests are skipped.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import Server

CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance"
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
    "media_batch_publish",
    "projects_budget",
    "projects_descriptors",
    "projects_schedule",
    "projects_setup",
    "projects_team",
    "projects_templates",
    "review_events",
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

pytestmark = pytest.mark.skipif(not CONFORMANCE.exists(), reason=f"there are no recordings in {CONFORMANCE}")


@pytest.mark.parametrize("name", PASSING)
def test_a_recorded_conversation_goes_as_recorded(server: Server, name: str) -> None:
    steps = len(json.loads((CONFORMANCE / "scenarios" / f"{name}.json").read_text()))
    command = [sys.executable, CONFORMANCE / "conformance.py", "check", server.api, "--only", name, "--verbose"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"{name}: {steps} of {steps} steps as recorded" in said.stdout, said.stdout + said.stderr
