"""Uploads that a request uses in place of the files of its form.

A request that names an upload has it for itself until it is answered. Then it is used up; unless the request was
refused: it stays, to be used again.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from litestar import Request

from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError
from pegbar.core.http.forms import Upload
from pegbar.core.http.resumable import queries
from pegbar.core.http.resumable.actions import Elsewhere, find
from pegbar.core.http.resumable.parts import parts

log = structlog.get_logger()
#: Where a request keeps what it has claimed.
_CLAIMS = "pegbar.claims"


@dataclass(frozen=True)
class _Claim:
    id: UUID
    db: Database


async def claimed(request: Request[Any, Any, Any], person_id: UUID, upload_id: UUID, field: str) -> Upload:
    """A whole upload of the person, as a file of the form; `settle` ends the claim.

    Raises NotFound, and Elsewhere while it is not whole or another request uses it.
    """
    db: Database = request.app.state.database
    claim = _Claim(uuid4(), db)
    async with db.transaction(person_id) as tx:
        row = await tx.row(queries.claim, id=upload_id, person_id=person_id, claim_id=claim.id)
    if row is None:
        row = await find(db, person_id, upload_id)
        if row["received"] < row["length"]:
            raise Elsewhere(f"Of the upload {upload_id}, {row['received']} of {row['length']} bytes have arrived.")
        raise Elsewhere(f"Another request uses the upload {upload_id}.")
    scope: Any = request.scope
    scope.setdefault(_CLAIMS, []).append(claim)
    path = await parts().whole(db, upload_id)
    return Upload(field, row["name"], row["content_type"], path, row["length"])


def has_claims(request: Request[Any, Any, Any]) -> bool:
    """Whether a request has claimed an upload."""
    return _CLAIMS in request.scope


async def settle(request: Request[Any, Any, Any], *, used: bool) -> None:
    """End the claims of a request: what it used is removed, what it did not stays."""
    scope: Any = request.scope
    claims: list[_Claim] = scope.pop(_CLAIMS, [])
    if not claims:
        return
    try:
        await asyncio.shield(_settle(claims[0].db, [claim.id for claim in claims], used=used))
    except (ApiError, OSError) as error:
        # The request has its answer; the upload goes when it expires.
        log.error("an upload that was used could not be removed", exc_info=error)


async def _settle(db: Database, claim_ids: list[UUID], *, used: bool) -> None:
    async with db.transaction() as tx:
        if not used:
            await tx.execute(queries.release, claim_ids=claim_ids)
            return
        upload_ids = await tx.column(queries.use_up, claim_ids=claim_ids)
    await parts().remove(db, upload_ids)
