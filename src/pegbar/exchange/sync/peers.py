"""The other servers that this one copies from or to, and how far that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.exchange.sync import queries
from pegbar.exchange.sync.tables import sync_peer


@dataclass
class Peer:
    """Another server, for one purpose. A run goes on until it is finished, however often it is started."""

    id: UUID
    run: int
    cursor: Any = None
    resumed: bool = False


def name_of(purpose: str, url: str, project_ids: Iterable[UUID]) -> str:
    """What a peer is kept under: its purpose, address and productions."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/api")
    return " ".join([purpose, f"{parts.scheme}://{parts.netloc}{path}", *sorted(map(str, project_ids))])


async def open_peer(db: Database, name: str) -> Peer:
    """The peer of this name: in the run that was interrupted, else in a new one."""
    async with db.transaction() as tx:
        row = await tx.row(queries.peer, name=name)
        if row is None:
            peer_id = uuid4()
            await tx.insert(sync_peer, id=peer_id, name=name, run=1, started_at=utc_now())
            return Peer(peer_id, 1)
        if row["finished_at"] is None:
            return Peer(row["id"], row["run"], row["cursor"], resumed=True)
        await _set(tx, row["id"], run=row["run"] + 1, started_at=utc_now(), finished_at=None)
        await tx.execute(queries.forget_lists, peer_id=row["id"])
        return Peer(row["id"], row["run"] + 1, row["cursor"])


async def _set(tx: Transaction, peer_id: UUID, **values: Any) -> None:
    await tx.update(sync_peer, peer_id, **values)


async def keep_cursor(tx: Transaction, peer: Peer, cursor: Any) -> None:
    """Remember up to where the other server's events are followed."""
    peer.cursor = cursor
    await _set(tx, peer.id, cursor=cursor)


async def finish(tx: Transaction, peer: Peer) -> None:
    """The run is done: the next one starts anew, and only knows which rows there were."""
    await tx.execute(queries.empty_rows, peer_id=peer.id)
    await tx.execute(queries.forget_vanished, peer_id=peer.id, run=peer.run)
    await tx.execute(queries.forget_lists, peer_id=peer.id)
    await _set(tx, peer.id, finished_at=utc_now())


async def forget(db: Database, peer: Peer) -> None:
    """Forget a peer that was for one comparison."""
    async with db.transaction() as tx:
        await tx.delete(sync_peer, id=peer.id)
