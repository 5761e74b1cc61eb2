"""What sheets of assets, shots and edits have in common: whom a row means, its values, its metadata, its tasks.

Source: spec exchange, "Shared columns", "Task step of a row".
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller
from pegbar.core.ids import new_id
from pegbar.entities import many
from pegbar.entities.actions import hold_names
from pegbar.entities.kinds import ASSET, EPISODE, ensure_type, kind_of
from pegbar.entities.tables import entity
from pegbar.exchange.sheets import queries
from pegbar.exchange.sheets.cells import DATA, Persons, column_text, metadata_columns, plain_text, status_named
from pegbar.exchange.sheets.columns import Blank, Column, Row, RowError, listed
from pegbar.exchange.sheets.importing import Sheet, Taken
from pegbar.exchange.sheets.naming import MAIN_PACK
from pegbar.exchange.sheets.reports import Outcome
from pegbar.exchange.sheets.task_step import ASSIGNEES, COMMENT, STATUS, TaskStep, work_of

#: What exports say of metadata that an entity does not have.
_UNSET = ("", "false")
#: What stands for no episode in a sheet.
_NO_EPISODE = ("", MAIN_PACK)
#: Tasks that one transaction may write: who comments one of them meanwhile waits for its end.
_MOST_TASKS = 800
_FEWEST_ROWS, _MOST_ROWS = 20, 500
#: The columns that rows may change.
_COLUMNS = ("description", "nb_frames", "source_id", "ready_for")


@dataclass(eq=False)
class Type:
    """An entity type; one without an id has to be made."""

    name: str
    id: UUID | None = None
    is_used: bool = True  #: is one of the asset types of the production
    is_needed: bool = False

    @property
    def is_asset_type(self) -> bool:
        """Whether assets are of it."""
        return kind_of(self.name) == ASSET


@dataclass(eq=False)
class Above:
    """An episode or a sequence; one that is not known is made when a row needs it."""

    kind: str
    name: str
    above: "Above | None" = None
    id: UUID = field(default_factory=new_id)
    is_known: bool = False
    is_needed: bool = False

    def need(self) -> None:
        """Have it made, with what is above it."""
        self.is_needed = True
        if self.above is not None:
            self.above.need()


@dataclass(frozen=True)
class Place:
    """What a row means: an entity of this name, of a type, below something or nothing."""

    type: Type
    name: str
    parent: Above | None = None

    @property
    def full_name(self) -> str:
        """What it is called in a report."""
        if self.type.is_asset_type:
            return f"{self.type.name} / {self.name}"
        names, above = [self.name], self.parent
        while above is not None:
            names, above = [above.name, *names], above.above
        return " / ".join(names)


@dataclass(eq=False)
class Entry:
    """An entity of the sheet, as it is or will be."""

    place: Place
    id: UUID
    is_known: bool
    columns: dict[str, Any]
    data: dict[str, Any]
    ready_before: UUID | None = None
    patch: dict[str, Any] = field(default_factory=dict)
    is_changed: bool = False

    def change(self, columns: dict[str, Any], patch: dict[str, Any]) -> bool:
        """Give it values; whether they say anything else. A blank cell is stored, too, where there was no value."""
        patch = {key: value for key, value in patch.items() if key not in self.data or _says(self.data[key], value)}
        differs = any(self.columns[name] != value and (self.columns[name] or value) for name, value in columns.items())
        differs |= any(key in self.data or value not in _UNSET for key, value in patch.items())
        if differs or patch:
            self.columns |= columns
            self.data |= patch
            self.patch |= patch
            self.is_changed = True
        return differs


def _says(stored: Any, cell: str | int) -> bool:
    """Whether a cell says something else than metadata that are stored, which other programs write as numbers, too."""
    if stored is None or stored == "" or stored is False:
        return str(cell).lower() not in _UNSET
    return str(cell).lower() != str(stored).lower() if stored is True else str(cell) != str(stored)


class EntitySheet(Sheet):
    """A sheet of entities of one kind of a production."""

    kind: ClassVar[str]
    #: The kinds of what rows name above them, the highest first.
    kinds_above: ClassVar[tuple[str, ...]] = (EPISODE,)
    assigns: ClassVar[bool] = True
    #: What a new one has in columns that the file does not give.
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, caller: Caller, project_id: UUID, *, update: bool) -> None:
        super().__init__(caller, update=update)
        self.project_id = project_id
        self.tasks = TaskStep()

    @property
    def batch(self) -> int:
        """So many rows that their tasks are soon written."""
        return max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_TASKS // (1 + len(self.worked_on))))

    # Columns

    async def columns(self, tx: Transaction, header: Sequence[str]) -> Sequence[Column]:
        """Those of the kind, those of the production's metadata, and those of its task types."""
        production = await tx.row(queries.PRODUCTION, project_id=self.project_id)
        assert production is not None
        self.is_show: bool = production["is_show"]
        self._is_automated: bool = production["is_automated"]
        self.project_task_types = await tx.rows(queries.TASK_TYPES, project_id=self.project_id)
        self.task_types = [row for row in self.project_task_types if self.is_for(row["for_entity"])]
        own = await self.own_columns(tx)
        names = {name for column in own for name in (column.name, *column.aliases)}
        more = [column for column in await self._further_columns(tx, header) if column.name not in names]
        return [*own, *more]

    def is_for(self, for_entity: str | None) -> bool:
        """Whether task types for this are the kind's."""
        return for_entity == self.kind

    @abstractmethod
    async def own_columns(self, tx: Transaction) -> Sequence[Column]:
        """The columns of the kind."""

    def described(self) -> Column:
        """The column that all have."""
        return Column("Description", column_text(entity.c.description), Blank.TAKEN, key="description")

    def in_episode(self) -> Column:
        """The episode of what may be of none; it must be blank where there are no episodes."""
        if self.is_show:
            return Column("Episode", lambda text: column_text(entity.c.name)(text.strip()), Blank.TAKEN, key="episode")
        return Column("Episode", _refuse_episode)

    async def _further_columns(self, tx: Transaction, header: Sequence[str]) -> list[Column]:
        descriptors = await tx.rows(queries.DESCRIPTORS, project_id=self.project_id, kind=self.kind)
        descriptors = [row for row in descriptors if row["name"] in header]
        by_name = {row["name"]: row["id"] for row in self.task_types}
        words = {name: (name, f"{name} comment", f"{name} assignations") for name in by_name}
        self.worked_on = [row["id"] for row in self.task_types if not set(words[row["name"]]).isdisjoint(header)]
        persons = Persons.of(
            await tx.rows(queries.PERSONS)
            if self.worked_on or any(row["data_type"] == "person" for row in descriptors)
            else ()
        )
        columns = metadata_columns(descriptors, persons)
        status = status_named(await tx.rows(queries.STATUSES)) if self.worked_on else plain_text
        for name, type_id in by_name.items():
            columns += [
                Column(name, status, key=(STATUS, type_id)),
                Column(words[name][1], plain_text, Blank.TAKEN, key=(COMMENT, type_id)),
            ]
            if self.assigns:  # exports name the column after the one of the task type
                beside = ("Assignations", name)
                reader = listed(persons.assignee)
                columns.append(Column(words[name][2], reader, beside=beside, key=(ASSIGNEES, type_id)))
        return columns

    # Rows

    async def look_up(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """What rows mean: entities, what is above them, their tasks. Nobody else makes any of them meanwhile."""
        if not self.dry:
            for kind in (*self.kinds_above, self.kind):
                await hold_names(tx, kind, self.project_id)
        self._types = [
            Type(row["name"], row["id"], row["is_used"])
            for row in await tx.rows(queries.TYPES, project_id=self.project_id)
        ]
        self._above: dict[tuple[str, UUID | None, str], Above] = {}
        await self.find_above(tx, rows)
        places = [self.place(row) for row in rows]
        self._entries = await self._find(tx, places)
        await self.tasks.look_up(tx, [entry.id for entry in self._entries.values()])

    async def _find(self, tx: Transaction, places: Sequence[Place]) -> dict[tuple[str, UUID | None, str], Entry]:
        anywhere = not self.named_below
        wanted = {
            many.Name(place.type.id, place.name, None if anywhere or place.parent is None else place.parent.id): place
            for place in places
            if place.type.id is not None and (anywhere or place.parent is None or place.parent.is_known)
        }
        found = await many.find(tx, self.project_id, list(wanted), anywhere=anywhere, hold=self.update and not self.dry)
        return {
            self._key(wanted[name]): Entry(
                wanted[name],
                row["id"],
                True,
                {column: row[column] for column in _COLUMNS},
                dict(row["data"]) if isinstance(row["data"], dict) else {},
                row["ready_for"],
            )
            for name, row in found.items()
        }

    #: Whether a name is one of what is above; else it is one of the production.
    named_below: ClassVar[bool] = True

    def _key(self, place: Place) -> tuple[str, UUID | None, str]:
        above = place.parent if self.named_below else None
        return place.type.name, None if above is None else above.id, place.name

    def type_named(self, name: str) -> Type:
        """The type of a name, in any case; those of the production come first."""
        alike = [known for known in self._types if known.name.lower() == name.lower()]
        if not alike:
            alike = [Type(name, is_used=False)]
            self._types.append(alike[0])
        return next((known for known in alike if known.is_used), alike[0])

    def special(self, kind: str) -> Type:
        """The type of a kind that is its own."""
        return next((known for known in self._types if known.name == kind), None) or self.type_named(kind)

    def above(self, kind: str, name: str, above: Above | None = None) -> Above:
        """The episode or sequence of a name."""
        key = (kind, None if above is None else above.id, name)
        return self._above.setdefault(key, Above(kind, name, above))

    async def find_known(
        self, tx: Transaction, kind: str, wanted: Iterable[tuple[str, Above | None]], *, anywhere: bool = False
    ) -> None:
        """Learn which of these episodes or sequences there are."""
        type_id = self.special(kind).id
        names = {
            many.Name(type_id, name, None if above is None else above.id): above
            for name, above in wanted
            if type_id is not None and (above is None or above.is_known)
        }
        for name, row in (await many.find(tx, self.project_id, list(names), anywhere=anywhere)).items():
            known = self.above(kind, name.name, names[name])
            known.id, known.is_known = row["id"], True

    async def find_above(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """Learn which episodes of the rows there are."""
        names = {name for row in rows if (name := row.values.get("episode")) not in (None, *_NO_EPISODE)}
        if names:
            await self.find_known(tx, EPISODE, [(name, None) for name in names], anywhere=True)

    def episode(self, row: Row) -> Above | None:
        """The episode that a row names."""
        name = row.values.get("episode", "")
        return None if name in _NO_EPISODE else self.above(EPISODE, name)

    @abstractmethod
    def place(self, row: Row) -> Place:
        """What a row means."""

    def values(self, row: Row, entry: Entry, patch: dict[str, Any]) -> dict[str, Any]:
        """The columns that a row gives to an entity, whose metadata it changes by `patch`."""
        return {name: row.values[name] for name in _COLUMNS if name in row.values}

    def tasks_of(self, entry: Entry, *, is_new: bool) -> list[UUID]:
        """The types of the tasks that an entity has even if its row says nothing of them."""
        return [row["id"] for row in self.task_types] if is_new else []

    def take(self, row: Row) -> Taken:
        """What is not there is made; what is there changes if that is wanted."""
        place = self.place(row)
        entry = self._entries.get(self._key(place))
        is_new = entry is None
        if entry is None:
            columns = {**dict.fromkeys(_COLUMNS), **self.defaults}
            entry = self._entries[self._key(place)] = Entry(place, new_id(), False, columns, {})
        elif not self.update:
            changes = self.tasks.need(entry.id, self.tasks_of(entry, is_new=False))
            return Taken(Outcome.CHANGED if changes else Outcome.LEFT, place.full_name, entry.id)
        place.type.is_needed = True
        if place.parent is not None:
            place.parent.need()
        patch = {key[1]: value for key, value in row.values.items() if key[0] == DATA}
        changes = entry.change(self.values(row, entry, patch), patch)
        changes |= self.tasks.need(entry.id, self.tasks_of(entry, is_new=is_new))
        changes |= self.tasks.take(entry.id, work_of(row, self.worked_on))
        outcome = Outcome.CREATED if is_new else Outcome.CHANGED if changes else Outcome.LEFT
        return Taken(outcome, place.full_name, entry.id)

    # Writing

    async def write(self, tx: Transaction) -> None:
        """Make and change what rows mean, then their tasks."""
        await self.write_types(tx)
        for kind in self.kinds_above:
            await self._make_above(tx, kind)
        entries = list(self._entries.values())
        await many.create_many(
            tx, self.kind, self.project_id, [self._new(entry) for entry in entries if not entry.is_known]
        )
        changed = [entry for entry in entries if entry.is_known and entry.is_changed]
        await many.change_many(
            tx,
            self.kind,
            self.project_id,
            [many.Changed(entry.id, entry.columns, entry.patch, entry.data) for entry in changed],
            ready=[entry.id for entry in changed if entry.columns["ready_for"] != entry.ready_before],
        )
        turns = [[type_id] for type_id in self.worked_on] if self._is_automated else [self.worked_on]
        await self.tasks.write(tx, self.caller, self.project_id, turns, foresees=not self._is_automated)

    async def write_types(self, tx: Transaction) -> None:
        """Make the types that are missing."""
        for needed in self._types:
            if needed.is_needed and needed.id is None:
                needed.id = await ensure_type(tx, needed.name)

    async def _make_above(self, tx: Transaction, kind: str) -> None:
        missing = [above for above in self._above.values() if above.kind == kind and above.is_needed]
        missing = [above for above in missing if not above.is_known]
        if missing:
            type_id = self.special(kind).id or await ensure_type(tx, kind)
            new = [
                many.New(
                    above.id,
                    type_id,
                    above.name,
                    parent_id=None if above.above is None else above.above.id,
                    columns={"description": ""},
                )
                for above in missing
            ]
            await many.create_many(tx, kind, self.project_id, new)

    def _new(self, entry: Entry) -> many.New:
        place = entry.place
        assert place.type.id is not None
        parent = place.parent if self.named_below else None
        return many.New(
            entry.id,
            place.type.id,
            place.name,
            parent_id=None if parent is None else parent.id,
            episode_id=None if parent is None or parent.above is None else parent.above.id,
            columns={**entry.columns, "data": entry.data},
        )

    async def answer(self, db: Database, row_ids: Sequence[UUID | None]) -> Json:
        """The rows of the entities."""
        return await db.json(queries.ENTITIES_IN_ORDER, ids=list(row_ids))


def _refuse_episode(text: str) -> Any:
    raise RowError("Only a TV show has episodes: the column Episode must be blank.")
