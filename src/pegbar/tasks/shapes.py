"""The JSON of tasks and of what is said on them. Source: spec tasks, "Task row"; spec crud, "tasks"."""

from sqlalchemy import literal_column, select

from pegbar.core.resource import Relation
from pegbar.core.wire import JsonText, Wire, json_list, wire_of
from pegbar.tasks.tables import task, task_person_link

ASSIGNEES = Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id)

#: Every column.
TASK = wire_of(task, "Task")

#: Studio fields that clients get blanked, and what stands in their place. The keys stay.
BLANKED: dict[str, str] = {
    "assignees": "[]",
    **dict.fromkeys(
        (
            "assigner_id",
            "difficulty",
            "done_date",
            "due_date",
            "end_date",
            "last_comment_date",
            "real_start_date",
            "start_date",
        ),
        "null",
    ),
    **dict.fromkeys(("completion_rate", "nb_assets_ready", "nb_drawings", "priority", "retake_count"), "0"),
    "duration": "0.0",
    "estimation": "0.0",
}


def blanked(wire: Wire) -> Wire:
    """The same keys, with nothing of the studio's in them."""
    return wire.but(**{key: literal_column(f"'{value}'", JsonText()) for key, value in BLANKED.items()})


TASK_FOR_CLIENTS = blanked(TASK)
TASK_WITH_ASSIGNEES = TASK.but(
    assignees=json_list(
        select(task_person_link.c.person_id).where(task_person_link.c.task_id == task.c.id).correlate(task)
    )
)
