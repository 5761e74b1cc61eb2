"""What entities leave when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.hooks import ENTITIES, PROJECT_REMOVED, Removal, about_project

_STATEMENTS = about_project(
    "DELETE FROM entity_link WHERE entity_in_id IN {entities} OR entity_out_id IN {entities}",
    "DELETE FROM entity_concept_link WHERE entity_in_id IN {entities} OR entity_out_id IN {entities}",
    "DELETE FROM entity_version WHERE entity_id IN {entities}",
    "DELETE FROM asset_instance_link WHERE entity_id IN {entities} OR asset_instance_id IN {instances}",
    "DELETE FROM asset_instance WHERE id IN {instances}",
    "UPDATE entity SET parent_id = NULL WHERE parent_id IN {entities} AND project_id <> :project_id",
    "UPDATE entity SET source_id = NULL WHERE source_id IN {entities} AND project_id <> :project_id",
    "DELETE FROM entity WHERE project_id = :project_id",
    entities="SELECT id FROM entity WHERE project_id = :project_id",
    instances="""SELECT id FROM asset_instance WHERE asset_id IN {entities} OR scene_id IN {entities}
                     OR entity_id IN {entities} OR target_asset_id IN {entities}""",
)


@PROJECT_REMOVED.register(ENTITIES)
async def remove_entities(removal: Removal) -> None:
    """Delete the entities with their castings, instances and versions, also where other productions cast them."""
    await removal.run(_STATEMENTS)
