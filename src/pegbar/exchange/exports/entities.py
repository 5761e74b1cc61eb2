"""Assets, shots and edits as sheets, with their metadata and their tasks. Source: spec exchange, "CSV output"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array

from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.entities.assets.kind import ASSETS_IN_EPISODE
from pegbar.entities.boards import InEpisode
from pegbar.entities.kinds import ASSET, EDIT, SHOT, is_kind
from pegbar.entities.metadata import data_for
from pegbar.entities.shapes import below_episode, episode, sequence, with_project
from pegbar.entities.shots.kind import SHOTS_IN_EPISODE
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import MINE, blank_value
from pegbar.exchange.exports.cells import MARKS, NOTHING, SEPARATOR, cell, value_at, words
from pegbar.exchange.exports.export import Cells, Column, ColumnsOfRows, Export, Row
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.tables import task, task_person_link

_PROJECT_ID = param("project_id")
#: Minutes of a day of work, as the sheets count time.
_DAY = literal_column("480.0", Float)
_COMMA = words(",")
_PERSON_NAME = FULL_NAME.element
_NONE, _ONE = literal_column("0", Integer), literal_column("1", Integer)
#: What is where in `work`.
_TIME, _CELLS = _ONE, literal_column("2", Integer)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A kind of entities as a sheet."""

    kind: str
    source: FromClause  #: entities with their production and what names them
    places: Mapping[str, ColumnElement[Any]]  #: columns between the production's and the name
    #: Numbers after the time spent, some of them metadata.
    numbers: Callable[[ColumnElement[Any]], Mapping[str, ColumnElement[Any]]] = lambda _: {}
    in_episode: InEpisode | None = None  #: how `episode_id` narrows it


@dataclass(frozen=True)
class View:
    """What a request sees of a sheet, as far as the statement is concerned."""

    audience: str  #: of `task_shapes.audience`
    own: bool = False  #: only the caller's tasks
    conditions: tuple[ColumnElement[bool], ...] = ()


def _or_empty(name: ColumnElement[str]) -> ColumnElement[str]:
    return func.coalesce(name, NOTHING, type_=Text)


ASSETS = Sheet(
    ASSET,
    with_project.join(entity_type, entity_type.c.id == entity.c.entity_type_id),
    {"Type": entity_type.c.name},
    in_episode=ASSETS_IN_EPISODE,
)
SHOTS = Sheet(
    SHOT,
    with_project.join(sequence, sequence.c.id == entity.c.parent_id).outerjoin(
        episode, episode.c.id == sequence.c.parent_id
    ),
    {"Episode": _or_empty(episode.c.name), "Sequence": sequence.c.name},
    lambda data: {
        "Frames": entity.c.nb_frames,
        "Frame In": value_at(data, "frame_in"),
        "Frame Out": value_at(data, "frame_out"),
        "FPS": value_at(data, "fps"),
    },
    in_episode=SHOTS_IN_EPISODE,
)
EDITS = Sheet(EDIT, below_episode, {"Episode": _or_empty(episode.c.name)})


@lru_cache(256)
def export(sheet: Sheet, view: View) -> Export:
    """The sheet of a production's entities as a request sees it. Takes `project_id` and what the conditions take."""
    conditions = [entity.c.project_id == _PROJECT_ID, is_kind(sheet.kind), *view.conditions]
    types = _task_types(sheet, conditions, view)
    data = data_for(view.audience, sheet.kind)
    numbers = sheet.numbers(data)
    rows = (
        select(
            project.c.name.label("project"),
            *(value.label(header) for header, value in sheet.places.items()),
            entity.c.name.label("name"),
            entity.c.description.label("description"),
            *(value.label(header) for header, value in numbers.items()),
            data.label("data"),
            _work(types, view).label("work"),
        )
        .select_from(sheet.source)
        .where(*conditions)
        .order_by(*(name.collate("C") for name in (*sheet.places.values(), entity.c.name)), entity.c.id)
    )
    columns: tuple[Column | ColumnsOfRows, ...] = (
        Column("Project", "project"),
        *(Column(header, header) for header in sheet.places),
        Column("Name", "name"),
        Column("Description", "description"),
        Column("Time Spent", _time_spent, "measure"),
        *(Column(header, header, "number") for header in numbers),
        _metadata(sheet.kind, view.audience),
        _tasks(types),
    )
    named = select(project.c.name.concat(words(f" {sheet.kind}s"))).where(project.c.id == _PROJECT_ID)
    return Export(words("kitsu ").concat(named.scalar_subquery()), columns, [rows])


# Metadata


@lru_cache
def _metadata(kind: str, audience: str) -> ColumnsOfRows:
    """The metadata columns that an audience sees, in the order of the production."""
    conditions = [metadata_descriptor.c.project_id == _PROJECT_ID, metadata_descriptor.c.entity_type == words(kind)]
    if audience in DESCRIPTORS_FOR:
        conditions.append(DESCRIPTORS_FOR[audience])
    order = (metadata_descriptor.c.position.asc().nulls_last(), metadata_descriptor.c.name.collate("C"))
    described = (
        select(
            metadata_descriptor.c.name,
            metadata_descriptor.c.field_name,
            metadata_descriptor.c.data_type,
            func.row_number().over(order_by=(*order, metadata_descriptor.c.id)).label("n"),
        )
        .where(*conditions)
        .cte("described")
    )
    is_number = described.c.data_type == words("number")
    mark = case((is_number, words(f";{MARKS['number']}")), else_=words(f";{MARKS['text']}"))

    def cells(row: Row) -> Cells:
        value = value_at(row.data, described.c.field_name)
        is_set = func.lower(value) == words("true")
        shown = case(
            (described.c.data_type == words("boolean"), case((is_set, words("true")), else_=words("false"))),
            else_=value,
        )
        # The offset has it made once, not each time that the cell names it.
        made = select(shown.label("value")).offset(_NONE).correlate(row.data.table, described).lateral("made")
        text = func.concat(SEPARATOR, cell(made.c.value), type_=Text)
        joined: Select[Any] = select(func.string_agg(text, aggregate_order_by(NOTHING, described.c.n), type_=Text))
        return joined.select_from(described.join(made, true())).correlate_except(described, made).scalar_subquery()

    headers = _joined(described, func.concat(SEPARATOR, cell(described.c.name), type_=Text))
    return ColumnsOfRows(headers, _joined(described, mark), cells)


def _joined(listed: CTE, text: ColumnElement[str]) -> ColumnElement[str]:
    """The texts of all rows of a list, in its order."""
    joined: Select[Any] = select(func.string_agg(text, aggregate_order_by(NOTHING, listed.c.n), type_=Text))
    return joined.select_from(listed).correlate_except(listed).scalar_subquery()


# Tasks


def _task_types(sheet: Sheet, conditions: list[ColumnElement[bool]], view: View) -> CTE:
    """The task types that have a task among the entities of a sheet, in order."""
    tasks = select(task.c.task_type_id).select_from(sheet.source.join(task, task.c.entity_id == entity.c.id))
    used = tasks.where(*conditions, *_seen(view)).distinct()
    order = (task_type.c.priority, task_type.c.name.collate("C"), task_type.c.id)
    return (
        select(task_type.c.id, task_type.c.name, func.row_number().over(order_by=order).label("n"))
        .where(task_type.c.id.in_(used))
        .cte("task_types")
    )


def _seen(view: View) -> list[ColumnElement[bool]]:
    return [MINE] if view.own else []


def _work(types: CTE, view: View) -> ColumnElement[Any]:
    """The time spent on an entity, and the cells of its tasks: the last one made of each type. An array of two texts.

    Tasks are looked up entity by entity, as those of boards are: the sheet begins at once, and nobody holds it whole.
    """
    is_client = view.audience == "client"
    named = select(
        task.c.task_type_id,
        (blank_value(task.c.duration) if is_client else task.c.duration).label("duration"),
        task_status.c.short_name.label("status"),
        (
            NOTHING
            if is_client
            else func.string_agg(_PERSON_NAME, aggregate_order_by(_COMMA, _PERSON_NAME.collate("C")))
        ).label("people"),
        func.row_number()
        .over(partition_by=task.c.task_type_id, order_by=(task.c.created_at.desc(), task.c.id))
        .label("rank"),
    )
    source: FromClause = task.join(task_status, task_status.c.id == task.c.task_status_id)
    if not is_client:
        source = source.outerjoin(task_person_link, task_person_link.c.task_id == task.c.id)
        source = source.outerjoin(person, person.c.id == task_person_link.c.person_id)
        named = named.group_by(task.c.id, task_status.c.short_name)
    tasks = named.select_from(source).where(task.c.entity_id == entity.c.id, *_seen(view)).correlate(entity)
    done = tasks.lateral("tasks")
    is_last = func.coalesce(done.c.rank, _ONE) == _ONE
    text = func.concat(SEPARATOR, cell(done.c.status), SEPARATOR, cell(done.c.people), type_=Text)
    cells = func.string_agg(text, aggregate_order_by(NOTHING, types.c.n), type_=Text).filter(is_last)
    days = func.coalesce(func.sum(done.c.duration), literal_column("0.0", Float), type_=Float) / _DAY
    time_spent = func.to_char(days, words("FM999999999990.00"))
    both = select(cast(array[Any]([time_spent, cells]), ARRAY(Text)))
    return both.select_from(types.outerjoin(done, done.c.task_type_id == types.c.id)).scalar_subquery()


def _time_spent(row: Row) -> ColumnElement[str]:
    spent: ColumnElement[str] = row.work[_TIME]
    return spent


def _tasks(types: CTE) -> ColumnsOfRows:
    """Two columns for each task type: the status of the entity's task, and who does it."""
    header = func.concat(SEPARATOR, cell(types.c.name), words(";Assignations"), type_=Text)
    marks = words(f";{MARKS['text']};{MARKS['text']}")
    return ColumnsOfRows(_joined(types, header), _joined(types, marks), lambda row: row.work[_CELLS])
