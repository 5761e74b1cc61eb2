"""The runs of the commands: a pull of another server or of some productions of it, with what follows; a comparison."""

from dataclasses import dataclass
from uuid import UUID

from pegbar.core.data.database import Database
from pegbar.exchange.sync import peers
from pegbar.exchange.sync.actions import Writer
from pegbar.exchange.sync.binaries import Copier, FilesCompared, compare_files
from pegbar.exchange.sync.comparing import Compared, compare
from pegbar.exchange.sync.following import Follower, feed_start, follow
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.remote import Remote
from pegbar.exchange.sync.report import Report, Watcher
from pegbar.exchange.sync.staging import Scope, Staging


@dataclass(frozen=True)
class Options:
    """What a pull does."""

    files: bool = True
    passwords: bool = False
    deletes_any: bool = False
    interval: float = 2.0


async def pull_rows(
    db: Database, remote: Remote, scope: Scope, options: Options, report: Report, watcher: Watcher
) -> Peer:
    """Read all rows there, and write those that are new or differ; the peer, whose run is finished."""
    peer = await peers.open_peer(db, peers.name_of("pull", remote.url, scope.project_ids))
    if peer.resumed:
        watcher.say("Going on where the last run was interrupted.")
    start = await feed_start(remote)
    if not (peer.resumed and peer.cursor):
        # From before the rows are read: what changes while they are is followed.
        async with db.transaction() as tx:
            await peers.keep_cursor(tx, peer, start)
    staging = Staging(db, remote, peer, report, watcher, scope, options.passwords)
    await staging.read_all()
    async with db.transaction() as tx:
        writer = Writer(tx, peer, report, watcher, options.deletes_any)
        await writer.write()
        await peers.finish(tx, peer)
    return peer


async def pull(db: Database, remote: Remote, scope: Scope, options: Options, report: Report, watcher: Watcher) -> Peer:
    """Copy all rows, then the files; the peer."""
    peer = await pull_rows(db, remote, scope, options, report, watcher)
    if options.files:
        await Copier(db, remote, peer, report, watcher).copy()
    return peer


async def pull_on(
    db: Database, remote: Remote, scope: Scope, options: Options, report: Report, watcher: Watcher, peer: Peer
) -> None:
    """Follow after a pull, until somebody stops it."""
    staging = Staging(db, remote, peer, report, watcher, scope, options.passwords)

    async def copy_files(ids: set[UUID], again: frozenset[UUID]) -> None:
        if options.files:
            await Copier(db, remote, staging.peer, report, watcher).copy(sorted(ids), again=again)

    async def again() -> None:
        staging.peer = await pull(db, remote, scope, options, report, watcher)

    await follow(Follower(db, staging, copy_files), again=again, interval=options.interval)


@dataclass
class Verified:
    """How two servers differ."""

    rows: list[Compared]
    files: FilesCompared | None = None

    @property
    def same(self) -> bool:
        """Whether there is no difference."""
        return all(compared.same for compared in self.rows) and not (self.files and self.files.differing)


async def verify(
    db: Database, remote: Remote, scope: Scope, report: Report, watcher: Watcher, *, files: bool
) -> Verified:
    """Read everything there, and tell where this server differs; nothing is written but what the reading keeps."""
    peer = await peers.open_peer(db, peers.name_of("verify", remote.url, scope.project_ids))
    try:
        await Staging(db, remote, peer, report, watcher, scope).read_all()
        async with db.transaction() as tx:
            rows = await compare(tx, peer, scope, report)
        return Verified(rows, await compare_files(db, remote, peer, watcher) if files else None)
    finally:
        await peers.forget(db, peer)
