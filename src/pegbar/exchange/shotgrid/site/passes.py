"""How far a site was read, so that a run goes on where the last one ended, and reads no more than what changed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, Integer, String

#: The clocks of a site's machines may differ by so much.
_OVERLAP = timedelta(minutes=2)

_READ = sql("SELECT * FROM pegbar.shotgrid_pass WHERE project_id = :project_id AND kind = :kind", kind=String)
_STORE = sql(
    """
    INSERT INTO pegbar.shotgrid_pass (project_id, kind, digest, read_until, began, last_id, waiting)
    VALUES (:project_id, :kind, :digest, :read_until, :began, :last_id, :waiting)
    ON CONFLICT (project_id, kind) DO UPDATE SET
      digest = excluded.digest, read_until = excluded.read_until, began = excluded.began, last_id = excluded.last_id,
      waiting = excluded.waiting
    WHERE (shotgrid_pass.digest, shotgrid_pass.read_until, shotgrid_pass.began, shotgrid_pass.last_id,
           shotgrid_pass.waiting)
          IS DISTINCT FROM (excluded.digest, excluded.read_until, excluded.began, excluded.last_id, excluded.waiting)
    """,
    kind=String,
    digest=String,
    read_until=TIMESTAMP,
    began=TIMESTAMP,
    last_id=Integer,
    waiting=JSONB,
)


@dataclass
class Pass:
    """How far the rows of a kind that belong to a production were read."""

    project_id: UUID | None  #: none of a production that is not here yet
    kind: str
    digest: str
    read_until: datetime | None = None
    began: datetime | None = None
    last_id: int = 0
    waiting: set[int] = field(default_factory=set)

    @property
    def filters(self) -> list[Any]:
        """What rows to ask for, besides those of the production."""
        if self.read_until is None:
            return []
        return [["updated_at", "greater_than", self.read_until.strftime("%Y-%m-%dT%H:%M:%SZ")]]

    def begin(self, clock: datetime | None) -> None:
        """Begin, unless a pass is under way; `clock` is the site's time."""
        if self.began is None and clock is not None:
            self.began, self.last_id = clock - _OVERLAP, 0

    def end(self) -> None:
        """All rows were read."""
        self.read_until, self.began, self.last_id = self.began, None, 0


async def load(db: Database, project_id: UUID | None, kind: str, digest: str, *, anew: bool) -> Pass:
    """How far a kind was read; not at all, when the site or its mapping is another one since."""
    row = None
    if project_id is not None:
        row = await db.row(_READ, project_id=project_id, kind=kind)
    if row is None or row["digest"] != digest or anew:
        return Pass(project_id, kind, digest)
    return Pass(**{**dict(row), "waiting": set(row["waiting"])})


async def store(db: Database, state: Pass) -> None:
    """Keep how far a kind was read."""
    async with db.transaction() as tx:
        await tx.execute(_STORE, **{**vars(state), "waiting": sorted(state.waiting)})
