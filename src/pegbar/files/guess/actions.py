"""A path is read back by the templates of its production. Source: spec media, "POST /data/entities/guess-from-path"."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Database
from pegbar.core.http.routing import found
from pegbar.entities.kinds import kind_of
from pegbar.files.guess import queries
from pegbar.files.paths import well_formed
from pegbar.files.trees.guessing import Catalogue, Row, Tasked, matches, resolved


async def guess(db: Database, project_id: UUID, file_path: str, sep: str) -> list[dict[str, str]]:
    """`[{"Template": kind, "<Token>": id or value}]` for each template that the path fits, without duplicates.

    Raises BadRequest for a tree that is none.
    """
    production = found(await db.row(queries.tree_of_project, project_id=project_id), "The production")
    with well_formed():
        fitting = list(matches(production["tree"], file_path, sep))
    if not fitting:
        return []
    about_tasks = any("Task" in match.values for match in fitting)
    rows = await db.rows(queries.catalogue, project_id=project_id, is_about_tasks=about_tasks)
    project = Row(str(project_id), production["name"])
    guesses: list[dict[str, str]] = []
    for match in fitting:
        result = resolved(match, _catalogue(project, rows, match.kind))
        if result not in guesses:
            guesses.append(result)
    return guesses


def _catalogue(project: Row, rows: Iterable[asyncpg.Record], template: str) -> Catalogue:
    """What there is, of task types first those for what the template is of."""
    named: dict[str, list[Row]] = defaultdict(list)
    entities: dict[str, list[Row]] = defaultdict(list)
    tasks: list[Tasked] = []
    late: list[Row] = []
    for row in rows:
        kind, name = row["kind"], row["name"] or ""
        if kind == "task":
            tasks.append(Tasked(str(row["id"]), name, str(row["parent_id"]), str(row["type_id"])))
            continue
        parent_id = str(row["parent_id"]) if row["parent_id"] else None
        item = Row(str(row["id"]), name, str(row["type_id"]), parent_id)
        if kind == "entity":
            entities[kind_of(row["type_name"])].append(item)
            entities["all"].append(item)
        elif kind == "task_type" and (row["type_name"] or "Asset").lower() != template.partition("_")[0]:
            late.append(item)
        else:
            named[kind].append(item)
    return Catalogue(
        project=project,
        entity_types=named["entity_type"],
        task_types=named["task_type"] + late,
        departments=named["department"],
        output_types=named["output_type"],
        entities=entities,
        tasks=tasks,
    )
