"""What somebody is on a production, for routes that learn which production only from their query or body."""

from uuid import UUID

import msgspec

from pegbar.core.access import Caller
from pegbar.core.database import Reader
from pegbar.core.errors import NotFound
from pegbar.productions import queries


async def caller_at(db: Reader, caller: Caller, project_id: UUID) -> Caller:
    """The caller with the facts about this production; 404 when there is none (an administrator needs none)."""
    found = await db.row(queries.membership, project_id=project_id, person_id=caller.id)
    if found is None and not caller.is_admin:
        raise NotFound(f"There is no production {project_id}.")
    in_team = found is not None and found["in_team"]
    role = found["role"] if found is not None else None
    return msgspec.structs.replace(caller, project_id=project_id, in_team=in_team, team_role=role)
