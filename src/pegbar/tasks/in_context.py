"""Tasks as rows of a list across productions: what is around them, and what the caller's role on each shows of them.

Source: spec tasks, persons/tasks and open-tasks, "Client blanking"; spec user, "TodoRow", "Worth fixing" 4.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, literal_column, or_

from pegbar.accounts.standing import CALLER, IS_OPEN_STATUS, by_team, is_member, team_rows
from pegbar.core.data.wire import JsonText, Wire, json_text, word
from pegbar.entities.kinds import EPISODE, is_kind, kind_by_type
from pegbar.entities.metadata import shown_data
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import blank_of
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR, masked
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.studio.tables import entity_type, project_status, task_status, task_type
from pegbar.tasks.shapes import TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import task

PARENT, GRAND, _SOURCE = entity.alias("parent"), entity.alias("grand"), entity.alias("source")
_EMPTY = literal_column("'\"\"'", JsonText())

#: The episode of an entity: two levels up, one level up, or the one it was made for. No other kind is one.
EPISODE_ID = case(
    (is_kind(EPISODE, GRAND), GRAND.c.id),
    (is_kind(EPISODE, PARENT), PARENT.c.id),
    (is_kind(EPISODE, _SOURCE), _SOURCE.c.id),
)
EPISODE_NAME = case(
    (is_kind(EPISODE, GRAND), GRAND.c.name),
    (is_kind(EPISODE, PARENT), PARENT.c.name),
    (is_kind(EPISODE, _SOURCE), _SOURCE.c.name),
)


def _or_empty(value: ColumnElement[Any]) -> ColumnElement[str]:
    """The id, or an empty text for none."""
    return func.coalesce(json_text(value), json_text(_EMPTY)).cast(JsonText())


ROW: Wire = TASK_WITH_ASSIGNEES.but(
    project_name=project.c.name,
    project_has_avatar=project.c.has_avatar,
    entity_name=entity.c.name,
    entity_description=entity.c.description,
    entity_data=entity.c.data,
    entity_preview_file_id=_or_empty(entity.c.preview_file_id),
    entity_source_id=_or_empty(entity.c.source_id),
    entity_type_name=entity_type.c.name,
    entity_canceled=entity.c.canceled,
    sequence_name=PARENT.c.name,
    episode_id=_or_empty(EPISODE_ID),
    episode_name=EPISODE_NAME,
    task_type_for_entity=task_type.c.for_entity,
)


def above(entities: FromClause, places: FromClause = entity) -> FromClause:
    """Entities (or other `places` that name a parent and a source) with those they are below of, and made for."""
    return (
        entities.outerjoin(PARENT, PARENT.c.id == places.c.parent_id)
        .outerjoin(GRAND, GRAND.c.id == PARENT.c.parent_id)
        .outerjoin(_SOURCE, _SOURCE.c.id == places.c.source_id)
    )


def around(tasks: FromClause) -> FromClause:
    """Tasks with all that their rows tell.

    They begin with what narrows them most: PostgreSQL keeps to the order of so many joins.
    """
    return above(
        tasks.join(project, project.c.id == task.c.project_id)
        .join(project_status, project_status.c.id == project.c.project_status_id)
        .join(entity, entity.c.id == task.c.entity_id)
        .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .join(task_type, task_type.c.id == task.c.task_type_id)
        .join(task_status, task_status.c.id == task.c.task_status_id)
    )


SOURCE: FromClause = around(task)

OPEN: ColumnElement[bool] = IS_OPEN_STATUS
#: The caller's place in the team of a task's production, and what it makes them.
HERE = team_rows("here")
IS_HERE: ColumnElement[bool] = is_member(HERE, CALLER, task.c.project_id)
CALLER_HERE = by_team(HERE, CALLER)
#: The caller is in the team.
MINE: ColumnElement[bool] = CALLER_HERE.in_team


def caller_is(role: str) -> ColumnElement[bool]:
    """Whether the caller has this role on the production of a task."""
    return CALLER_HERE.has_role(role)


def with_caller(tasks: FromClause) -> FromClause:
    """The same with the caller's place in each team."""
    return around(tasks).outerjoin(HERE, IS_HERE)


WITH_CALLER: FromClause = with_caller(task)


# As a role sees them


#: The kind of the entity, which is joined with its type.
_KIND = kind_by_type()


def _by_role(key: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value as the caller's role on the production sees it."""
    if (blank := blank_of(key, value)) is not None:
        return case((caller_is("client"), word(blank)), else_=json_text(value)).cast(JsonText())
    if key in ("data", "entity_data"):
        of_task = (
            metadata_descriptor.c.project_id == task.c.project_id,
            metadata_descriptor.c.entity_type == word("Task"),
            or_(
                metadata_descriptor.c.task_type_id.is_(None), metadata_descriptor.c.task_type_id == task.c.task_type_id
            ),
        )
        if key == "entity_data":
            return shown_data(_KIND, CALLER_HERE)
        cases = [(caller_is(role), json_text(masked(role, value, *of_task))) for role in DESCRIPTORS_FOR]
        return case(*cases, else_=json_text(value)).cast(JsonText())
    return value


def by_role(wire: Wire) -> Wire:
    """The keys of a task, each as the caller's role on its production sees it. They are read beside `HERE`."""
    return Wire({key: _by_role(key, value) for key, value in wire.items()})
