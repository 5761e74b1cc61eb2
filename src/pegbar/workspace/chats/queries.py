"""Reads of the chats of entities. Source: spec tasks, "Chats"; spec user, GET /data/user/chats."""

from sqlalchemy import ColumnElement, exists, select

from pegbar.accounts.standing import as_text, is_open_state, on, somebody_written, written
from pegbar.core.data.parameters import CALLER_ID, param, sql
from pegbar.core.data.wire import Wire, json_list, json_object, wire_of
from pegbar.entities.naming import FULL_NAME, JOINS
from pegbar.tasks.tables import attachment_file
from pegbar.workspace.resources import PARTICIPANTS
from pegbar.workspace.tables import chat, chat_message, chat_participant

_ENTITY_ID = param("entity_id")
_CHAT_ID = param("chat_id")
_MESSAGE_ID = param("message_id")
_FILE = wire_of(attachment_file).only("id", "name", "extension")


def _files(wire: Wire) -> ColumnElement[str]:
    return json_list(
        select(json_object(wire))
        .where(attachment_file.c.chat_message_id == chat_message.c.id)
        .order_by(attachment_file.c.name, attachment_file.c.id)
        .correlate(chat_message)
    )


MESSAGE = wire_of(chat_message, "ChatMessage")
LISTED = MESSAGE.but(attachment_files=_files(_FILE))
#: The answer to a message: its files with their sizes, if it has some.
posted = select(json_object(MESSAGE)).where(chat_message.c.id == _MESSAGE_ID)
posted_with_files = select(
    json_object(MESSAGE.but(attachment_files=_files(wire_of(attachment_file).only("id", "name", "extension", "size"))))
).where(chat_message.c.id == _MESSAGE_ID)

#: The chat of an entity. Where an older server made two, it is the first.
chat_of_entity = (
    select(chat.c.id)
    .where(chat.c.object_id == _ENTITY_ID, chat.c.object_type == "entity")
    .order_by(chat.c.created_at, chat.c.id)
    .limit(1)
)

CHAT = wire_of(chat, "Chat")
joined = select(json_object(CHAT)).where(chat.c.id == _CHAT_ID)
WHOLE = CHAT.but(
    participants=PARTICIPANTS.ids(chat),
    messages=json_list(
        select(json_object(LISTED))
        .where(chat_message.c.chat_id == chat.c.id)
        .order_by(chat_message.c.created_at, chat_message.c.id)
        .correlate(chat)
    ),
)
whole = select(json_object(WHOLE)).where(chat.c.id == chat_of_entity.scalar_subquery())

messages = (
    select(json_object(LISTED))
    .where(chat_message.c.chat_id == chat_of_entity.scalar_subquery())
    .order_by(chat_message.c.created_at, chat_message.c.id)
)

#: One message (`row`), whether it is of the entity's chat (`here`), its author and its chat.
message = select(
    json_object(LISTED).label("row"),
    chat_message.c.person_id,
    chat_message.c.chat_id,
    exists()
    .where(chat.c.id == chat_message.c.chat_id, chat.c.object_id == _ENTITY_ID)
    .correlate(chat_message)
    .label("here"),
).where(chat_message.c.id == _MESSAGE_ID)

is_participant = select(
    exists().where(
        chat_participant.c.chat_id == chat_of_entity.scalar_subquery(),
        chat_participant.c.person_id == CALLER_ID,
    )
)

_ID = {"type": "string", "format": "uuid"}
_MAYBE_TEXT = {"type": ["string", "null"]}
#: What `of_person` answers.
OF_PERSON = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": _ID,
            "object_id": {**_ID, "description": "the entity"},
            "last_message": _MAYBE_TEXT,
            "entity_name": {"type": "string", "description": "its full name"},
            "project_id": _ID,
            "preview_file_id": _MAYBE_TEXT,
        },
        "required": ["id", "object_id", "last_message", "entity_name", "project_id", "preview_file_id"],
    },
}
_HERE = on(somebody_written("me"), written("p.id"))
#: The chats that a person takes part in, of open productions whose team they are in and entities within their reach.
of_person = sql(
    f"""
    SELECT json_build_object(
             'id', c.id, 'object_id', c.object_id,
             'last_message', to_char(c.last_message, 'YYYY-MM-DD"T"HH24:MI:SS'),
             'entity_name', {FULL_NAME}, 'project_id', e.project_id, 'preview_file_id', e.preview_file_id)::text
      FROM chat_participant m
      JOIN person me ON me.id = m.person_id
      JOIN chat c ON c.id = m.chat_id
      JOIN entity e ON e.id = c.object_id
      JOIN project p ON p.id = e.project_id AND {as_text(is_open_state(written("p.project_status_id")))}
      {JOINS}
     WHERE m.person_id = :caller_id
       AND {as_text(_HERE.sees_production & _HERE.reaches(written("e.id")))}
     ORDER BY c.last_message DESC NULLS LAST, c.id
    """  # noqa: S608 - a constant
)
