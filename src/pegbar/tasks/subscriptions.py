"""What ends subscriptions. Source: spec user, "Worth fixing" 3. They are made in the workspace."""

from sqlalchemy import bindparam, text

from pegbar.core.data.schema import Uuid
from pegbar.productions.hooks import TEAM_LEFT, Parting

_FORGET = text(
    """
    DELETE FROM subscription s WHERE s.person_id = :person_id AND (
      EXISTS (SELECT 1 FROM task t WHERE t.id = s.task_id AND t.project_id = :project_id)
      OR EXISTS (SELECT 1 FROM entity e WHERE e.id = s.entity_id AND e.project_id = :project_id))
    """
).bindparams(bindparam("person_id", type_=Uuid), bindparam("project_id", type_=Uuid))


@TEAM_LEFT.register()
async def unsubscribe(parting: Parting) -> None:
    """Who leaves a team watches nothing of its production any more."""
    await parting.tx.execute(_FORGET, person_id=parting.person_id, project_id=parting.project_id)
