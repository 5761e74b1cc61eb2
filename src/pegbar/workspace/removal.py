"""What people's workspaces lose with entities and with productions. Source: spec crud, "projects", DELETE."""

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED, Removal
from pegbar.productions.deletion.parts import WORKSPACE, plain_part

plain_part(WORKSPACE, "saved filters", "search_filter")
#: Filters about another production, or none, are left in no group.
plain_part(
    WORKSPACE,
    "groups of saved filters",
    "search_filter_group",
    "UPDATE search_filter SET search_filter_group_id = NULL WHERE search_filter_group_id = ANY(:ids)",
)

#: One statement: foreign keys are checked at its end.
_REMOVE_CHATS = text(
    """
    WITH chats AS (DELETE FROM chat WHERE object_id = ANY(:ids) RETURNING id),
    messages AS (DELETE FROM chat_message WHERE chat_id IN (SELECT id FROM chats) RETURNING id),
    participants AS (DELETE FROM chat_participant WHERE chat_id IN (SELECT id FROM chats))
    DELETE FROM attachment_file WHERE chat_message_id IN (SELECT id FROM messages) RETURNING id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@ENTITIES_REMOVED.register(order=10)
async def remove_chats_of_entities(removal: Removal) -> None:
    """The chats about entities that are removed; the binaries of their attachments always go."""
    attachments = await removal.tx.column(_REMOVE_CHATS, ids=list(removal.entity_ids))
    stored = [Address("files", "attachments", each) for each in attachments]
    shown = [Address("pictures", "thumbnails", each) for each in attachments]
    await mark_deleted(removal.tx, [*stored, *shown], force=True)
