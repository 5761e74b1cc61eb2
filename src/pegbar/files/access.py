"""Who gets the paths of the studio. Source: spec media, "Access rules" and "Worth fixing".

Clients never; vendors those of entities they have a task on.
"""

from sqlalchemy import func, select, union_all

from pegbar.core.data.parameters import param
from pegbar.core.http.access import Place, entity_access, not_client, of_row, staff_of, task_access, task_action
from pegbar.entities.tables import asset_instance
from pegbar.files.tables import output_file, working_file
from pegbar.tasks.tables import task

_KEY = param("key")
_working = (
    select(func.coalesce(working_file.c.entity_id, task.c.entity_id).label("place_id"))
    .select_from(working_file.outerjoin(task, task.c.id == working_file.c.task_id))
    .where(working_file.c.id == _KEY)
)
_output = select(output_file.c.entity_id).where(output_file.c.id == _KEY)
_either = union_all(_working, _output).subquery("either")

#: Files of a task, of an entity, of an asset instance (by its asset), and one working or output file.
OF_TASK = task_access("task_id") & not_client
OF_ENTITY = entity_access("entity_id") & not_client
OF_INSTANCE = entity_access(of_row("entity", asset_instance.c.asset_id, "asset_instance_id")) & not_client
OF_FILE = entity_access(Place("entity", "file_id", select(_either.c.place_id))) & not_client
OF_WORKING_FILE = task_access(of_row("task", working_file.c.task_id, "working_file_id")) & not_client
CHANGES_WORKING_FILE = task_action(of_row("task", working_file.c.task_id, "working_file_id")) & not_client
#: What a path is about tells the names of the whole production.
GUESSES = staff_of(Place("project", "project_id", in_body=True))
