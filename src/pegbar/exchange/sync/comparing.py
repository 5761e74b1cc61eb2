"""Comparing staged rows of another server with those here: what a verification prints, and what a push sends."""

from dataclasses import dataclass, field
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.exchange.sync import links, queries
from pegbar.exchange.sync.actions import Writer
from pegbar.exchange.sync.parts import Part, parts
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.report import Nobody, Report
from pegbar.exchange.sync.staging import Scope

#: Rows of which it is told where they differ.
_SHOWN = 5


@dataclass
class Compared:
    """How the rows of a part differ."""

    part: Part
    there: int = 0
    only_there: list[UUID] = field(default_factory=list)
    only_here: list[UUID] = field(default_factory=list)
    differing: set[UUID] = field(default_factory=set)
    #: Of some that differ: in which columns and links.
    names: dict[UUID, list[str]] = field(default_factory=dict)

    @property
    def here(self) -> int:
        """How many rows are here."""
        return self.there - len(self.only_there) + len(self.only_here)

    @property
    def same(self) -> bool:
        """Whether there is no difference."""
        return not (self.only_there or self.only_here or self.differing)


async def compare(tx: Transaction, peer: Peer, scope: Scope, report: Report) -> list[Compared]:
    """How the rows here differ from those staged, part by part. Rows of the studio may be here only, in a scope."""
    writer = Writer(tx, peer, report, Nobody())
    return [await _compare_part(tx, writer, peer, part, scope) for part in parts()]


async def _compare_part(tx: Transaction, writer: Writer, peer: Peer, part: Part, scope: Scope) -> Compared:
    told = await writer.incoming(part)
    compared = Compared(part, there=writer.report.of(part.name).there)
    of_peer = {"peer_id": peer.id, "run": peer.run}
    owners = {}
    if told:
        for row in await tx.rows(queries.compared(part, told)):
            if row["is_missing"]:
                compared.only_there.append(row["id"])
            else:
                compared.differing.add(row["id"])
        for link in part.links:
            if link.key in told:
                owners[link.key] = set(await tx.column(links.differing_links(part, link), **of_peer))
                compared.differing |= owners[link.key]
    if not scope:
        compared.only_here = await tx.column(queries.only_here(part, scoped=False))
    elif part.belongs:
        project_ids = list(scope.project_ids)
        compared.only_here = await tx.column(queries.only_here(part, scoped=True), project_ids=project_ids)
    for row_id in sorted(compared.differing)[:_SHOWN]:
        columns = await tx.value(queries.differing_columns(part, told), row_id=row_id) or []
        compared.names[row_id] = [*columns, *(key for key, ids in owners.items() if row_id in ids)]
    return compared
