"""What people's workspaces lose when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.hooks import PROJECT_REMOVED, WORKSPACE, Removal, about_project

_SETS = {
    "chats": "SELECT id FROM chat WHERE object_id IN (SELECT id FROM entity WHERE project_id = :project_id)",
    "messages": "SELECT id FROM chat_message WHERE chat_id IN {chats}",
    "groups": "SELECT id FROM search_filter_group WHERE project_id = :project_id",
}
_ATTACHMENTS = about_project("SELECT id FROM attachment_file WHERE chat_message_id IN {messages}", **_SETS)
_STATEMENTS = about_project(
    "DELETE FROM attachment_file WHERE chat_message_id IN {messages}",
    "DELETE FROM chat_message WHERE chat_id IN {chats}",
    "DELETE FROM chat_participant WHERE chat_id IN {chats}",
    "DELETE FROM chat WHERE id IN {chats}",
    "DELETE FROM search_filter WHERE project_id = :project_id OR search_filter_group_id IN {groups}",
    "DELETE FROM search_filter_group WHERE project_id = :project_id",
    **_SETS,
)


@PROJECT_REMOVED.register(WORKSPACE)
async def remove_workspaces(removal: Removal) -> None:
    """Delete the saved filters about the production and the chats of its entities, while these are known."""
    await removal.forget_files(*_ATTACHMENTS)
    await removal.run(_STATEMENTS)
