"""Generic routes of chats and saved searches. Source: spec crud, sections of the same names."""

from sqlalchemy import update

from pegbar.core.data.changes import Change, Relation
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Resource
from pegbar.core.data.writes import writes
from pegbar.tasks.tables import attachment_file
from pegbar.workspace.tables import chat, chat_message, chat_participant, search_filter, search_filter_group

PARTICIPANTS = Relation("participants", chat_participant.c.chat_id, chat_participant.c.person_id)

chats = Resource(
    chat,
    path="/data/chats",
    of_production=True,
    type="Chat",
    writes=writes("object_id object_type last_message participants"),
    relations=(PARTICIPANTS,),
    tag="Chats",
)

_DETACH = (
    update(attachment_file).where(attachment_file.c.chat_message_id == param("message_id")).values(chat_message_id=None)
)


async def _detach(change: Change) -> None:
    await change.tx.execute(_DETACH, message_id=change.row(chat_message))


chat_messages = Resource(
    chat_message,
    path="/data/chat-messages",
    of_production=True,
    type="ChatMessage",
    writes=writes("chat_id person_id text"),
    relations=(Relation("attachment_files", attachment_file.c.chat_message_id, attachment_file.c.id, writable=False),),
    deleting=_detach,
    tag="Chats",
)

search_filters = Resource(
    search_filter,
    path="/data/search-filters",
    type="SearchFilter",
    writes=writes(
        "list_type entity_type name search_query is_shared department_id search_filter_group_id person_id",
        create="project_id",
    ),
    tag="Search filters",
)

search_filter_groups = Resource(
    search_filter_group,
    path="/data/search-filter-groups",
    type="SearchFilterGroup",
    writes=writes("list_type entity_type name color is_shared person_id department_id", create="project_id"),
    tag="Search filters",
)
