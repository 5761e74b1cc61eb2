"""The JSON of incoming hooks, and the body that makes one."""

from uuid import UUID

from pegbar.core.data.wire import wire_of
from pegbar.core.http.body import Strict
from pegbar.open.webhooks.tables import incoming_hook

#: An incoming hook without its token.
INCOMING = wire_of(incoming_hook, "IncomingHook", without=frozenset({"token_hash", "minute", "minute_count"}))

WITH_TOKEN = {
    "allOf": [
        {"type": "object", "description": "The incoming hook"},
        {
            "type": "object",
            "properties": {
                "token": {"type": "string", "description": "Told this once"},
                "url": {"type": "string", "description": "Where programs post to"},
            },
        },
    ]
}


class NewIncomingHook(Strict):
    """An incoming hook: of which task, and the name that its messages are signed with."""

    name: str
    task_id: UUID
