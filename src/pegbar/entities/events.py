"""Events of entities, named by kind. Source: spec entities, "Events of this area"; spec shots, "Events"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.live.events import Event, event
from pegbar.entities.kinds import KINDS


def key_of(kind: str) -> str:
    """The key of an event that names an entity of this kind, such as `shot_id`."""
    return KINDS[kind].key


NEW: dict[str, Event] = {name: event(f"{kind.subject}:new", kind.key, *kind.new) for name, kind in KINDS.items()}
UPDATE: dict[str, Event] = {
    name: event(f"{kind.subject}:update", kind.key, *kind.updated) for name, kind in KINDS.items()
}
DELETE: dict[str, Event] = {name: event(f"{kind.subject}:delete", kind.key) for name, kind in KINDS.items()}

LINK_NEW = event("entity-link:new", "entity_link_id", "entity_in_id", "entity_out_id", "nb_occurences")
LINK_UPDATE = event("entity-link:update", "entity_link_id", "nb_occurences")
#: The casting of a shot, an episode or anything else changed.
CASTING_UPDATE: dict[str, Event] = {
    name: event(f"{kind.subject}:casting-update", kind.key, "nb_entities_out", "added_asset_ids", "removed_asset_ids")
    for name, kind in KINDS.items()
    if kind.cast
}

ADD_TO_SCENE = event("shot:add-to-scene", "scene_id", "shot_id")
REMOVE_FROM_SCENE = event("shot:remove-from-scene", "scene_id", "shot_id")


def emit(
    tx: Transaction, named: Mapping[str, Event], kind: str, project_id: UUID, entity_id: UUID, **more: Any
) -> None:
    """Tell of an entity by the event of its kind."""
    tx.emit(named[kind], **{"project_id": project_id, KINDS[kind].key: entity_id, **more})
