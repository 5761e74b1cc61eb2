"""Tasks that go, with all that belongs to them. Source: spec tasks, "Task deletion cascade"; spec crud, "tasks".

What goes with a task says so where its table is declared; here is what is told and done about it.
"""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Removal, going, remove
from pegbar.tasks.events import NEWS_DELETE, TASK_DELETE
from pegbar.tasks.tables import news, task

_IDS = param("ids")

_LOCKED = sql("SELECT id FROM task WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
_TASKS = sql("SELECT id, project_id, entity_id, task_type_id FROM task WHERE id = ANY(:ids) ORDER BY id")
_NEWS = sql(
    "SELECT n.id, t.project_id FROM news n JOIN task t ON t.id = n.task_id WHERE n.id = ANY(:ids) ORDER BY n.id"
)


async def remove_tasks(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Delete tasks with all that belongs to them."""
    await remove(tx, task, await tx.column(_LOCKED, ids=sorted(task_ids)))


@going(task)
async def tell_of_tasks(removal: Removal, task_ids: list[UUID]) -> AsyncIterator[None]:
    """Tell that tasks are gone. Those of a production that goes outlive it in the log, so that they have no scope."""
    rows = await removal.tx.rows(_TASKS, ids=task_ids)
    yield
    for row in rows:
        subject = {"task_id": row["id"], "entity_id": row["entity_id"], "task_type_id": row["task_type_id"]}
        project_id = None if removal.production else row["project_id"]
        removal.tx.emit(TASK_DELETE, project_id=project_id, heard_by=removal.production, **subject)


@going(news)
async def tell_of_news(removal: Removal, news_ids: list[UUID]) -> AsyncIterator[None]:
    """Tell that news are withdrawn."""
    rows = await removal.tx.rows(_NEWS, ids=news_ids)
    yield
    for row in rows:
        removal.tx.emit(NEWS_DELETE, project_id=row["project_id"], news_id=row["id"])
