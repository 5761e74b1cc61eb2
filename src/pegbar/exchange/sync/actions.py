"""Writing staged rows where they belong: all of a run in one transaction, some statements for each table.

The other server is right: rows get its values and its ids. A row here that has the key of one that came (a task type of
the default data set, say) is merged into it: what named it names the other. What a former run brought and the other
server has no more goes, with what goes with it; what was made here stays. Nothing is told to anybody: these are no
news. Raises CannotRun, and then nothing is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Transaction
from pegbar.core.data.removal import columns_naming, remove, undeclared
from pegbar.core.data.schema import Uuid, default_of
from pegbar.core.errors import CannotRun
from pegbar.core.live.events import Emission
from pegbar.exchange.sync import links, queries
from pegbar.exchange.sync.parts import Part, parts
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.report import Report, Watcher
from pegbar.productions.deletion.emptying import remove_rest, remove_row

#: More rows than this, and a bigger share of those known, are not deleted unless somebody says that it is right.
_MANY, _SHARE = 50, 0.25


@dataclass
class Written:
    """Rows that were written, by table: for those who are told."""

    new: dict[str, set[UUID]] = field(default_factory=dict)
    changed: dict[str, set[UUID]] = field(default_factory=dict)

    def add(self, part: Part, new: Iterable[UUID], changed: Iterable[UUID]) -> None:
        """Count rows; one that is new is not changed besides."""
        self.new.setdefault(part.name, set()).update(new)
        ids = self.changed.setdefault(part.name, set())
        ids |= set(changed) - self.new[part.name]


@dataclass
class Writer:
    """Writes the staged rows of a peer's run."""

    tx: Transaction
    peer: Peer
    report: Report
    watcher: Watcher
    #: Whether any number of rows may be deleted.
    deletes_any: bool = False
    written: Written = field(default_factory=Written)
    #: Rows whose key was taken by another one that came, and which did not come themselves.
    moved: dict[str, set[UUID]] = field(default_factory=dict)
    _told: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def _of_peer(self) -> dict[str, Any]:
        return {"peer_id": self.peer.id, "run": self.peer.run}

    async def write(self, chosen: Sequence[Part] | None = None) -> None:
        """Write the rows of all parts, or of some."""
        chosen = parts() if chosen is None else chosen
        self.watcher.begin("writing", len(chosen))
        gone = {part.name: await self._gone(part) for part in chosen}
        for part in chosen:
            await self._write_rows(part, set(gone[part.name]))
            self.watcher.advance("writing", 1)
        for part in chosen:
            await self._write_rest(part)
        for part in chosen:
            await self.delete(part, gone[part.name])
        for part in chosen:
            counts = self.report.of(part.name)
            counts.created += len(self.written.new.get(part.name, ()))
            counts.changed += len(self.written.changed.get(part.name, ()))
        self.watcher.end("writing")

    async def incoming(self, part: Part) -> frozenset[str]:
        """Make the temporary table of a part's rows; the columns that the other server tells."""
        defaults = {
            column.name: default_of(column)
            for column in (*part.columns, *part.filled)
            if column.default is not None and column.name not in ("id", "created_at", "updated_at")
        }
        if "updated_at" in part.table.c:
            defaults |= dict.fromkeys(("created_at", "updated_at"), "2000-01-01T00:00:00")
        await self.tx.execute(queries.make_incoming(part))
        self.report.of(part.name).there += await self.tx.execute(
            queries.fill_incoming(part), defaults=defaults, **self._of_peer
        )
        await self.tx.execute(queries.index_incoming(part))
        await self.tx.execute(queries.analyze_incoming(part))
        told = frozenset(await self.tx.column(queries.told_keys(part), **self._of_peer))
        self._told[part.name] = told
        return told

    async def _write_rows(self, part: Part, gone: set[UUID]) -> None:
        told = await self.incoming(part)
        if not told:
            return
        merges = await self._make_way(part, gone)
        rows = await self.tx.rows(queries.write(part, told))
        new = {row["id"] for row in rows if row["is_new"]}
        self.written.add(part, new, [row["id"] for row in rows if not row["is_new"]])
        for here, came in merges.items():
            await self._merge(part, here, came)

    async def _write_rest(self, part: Part) -> None:
        """What waits for all rows: references in circles, links, and what is told of those left out."""
        told = self._told[part.name]
        if not told:
            return
        if (late := queries.write_late(part, told)) is not None:
            self.written.add(part, (), await self.tx.column(late))
        for link in part.links:
            if link.key in told:
                for statement in (
                    links.unlink(part, link),
                    links.add_links(part, link),
                    links.change_links(part, link),
                ):
                    if statement is not None:
                        self.written.add(part, (), await self.tx.column(statement, **self._of_peer))
        if part.name == "person":
            await self.tx.execute(queries.set_passwords, **self._of_peer)
        left_out = await self.tx.column(queries.left_out(part))
        if left_out:
            self.report.of(part.name).left_out += len(left_out)
            self.report.problem(
                f"{part.title}: {len(left_out)} are left out, which name something that is not there: "
                f"{', '.join(map(str, left_out[:3]))}…"
            )

    # Keys

    async def _make_way(self, part: Part, gone: set[UUID]) -> dict[UUID, UUID]:
        """Free the keys of rows that came from other rows; those to merge, with what they are merged into."""
        merges: dict[UUID, UUID] = {}
        for key in part.keys:
            if key.columns == part.identity or any(part.table.c[name] not in part.columns for name in key.columns):
                continue
            rows = await self.tx.rows(queries.conflicts(part, key), peer_id=self.peer.id)
            merges |= {row["here"]: row["came"] for row in rows if not row["is_known"]}
            self.moved.setdefault(part.name, set()).update(
                row["here"] for row in rows if row["is_known"] and not row["comes"] and row["here"] not in gone
            )
            if part.name == "project" and merges:
                names = await self.tx.column(queries.project_names, ids=list(merges))
                raise CannotRun(
                    f"A production named {', '.join(map(repr, names))} is here already, and is another one than that "
                    "of the other server. Rename one of the two."
                )
            ids = [row["here"] for row in rows]
            if not ids:
                continue
            statement = queries.step_aside(part, key)
            if statement is not None:
                await self.tx.execute(statement, ids=ids)
            elif key.columns and part.table.c[key.columns[0]].foreign_keys and part.belongs:
                await remove(self.tx, part.table, ids)
                self._hush()
        return merges

    async def _merge(self, part: Part, here: UUID, came: UUID) -> None:
        """Let everything that names a row name the one that came in its stead; what stays here goes over to it."""
        for column in columns_naming(part.table):
            if isinstance(column.type, Uuid):
                moving, clearing = queries.renaming(column)
                await self.tx.execute(moving, here_id=here, came_id=came)
                if clearing is not None:
                    await self.tx.execute(clearing, here_id=here)
        row = await self.tx.row(queries.take(part), here_id=here)
        assert row is not None
        kept = {column.name: row[column.name] for column in part.hidden if row[column.name] is not None}
        if kept:
            stamp = await self.tx.value(queries.stamp(part), row_id=came)
            await self.tx.update(part.table, came, **kept, updated_at=stamp)

    # Deletions

    async def _gone(self, part: Part) -> list[UUID]:
        ids = await self.tx.column(queries.vanished, peer_id=self.peer.id, table_name=part.name, run=self.peer.run)
        if len(ids) > _MANY and not self.deletes_any:
            known = await self.tx.value(queries.known_count, peer_id=self.peer.id, table_name=part.name)
            if len(ids) > known * _SHARE:
                raise CannotRun(
                    f"{len(ids)} of {known} {part.title} are no more on the other server. If that is right, say so "
                    "with --delete-many."
                )
        return ids

    async def delete(self, part: Part, ids: Sequence[UUID]) -> set[UUID]:
        """Delete rows, with what goes with them; those that were here. Rows that are still named stay."""
        present = await self.tx.column(queries.present(part), ids=list(ids)) if ids else []
        if not present:
            return set()
        if part.name == "project":
            for project_id in present:
                await remove_rest(self.tx, project_id)
                await remove_row(self.tx, project_id)
        elif not undeclared(part.table):
            await remove(self.tx, part.table, present)
        else:
            present = [row_id for row_id in present if await self._delete_unnamed(part, row_id)]
        self._hush()
        self.report.of(part.name).deleted += len(present)
        return set(present)

    async def _delete_unnamed(self, part: Part, row_id: UUID) -> bool:
        try:
            async with self.tx.attempt():
                for link in part.links:
                    await self.tx.delete(link.table, **{link.owner.name: row_id})
                await self.tx.delete(part.table, id=row_id)
        except asyncpg.ForeignKeyViolationError:
            self.report.problem(f"{part.title}: {row_id} is gone there, and stays here: it is still used")
            return False
        return True

    def _hush(self) -> None:
        """What goes with a copy is no news: whoever follows is told by `follow.py`."""
        self.tx.drop(Emission, lambda _: True)


__all__ = ["Writer", "Written"]
