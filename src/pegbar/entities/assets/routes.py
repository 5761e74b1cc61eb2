"""Routes of assets. Source: spec entities."""

from uuid import UUID

from pegbar.core.access import manager_of
from pegbar.core.database import Json, Transaction
from pegbar.core.routing import found, post
from pegbar.entities import events
from pegbar.entities.assets import actions
from pegbar.entities.assets.actions import NewAsset
from pegbar.entities.kinds import ASSET
from pegbar.entities.queries import one_of_kind


@post(
    "/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/new",
    access=manager_of("project_id"),
    events=[events.NEW[ASSET]],
)
async def create_asset(project_id: UUID, asset_type_id: UUID, body: NewAsset, tx: Transaction) -> Json:
    """Make an asset. Several may share a name."""
    asset_id = await actions.create_asset(tx, project_id, asset_type_id, body)
    return found(await tx.json_row(one_of_kind(ASSET), entity_id=asset_id))
