"""A studio comes over: kind by kind, in the order in which rows name one another, page by page, each page whole.

How far each kind of each production was read is kept (`passes.py`) with every page: a run that was stopped goes on
there, and the next one asks for what changed since.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from pegbar.core.data.causes import of_import
from pegbar.core.data.database import Database
from pegbar.exchange.shotgrid.importing import take_records
from pegbar.exchange.shotgrid.site import actions, conversations, gone, passes, queries
from pegbar.exchange.shotgrid.site.client import PAGE, NotReadable, Row, Site, SiteError
from pegbar.exchange.shotgrid.site.files import Files
from pegbar.exchange.shotgrid.site.mapping import SiteMapping
from pegbar.exchange.shotgrid.site.passes import Pass
from pegbar.exchange.shotgrid.site.records import (
    ASSETS,
    EPISODES,
    NOTES,
    OF_PROJECT,
    PERSONS,
    PROJECTS,
    REPLIES,
    TASKS,
    VERSIONS,
    Kind,
    Known,
    movie_of,
)
from pegbar.exchange.shotgrid.site.rehearsal import rehearsal
from pegbar.exchange.shotgrid.site.report import SiteReport, examples
from pegbar.exchange.shotgrid.site.survey import Survey
from pegbar.exchange.shotgrid.site.taking import Taken, Taker

#: Notes bring files with them: fewer at once, so that less is done again after a stop.
_NOTES = 100
#: Counted on when an import brings more of the rows that it reads: all are read again then.
_FORM = 1
#: Ids that are asked for at once.
_IDS = 500


class Progress(Protocol):
    """Whoever shows how far it is."""

    def begin(self, label: str, total: int | None) -> None:
        """Something begins; of so many."""

    def advance(self, count: int) -> None:
        """So many are done."""


@dataclass
class Production:
    """A production of the site, and what it is here."""

    row: Row
    id: UUID | None = None
    name: str = ""

    @property
    def link(self) -> Row:
        """How filters name it."""
        return {"type": "Project", "id": self.row["id"]}


@dataclass
class Batch:
    """Rows that were read, with how far their kind is read then."""

    kind: Kind
    production: Production | None
    rows: list[Row]
    state: Pass | None = None
    ends: bool = False  #: nothing of this kind follows


@dataclass
class Import:
    """One run."""

    db: Database
    site: Site
    caller_id: UUID
    survey: Survey
    mapping: SiteMapping
    productions: Sequence[Production]
    report: SiteReport
    progress: Progress
    full: bool = False  #: read all again, not only what changed
    files: bool = True
    remove_gone: bool = False  #: take away what was deleted there
    dry_run: bool = False
    taker: Taker = field(init=False)

    @property
    def digest(self) -> str:
        """Of what decides what comes of a row: what was read under another one is read again."""
        return hashlib.sha256(f"{_FORM} {self.site.url} {self.mapping.digest}".encode()).hexdigest()[:40]

    async def run(self) -> None:
        """Bring everything over, or tell what would come."""
        with of_import():
            await self._run()

    async def _run(self) -> None:
        await self._place_productions()
        async with AsyncExitStack() as stack:
            batches = self._batches()
            if self.dry_run:
                # All is read first: a rehearsal holds the rows that it changes.
                batches = _replayed([batch async for batch in batches])
                self.db = await stack.enter_async_context(rehearsal(self.db))
            known = Known(self.mapping, groups=self.survey.groups)
            self.taker = Taker(self.db, self.caller_id, self.site.url, known)
            await self._statuses_and_steps()
            await self.taker.meet()
            async for batch in batches:
                await self._take(batch)
        if not self.dry_run:
            await self._fetch_files()
        for entity_type, fields in self.site.hidden.items():
            if fields:
                self.report.remark(
                    f"The script may not read these fields of {entity_type}: {', '.join(sorted(fields))}"
                )
        self.report.requests, self.report.finished = self.site.requests, True

    # What is there

    async def _place_productions(self) -> None:
        """Find out which productions are here already. Raises SiteError for one of the name that is another."""
        numbers = [production.row["id"] for production in self.productions]
        names = [production.row["name"].lower() for production in self.productions]
        rows = await self.db.rows(queries.productions, numbers=numbers, names=names)
        here = {row["shotgun_id"]: row for row in rows if row["shotgun_id"] is not None}
        others = {row["name"].lower() for row in rows if row["shotgun_id"] is None}
        for production in self.productions:
            row = here.get(production.row["id"])
            name = production.row["name"]
            if row is not None:
                production.id, production.name = row["id"], row["name"]
            elif name.lower() in others:
                raise SiteError(f"There is a production {name!r} here that is not from ShotGrid. Rename it first.")
            else:
                production.name = name

    async def _statuses_and_steps(self) -> None:
        """Make the statuses and task types that are not here; those that are stay as they are."""
        names = {row["code"]: self.mapping.statuses[row["code"]] for row in self.survey.contents.task_statuses}
        present = set(await self.db.column(queries.short_names))
        wanted: dict[str, Row] = {}
        tally = self.report.of("Statuses")
        for row in self.survey.contents.task_statuses:
            short_name = names[row["code"]]
            if short_name in present or short_name in wanted:
                tally.add("unchanged", row["id"])
                continue
            own_name = row.get("name") if short_name == row["code"] else None
            record = {"id": row["id"], "name": (own_name or short_name)[:40], "code": short_name}
            wanted[short_name] = record | {"bg_color": row.get("bg_color")}
        await self._records("status", list(wanted.values()), "Statuses")
        await self._steps()

    async def _steps(self) -> None:
        task_types, stands_for = self.mapping.task_types, self.mapping.stands_for
        steps = [row for row in self.survey.contents.steps if stands_for.get(row["id"]) == row["id"]]
        names = {row["id"]: task_types[row["id"]] for row in steps}
        present = await self.db.write(self.caller_id, lambda tx: actions.adopt_task_types(tx, steps, names))
        for id_ in present:
            self.report.of("Steps").add("unchanged", id_)
        records = [
            {
                "id": row["id"],
                "code": names[row["id"]],
                "short_name": (row.get("short_name") or "")[:20],
                "color": row.get("color"),
                "entity_type": row.get("entity_type") or "Asset",
            }
            for row in steps
            if row["id"] not in present
        ]
        await self._records("steps", records, "Steps")

    async def _records(self, kind: str, records: list[Row], label: str) -> None:
        """Take records that are made here, not read."""
        report = await self.db.write(
            self.caller_id, lambda tx: take_records(tx, self.caller_id, kind, records, stop=False)
        )
        for outcome in report.outcomes:
            what = "skipped" if outcome.what == "refused" else outcome.what
            self.report.of(label).add(what, outcome.shotgrid_id or 0, outcome.reason)

    # Reading

    async def _batches(self) -> AsyncIterator[Batch]:
        """All rows to take, in their order."""
        async for batch in self._site_wide(PERSONS, []):
            yield batch
        yield Batch(PROJECTS, None, [production.row for production in self.productions], ends=True)
        for production in self.productions:
            for kind in (*OF_PROJECT, REPLIES):
                if not self.survey.has(kind.entity_type):
                    continue
                async for batch in self._of_production(kind, production):
                    yield batch

    async def _site_wide(self, kind: Kind, filters: list[Any]) -> AsyncIterator[Batch]:
        async for rows in self._pages(kind, kind.label, filters):
            yield Batch(kind, None, rows)
        yield Batch(kind, None, [], ends=True)

    async def _of_production(self, kind: Kind, production: Production) -> AsyncIterator[Batch]:
        """What of a kind changed since the last run, then what could not come over before."""
        state = await passes.load(self.db, production.id, kind.name, self.digest, anew=self.full)
        is_first = state.read_until is None
        state.begin(self.site.clock)
        of_project = [kind.project, "is", production.link]
        label = f"{kind.label} of {production.name}"
        fields = self.survey.contents.fields.get(kind.entity_type, {})
        # Links between rows may not say when they were changed: they are few, and all read.
        changed = state.filters if not fields or "updated_at" in fields else []
        try:
            async for rows in self._pages(kind, label, [of_project, *changed], after=state.last_id):
                yield Batch(kind, production, rows, state)
        except NotReadable as error:
            if kind.required:
                raise
            self.report.remark(f"{kind.label} are left out: {error}")
            return
        waiting = sorted(state.waiting)
        for start in range(0, len(waiting), _IDS):
            some = [of_project, ["id", "in", waiting[start : start + _IDS]]]
            yield Batch(kind, production, await self.site.rows(kind.entity_type, some, self._fields(kind)), state)
        if not is_first and kind in gone.KINDS:
            await self._look_for_gone(kind, production, of_project)
        yield Batch(kind, production, [], state, ends=True)

    def _fields(self, kind: Kind) -> list[str]:
        return kind.wanted(self.mapping, self.survey.contents.fields.get(kind.entity_type, {}))

    async def _pages(self, kind: Kind, label: str, filters: list[Any], *, after: int = 0) -> AsyncIterator[list[Row]]:
        """Pages of a kind, with their progress. How many rows there are is asked for when there are more than one."""
        size = _NOTES if kind is NOTES else PAGE
        is_first = True
        async for rows in self.site.pages(kind.entity_type, filters, self._fields(kind), after=after, size=size):
            if is_first:
                total = len(rows)
                if total == size:
                    total = await self.site.count(kind.entity_type, [*filters, ["id", "greater_than", after]]) or 0
                self.progress.begin(label, total or None)
                is_first = False
            yield rows
            self.progress.advance(len(rows))

    async def _look_for_gone(self, kind: Kind, production: Production, of_project: list[Any]) -> None:
        """Note what was deleted there and is still here, or take it away too."""
        assert production.id is not None
        numbers: list[int] = []
        async for rows in self.site.pages(kind.entity_type, [of_project], ["id"], retired=True):
            numbers += [row["id"] for row in rows]
        still_here = await gone.still_here(self.db, kind, production.id, numbers)
        if not still_here:
            return
        if self.remove_gone and not self.dry_run:
            await gone.remove(self.db, self.caller_id, kind, production.id, list(still_here))
        label = f"{kind.label} deleted in ShotGrid"
        what = "still here: --remove-gone takes them away"
        if self.remove_gone:
            what = "would be removed here" if self.dry_run else "removed here"
        self.report.remark(f"{label}: {len(still_here)} {what} ({examples(sorted(still_here.values()))})")

    # Taking

    async def _take(self, batch: Batch) -> None:
        kind, production = batch.kind, batch.production
        tally = self.report.of(kind.label)
        if batch.rows:
            self.report.of(PERSONS.label).more["created"] += await self.taker.strangers(batch.rows)
            taken = await self._taken(batch)
            for id_, (what, reason, _) in taken.outcomes.items():
                tally.add(what, id_, reason)
            await self._after(batch, taken)
        if production is None or batch.state is None:
            if kind is PERSONS:
                await self.taker.meet()
            return
        if batch.ends:
            batch.state.end()
        if not self.dry_run:
            batch.state.project_id = production.id
            await passes.store(self.db, batch.state)
        if batch.ends and kind in (EPISODES, ASSETS, TASKS) and production.id is not None:
            project_id = production.id
            await self.db.write(self.caller_id, lambda tx: actions.complete_settings(tx, project_id))

    async def _taken(self, batch: Batch) -> Taken:
        kind, production = batch.kind, batch.production
        self.taker.known.project_name = production.name if production else ""
        if kind is PROJECTS:
            return await self._take_productions()
        project_id = production.id if production else None
        if kind is not REPLIES:
            return await self.taker.page(kind, project_id, batch.rows)
        assert project_id is not None
        outcomes = await self.db.write(
            self.caller_id, lambda tx: conversations.add_replies(tx, self.site.url, project_id, batch.rows)
        )
        taken = Taken({id_: (what, reason, None) for id_, (what, reason) in outcomes.items()})
        taken.again = {id_ for id_, (what, _) in outcomes.items() if what == "skipped"}
        return taken

    async def _take_productions(self) -> Taken:
        """Make the productions that are not here; the others keep the name and state that they have here."""
        taken = Taken()
        new = [production for production in self.productions if production.id is None]
        if new:
            taken = await self.taker.page(PROJECTS, None, [production.row for production in new])
        for production in self.productions:
            number = production.row["id"]
            if production.id is not None:
                taken.outcomes[number] = ("unchanged", "", production.id)
                continue
            what, reason, production.id = taken.outcomes[number]
            if production.id is None:
                raise SiteError(f"The production {production.row['name']!r} cannot be made here ({what}): {reason}")
        return taken

    async def _after(self, batch: Batch, taken: Taken) -> None:
        """What follows a page: attached files, and the notes of what is to be tried again."""
        state, production = batch.state, batch.production
        if state is None or production is None:
            return
        ids = {row["id"] for row in batch.rows}
        again = set(taken.again)
        if batch.kind is NOTES:
            again |= await self._attachments(production, batch.rows, taken)
        state.waiting = (state.waiting - ids) | again
        # Rows that were waiting are read after all others, whatever their ids.
        state.last_id = max(state.last_id, *ids)
        if self.dry_run and batch.kind is VERSIONS:
            new = [row for row in batch.rows if taken.outcomes[row["id"]][0] == "created" and movie_of(row)]
            self.report.of("Files").more["created"] += len(new)

    # Files

    async def _attachments(self, production: Production, rows: Sequence[Row], taken: Taken) -> set[int]:
        """Attach the files of notes; the ids of notes of which some are still to come."""
        with_files = [row for row in rows if row.get("attachments") and row["id"] in taken.ids_here]
        tally = self.report.of("Attachments")
        if self.dry_run:
            new = [row for row in with_files if taken.outcomes[row["id"]][0] == "created"]
            tally.more["created"] += sum(len(row["attachments"]) for row in new)
            return set()
        if not self.files:
            return {row["id"] for row in with_files}
        assert production.id is not None
        fetcher = Files(self.db, self.site, self.caller_id, production.id, lambda _: None)
        comments = {row["id"]: taken.ids_here[row["id"]] for row in with_files}
        return await fetcher.attachments(comments, with_files, tally)

    async def _fetch_files(self) -> None:
        if not self.files:
            return
        for production in self.productions:
            assert production.id is not None
            fetcher = Files(self.db, self.site, self.caller_id, production.id, self._file_advanced(production.name))
            await fetcher.movies(self.report.of("Files"))

    def _file_advanced(self, name: str) -> Callable[[int | None], None]:
        def advance(total: int | None) -> None:
            if total is None:
                self.progress.advance(1)
            else:
                self.progress.begin(f"Files of {name}", total)

        return advance


async def _replayed(batches: Sequence[Batch]) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch
