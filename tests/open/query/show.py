"""A production to be queried: shots in sequences, their tasks, metadata of every type, and somebody of every role."""

import random
from dataclasses import dataclass
from typing import Any

from tests import factories
from tests.client import Client
from tests.entities.shows import Show

ROLES = ("manager", "supervisor", "user", "client", "vendor")
#: Name of the metadata column, its type, and whether clients see it.
COLUMNS = (
    ("effort", "number", False),
    ("approved", "boolean", True),
    ("delivery", "date", True),
    ("tags", "taglist", True),
    ("checks", "checklist", True),
    ("note", "string", True),
    ("secretnote", "string", False),
)
WORDS = ("amber", "basalt", "cobalt", "dune", "ember")
#: What stands where clients are told nothing.
SECRET = "xenolith"


@dataclass
class Queried:
    """The production and who asks."""

    show: Show
    people: dict[str, Client]
    shots: list[dict[str, Any]]
    tasks: list[dict[str, Any]]

    @property
    def id(self) -> str:
        return self.show.id


def _data(chance: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {
        "effort": chance.choice([1, 2.5, "3", 7, "many", None]),
        "approved": chance.choice(["true", "false", True, None]),
        "delivery": chance.choice(["2026-01-05", "2026-02-28", "2026-12-31", "soon", ""]),
        "tags": chance.choice([["amber"], ["amber", "dune"], [], "ember"]),
        "checks": chance.choice([{"rigged": True, "lit": False}, {"lit": True}, {}]),
        "note": chance.choice([*WORDS, ""]),
        "secretnote": SECRET,
        "frame_in": chance.choice([101, "1001", None]),
    }
    return {key: value for key, value in data.items() if chance.random() < 0.8 or key == "secretnote"}


def made(admin: Client) -> Queried:
    """The production, filled; the same each time, but for its names."""
    chance = random.Random(13)
    people = {role: factories.hire(admin, role) for role in ROLES}
    show = Show(admin, *people.values())
    for name, data_type, for_client in COLUMNS:
        choices = {"choices": list(WORDS)} if data_type in ("taglist", "checklist") else {}
        column = {"name": name, "entity_type": "Shot", "data_type": data_type, "for_client": for_client, **choices}
        admin.ok_post(f"{show.path}/metadata-descriptors", column)
    shots: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    statuses = [factories.named(admin, "task-status", name)["id"] for name in ("Todo", "Work In Progress", "Retake")]
    for sequence in (show.sequence(name="sqa"), show.sequence(name="sqb")):
        for _ in range(4):
            shot = show.shot(sequence, name=f"sh{len(shots)}{chance.choice(WORDS)}", data=_data(chance))
            shots.append(shot)
            for task_type in ("Animation", "Lighting"):
                assigned = chance.sample(["user", "vendor"], chance.randint(0, 2))
                row = {
                    "priority": chance.randint(0, 3),
                    "duration": chance.choice([0.0, 60.0, 90.5]),
                    "due_date": chance.choice(
                        [None, "2026-03-01T00:00:00", "2026-03-02T10:30:00", "2026-11-30T00:00:00"]
                    ),
                    "description": chance.choice([None, "50%_off", "a\\b", *WORDS]),
                    "assignees": [people[role].id for role in assigned],
                    "task_status_id": chance.choice(statuses),
                }
                tasks.append(factories.task(admin, shot, task_type, **row))
    return Queried(show, people, shots, tasks)
