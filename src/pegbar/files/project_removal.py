"""What files leave when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.hooks import FILES, PROJECT_REMOVED, Removal, about_project

_SETS = {
    "entities": "SELECT id FROM entity WHERE project_id = :project_id",
    "working": """SELECT id FROM working_file WHERE entity_id IN {entities}
                      OR task_id IN (SELECT id FROM task WHERE project_id = :project_id)""",
    "instances": """SELECT id FROM asset_instance WHERE asset_id IN {entities} OR scene_id IN {entities}
                        OR entity_id IN {entities} OR target_asset_id IN {entities}""",
    "outputs": """SELECT id FROM output_file WHERE entity_id IN {entities} OR temporal_entity_id IN {entities}
                      OR asset_instance_id IN {instances} OR source_file_id IN {working}""",
}
_FILES = about_project("{outputs}", "{working}", **_SETS)
_STATEMENTS = about_project(
    "UPDATE preview_file SET source_file_id = NULL WHERE source_file_id IN {outputs}",
    "DELETE FROM output_file WHERE id IN {outputs}",
    "DELETE FROM working_file WHERE id IN {working}",
    **_SETS,
)


@PROJECT_REMOVED.register(FILES)
async def remove_files(removal: Removal) -> None:
    """Delete the output and working files of the production's entities, instances and tasks."""
    await removal.forget_files(*_FILES)
    await removal.run(_STATEMENTS)
