"""Events of chats: live, told to the production of the entity. Source: spec events; spec tasks, "Worth fixing"."""

from pegbar.core.live.events import event

CHAT_JOINED = event("chat:joined", "chat_id", "person_id", logged=False)
CHAT_LEFT = event("chat:left", "chat_id", "person_id", logged=False)
CHAT_NEW_MESSAGE = event("chat:new-message", "chat_id", "chat_message_id", "last_message", logged=False)
CHAT_DELETED_MESSAGE = event("chat:deleted-message", "chat_id", "chat_message_id", logged=False)
