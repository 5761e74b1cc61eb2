"""Estimations of the tasks of one type from a spreadsheet. Source: spec exchange, "estimations".

What a row leaves blank stays as it is. Where a row gives a start and an estimation but no end, the end follows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Executable, and_, select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, Float, Integer, utc_now
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import ASSET, SHOT, is_kind
from pegbar.entities.tables import entity
from pegbar.exchange.sheets import queries
from pegbar.exchange.sheets.cells import DATA, Persons, metadata_columns
from pegbar.exchange.sheets.columns import Blank, Column, Row, RowError, day, whole_number
from pegbar.exchange.sheets.importing import Sheet, Taken, nothing_for
from pegbar.exchange.sheets.naming import Key, key
from pegbar.exchange.sheets.reports import Outcome
from pegbar.studio.tables import entity_type, organisation
from pegbar.tasks.events import TASK_UPDATE
from pegbar.tasks.tables import task

_sequence = entity.alias("sequence")
_PROJECT_ID, _EPISODE_ID = param("project_id"), param("episode_id")

_OF_TYPE = and_(task.c.entity_id == entity.c.id, task.c.task_type_id == param("task_type_id"))
_TASK = (
    task.c.id,
    task.c.estimation,
    task.c.nb_drawings,
    task.c.start_date,
    task.c.due_date,
    task.c.difficulty,
    task.c.data,
)
_ORDER = (entity.c.created_at, entity.c.id, task.c.name == "main", task.c.created_at)


def _tasks(kind: str, *, of_episode: bool) -> Executable:
    """The entities of a kind with their tasks of the type; of those of one name, the last is meant."""
    if kind == ASSET:
        rows, parent, in_episode = entity.join(entity_type), entity_type.c.name, entity.c.source_id == _EPISODE_ID
    else:
        rows = entity.join(_sequence, _sequence.c.id == entity.c.parent_id)
        parent, in_episode = _sequence.c.name, _sequence.c.parent_id == _EPISODE_ID
    statement = select(parent.label("parent"), entity.c.name, *_TASK)
    conditions = [entity.c.project_id == _PROJECT_ID, is_kind(kind), *([in_episode] if of_episode else [])]
    return statement.select_from(rows.outerjoin(task, _OF_TYPE)).where(*conditions).order_by(*_ORDER)


_TASKS = {
    (kind, of_episode): _tasks(kind, of_episode=of_episode) for kind in (ASSET, SHOT) for of_episode in (False, True)
}
_HOLD = sql("SELECT id FROM task WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_WORKING_DAY = select(organisation.c.hours_by_day, organisation.c.format_duration_in_hours)

_WRITE = sql(
    """
    UPDATE task SET estimation = coalesce(new.estimation, task.estimation),
                    nb_drawings = coalesce(new.nb_drawings, task.nb_drawings),
                    start_date = coalesce(new.start_date, task.start_date),
                    due_date = coalesce(new.due_date, task.due_date),
                    difficulty = coalesce(new.difficulty, task.difficulty),
                    data = CASE WHEN new.data = '{}' THEN task.data
                                WHEN jsonb_typeof(task.data) = 'object' THEN task.data || new.data
                                ELSE new.data END,
                    updated_at = :now
      FROM unnest(:ids ::uuid[], :estimation ::float[], :nb_drawings ::int[], :start_date ::timestamp[],
                  :due_date ::timestamp[], :difficulty ::int[], :data ::jsonb[])
           AS new (id, estimation, nb_drawings, start_date, due_date, difficulty, data)
     WHERE task.id = new.id
    """,
    estimation=ARRAY(Float),
    nb_drawings=ARRAY(Integer),
    start_date=ARRAY(TIMESTAMP),
    due_date=ARRAY(TIMESTAMP),
    difficulty=ARRAY(Integer),
    data=ARRAY(JSONB),
)
_COLUMNS = ("estimation", "nb_drawings", "start_date", "due_date", "difficulty")
#: Hours are stored in minutes; what arithmetic leaves beside a whole number of them is none.
_NOISE = 1e-6


@dataclass(frozen=True)
class WorkingDay:
    """How long a day is, and whether people give durations in hours instead."""

    hours: float
    in_hours: bool

    def minutes(self, text: str) -> float:
        """An estimation as it is stored."""
        amount = _number(text)
        if not self.in_hours:
            return float(round(amount * self.hours * 60))
        minutes = amount * 60
        return float(round(minutes)) if abs(minutes - round(minutes)) < _NOISE else minutes

    def days(self, minutes: float) -> int:
        """The days that work takes, a part of one being one."""
        return math.ceil(round(minutes / 60 / self.hours, 6))


def last_day(start: date, days: int) -> date:
    """The day on which work of so many days ends, the first being one; weekends are none. Raises OverflowError."""
    left = max(days - 1, 0)
    if left and start.weekday() > 4:
        start -= timedelta(days=start.weekday() - 4)
    weeks, left = divmod(left, 5)
    end = start + timedelta(weeks=weeks)
    while left:
        end += timedelta(days=1)
        left -= end.weekday() < 5
    return end


def _number(text: str) -> float:
    """A number of days or hours, of which spreadsheets write the fraction after a point or a comma."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e7:
        raise ValueError(f"{text[:40]!r} is not a number of days or hours")
    return number


def _difficulty(text: str) -> int:
    number = whole_number(text)
    if not 1 <= number <= 5:
        raise ValueError(f"{number} is not one of 1 to 5")
    return number


def _midnight(text: str) -> datetime:
    return datetime.combine(day(text), time())


@dataclass(eq=False)
class Estimated:
    """A task of the sheet, and what rows give it."""

    row: asyncpg.Record
    values: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def change(self, values: dict[str, Any], data: dict[str, Any]) -> bool:
        """Give it values; whether they are other ones."""
        stored = self.row["data"] if isinstance(self.row["data"], dict) else {}
        differs = any(self.values.get(name, self.row[name]) != value for name, value in values.items()) or any(
            self.data.get(name, stored.get(name, "")) != value for name, value in data.items()
        )
        self.values |= values
        self.data |= data
        return differs


class Estimations(Sheet):
    """A sheet of estimations of the tasks of one type, in one episode or anywhere in a production."""

    def __init__(self, caller: Caller, project_id: UUID, task_type: asyncpg.Record, episode_id: UUID | None) -> None:
        super().__init__(caller, update=True)
        self.project_id, self.task_type, self.episode_id = project_id, task_type, episode_id

    async def columns(self, tx: Transaction, header: Sequence[str]) -> Sequence[Column]:
        """Names must be there; all else may be, metadata columns of the task type too."""
        descriptors = await tx.rows(
            queries.TASK_DESCRIPTORS, project_id=self.project_id, task_type_id=self.task_type["id"]
        )
        descriptors = [row for row in descriptors if row["name"] in header]
        wants_persons = any(row["data_type"] == "person" for row in descriptors)
        persons = Persons.of(await tx.rows(queries.PERSONS) if wants_persons else ())
        row = await tx.row(_WORKING_DAY)
        self._day = WorkingDay(row["hours_by_day"] or 8.0, bool(row["format_duration_in_hours"])) if row else _DEFAULT

        def column(name: str, to: str, read: Callable[[str], Any]) -> Column:
            return Column(name, read, key=to)

        own = [
            Column("Parent", blank=Blank.TAKEN, required=True),
            Column("Entity", blank=Blank.TAKEN, required=True),
            column("Estimation", "estimation", self._day.minutes),
            column("Drawings", "nb_drawings", whole_number),
            column("Start date", "start_date", _midnight),
            column("Due date", "due_date", _midnight),
            column("Difficulty", "difficulty", _difficulty),
        ]
        names = {known.name for known in own}
        return [*own, *(known for known in metadata_columns(descriptors, persons) if known.name not in names)]

    async def look_up(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """The tasks of the type, by the names of their entities."""
        self._tasks: dict[Key, asyncpg.Record] = {}
        self._entries: dict[UUID, Estimated] = {}
        self._updates: list[UUID] = []
        kind = self.task_type["for_entity"]
        if (kind, True) not in _TASKS:
            return
        params = {"project_id": self.project_id, "task_type_id": self.task_type["id"]}
        episode = {} if self.episode_id is None else {"episode_id": self.episode_id}
        by_name = {}
        for row in await tx.rows(_TASKS[kind, bool(episode)], **params, **episode):
            by_name[key(row["parent"], row["name"])] = row
        wanted = [key(row.values["Parent"], row.values["Entity"]) for row in rows]
        self._tasks = {name: by_name[name] for name in wanted if name in by_name}
        if not self.dry:
            await tx.execute(_HOLD, ids=[row["id"] for row in self._tasks.values() if row["id"] is not None])

    def take(self, row: Row) -> Taken:
        """A task gets what the row gives."""
        values = dict(row.values)
        name = f"{values['Parent']} / {values['Entity']}"
        stored = self._tasks.get(key(values.pop("Parent"), values.pop("Entity")))
        if stored is None:
            raise RowError(f"There is no {name} with tasks of the type {self.task_type['name']}.")
        if stored["id"] is None:
            raise RowError(f"{name} has no task of the type {self.task_type['name']}.")
        data = {field[1]: values.pop(field) for field in list(values) if isinstance(field, tuple) and field[0] == DATA}
        if {"start_date", "estimation"} <= values.keys() and "due_date" not in values:
            values["due_date"] = self._end(values["start_date"], values["estimation"])
        entry = self._entries.setdefault(stored["id"], Estimated(stored))
        self._updates.append(stored["id"])
        return Taken(Outcome.CHANGED if entry.change(values, data) else Outcome.LEFT, name)

    def _end(self, start: datetime, minutes: float) -> datetime:
        try:
            return datetime.combine(last_day(start.date(), self._day.days(minutes)), time())
        except OverflowError:
            raise RowError("The work would end after the year 9999.", "Estimation") from None

    async def write(self, tx: Transaction) -> None:
        """Write them at once, and tell of each."""
        entries = self._entries
        await tx.execute(
            _WRITE,
            ids=list(entries),
            **{name: [entry.values.get(name) for entry in entries.values()] for name in _COLUMNS},
            data=[entry.data for entry in entries.values()],
            now=utc_now(),
        )
        for task_id in self._updates:
            tx.emit(TASK_UPDATE, project_id=self.project_id, task_id=task_id)

    async def answer(self, db: Database, row_ids: Sequence[UUID | None]) -> Json:
        """Nothing for each row."""
        return nothing_for(row_ids)


_DEFAULT = WorkingDay(8.0, in_hours=False)
