"""Pages of rows of a ShotGrid site are taken: each in one transaction, records and all that stands in none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Transaction
from pegbar.exchange.shotgrid.importing import take_records
from pegbar.exchange.shotgrid.site import actions, conversations, files, queries
from pegbar.exchange.shotgrid.site.client import Row
from pegbar.exchange.shotgrid.site.records import (
    ASSETS,
    KEEPING_SHOTS,
    NOTES,
    SHOTS,
    TASKS,
    VERSIONS,
    Kind,
    Known,
    LeftOut,
    author_id,
    movie_of,
    stranger,
)

#: The fields in which rows name who made them, or who has them to do.
_BY = ("user", "created_by", "task_assignees")


@dataclass
class Taken:
    """What became of the rows of a page."""

    #: By their ids: what, why not, and the row here.
    outcomes: dict[int, tuple[str, str, UUID | None]] = field(default_factory=dict)
    #: Rows to be tried again another time.
    again: set[int] = field(default_factory=set)

    def left_out(self, id_: int, reason: str, *, again: bool) -> None:
        """A row does not come over."""
        self.outcomes[id_] = ("skipped", reason, None)
        if again:
            self.again.add(id_)

    def changed(self, ids_here: set[UUID]) -> None:
        """Rows that were left by their records changed otherwise."""
        for id_, (what, reason, id_here) in self.outcomes.items():
            if what == "unchanged" and id_here in ids_here:
                self.outcomes[id_] = ("changed", reason, id_here)

    @property
    def ids_here(self) -> dict[int, UUID]:
        """The rows here of those that came over."""
        return {id_: id_here for id_, (_, _, id_here) in self.outcomes.items() if id_here is not None}


class Taker:
    """Takes pages of rows in the name of somebody."""

    def __init__(self, db: Database, caller_id: UUID, site_url: str, known: Known) -> None:
        self.db, self.caller_id, self.site_url = db, caller_id, site_url
        self.known = known

    async def meet(self) -> None:
        """Learn who is here."""
        self.known.person_ids = frozenset(await self.db.column(queries.people))

    async def strangers(self, rows: Sequence[Row]) -> int:
        """Take in, inactive, whoever did something and is not among the people of the site; how many."""
        unknown: dict[int, Row] = {}
        for row in rows:
            for name in _BY:
                users = row.get(name)
                for user in users if isinstance(users, list) else [users]:
                    id_ = author_id(user)
                    if user and id_ is not None and id_ not in self.known.person_ids:
                        unknown[id_] = stranger(user)
        if unknown:
            await self.db.write(
                self.caller_id,
                lambda tx: take_records(tx, self.caller_id, "persons", list(unknown.values()), stop=False),
            )
            await self.meet()
        return len(unknown)

    async def page(self, kind: Kind, project_id: UUID | None, rows: Sequence[Row]) -> Taken:
        """Take rows of a kind, of a production or of the site."""

        async def work(tx: Transaction) -> Taken:
            known = await self._known(tx, kind, project_id, rows)
            return await self._take(tx, kind, project_id, rows, known)

        return await self.db.write(self.caller_id, work)

    async def _take(
        self, tx: Transaction, kind: Kind, project_id: UUID | None, rows: Sequence[Row], known: Known
    ) -> Taken:
        taken = Taken()
        records: list[Row] = []
        for row in rows:
            record = kind.record(row, known)
            if isinstance(record, LeftOut):
                taken.left_out(row["id"], record.reason, again=record.again)
            else:
                records.append(record)
        records_kind = KEEPING_SHOTS if kind is SHOTS else kind.name
        report = await take_records(tx, self.caller_id, records_kind, records, stop=False)
        for record, outcome in zip(records, report.outcomes, strict=True):
            if outcome.what in ("skipped", "refused"):
                about = f"{outcome.key}: " if outcome.key and not outcome.reason.startswith(outcome.key) else ""
                taken.left_out(record["id"], about + outcome.reason, again=True)
            else:
                taken.outcomes[record["id"]] = (outcome.what, "", outcome.id)
        if project_id is not None:
            await self._complete(tx, kind, project_id, rows, taken)
        return taken

    async def _complete(self, tx: Transaction, kind: Kind, project_id: UUID, rows: Sequence[Row], taken: Taken) -> None:
        """What stands in no record."""
        by_id = {row["id"]: row for row in rows}
        pairs = [(id_here, by_id[id_]) for id_, id_here in taken.ids_here.items()]
        columns = self.known.mapping.columns.get(kind.entity_type, ())
        taken.changed(await actions.fill_columns(tx, project_id, kind.entity_type, columns, pairs))
        if kind is SHOTS:
            taken.changed(await actions.complete_shots(tx, project_id, pairs))
        elif kind is ASSETS:
            changed, incomplete = await actions.cast_assets(tx, project_id, pairs)
            taken.changed(changed)
            taken.again |= incomplete
        elif kind is TASKS:
            taken.changed(await actions.complete_tasks(tx, project_id, pairs))
        elif kind is VERSIONS:
            await files.expect(tx, [id_here for id_here, row in pairs if movie_of(row)])
            await conversations.show_versions(tx, self.caller_id, project_id, pairs)
        elif kind is NOTES:
            new = [id_here for what, _, id_here in taken.outcomes.values() if what == "created" and id_here]
            await conversations.settle_notes(tx, project_id, new)

    async def _known(self, tx: Transaction, kind: Kind, project_id: UUID | None, rows: Sequence[Row]) -> Known:
        """What the records of a page are made with."""
        if project_id is None or kind not in (VERSIONS, NOTES):
            return self.known
        named = {task["id"] for row in rows for task in row.get("tasks") or ()}
        named |= {row["sg_task"]["id"] for row in rows if row.get("sg_task")}
        present = await tx.column(queries.tasks, project_id=project_id, numbers=sorted(named))
        without = [row for row in rows if not _names_task(row, set(present))]
        found = await self._tasks_of(tx, project_id, without)
        return replace(self.known, task_ids=frozenset([*present, *found.values()]), tasks=found)

    async def _tasks_of(self, tx: Transaction, project_id: UUID, rows: Sequence[Row]) -> dict[int, int]:
        """The tasks of rows that name none: that of the version a note is about, or the only one of an entity."""
        about = {row["id"]: _about(row) for row in rows}
        if not any(about.values()):
            return {}
        versions = sorted({link["id"] for links in about.values() for link in links if link["type"] == "Version"})
        entities = sorted({link["id"] for links in about.values() for link in links if link["type"] != "Version"})
        of_versions = await tx.rows(queries.tasks_of_versions, project_id=project_id, numbers=versions)
        of_entities = await tx.rows(queries.only_tasks, project_id=project_id, numbers=entities)
        tasks: dict[tuple[str, int], int] = {("Version", row["version"]): row["task"] for row in of_versions}
        tasks |= {(row["kind"], row["entity"]): row["task"] for row in of_entities}
        found = {}
        for id_, links in about.items():
            task_ids = [tasks[link["type"], link["id"]] for link in links if (link["type"], link["id"]) in tasks]
            if task_ids:
                found[id_] = task_ids[0]
        return found


def _names_task(row: Row, present: set[int]) -> bool:
    """Whether a row names a task that is here; a version that names another one belongs to that alone."""
    return bool(row.get("sg_task")) or any(task["id"] in present for task in row.get("tasks") or ())


def _about(row: Row) -> list[Mapping[str, Any]]:
    """What a row is about: versions before all else, since those have a task of their own."""
    links = [*(row.get("note_links") or ()), *([row["entity"]] if row.get("entity") else [])]
    known = [link for link in links if isinstance(link, Mapping) and "id" in link and "type" in link]
    return sorted(known, key=lambda link: link["type"] != "Version")
