"""Events of entities, named by kind. Source: spec entities, "Events of this area"; spec shots, "Events"."""

from pegbar.core.live.events import Event, event
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, EPISODE, FOLDER, SCENE, SEQUENCE, SHOT

_SUBJECTS = {
    ASSET: "asset",
    SHOT: "shot",
    SEQUENCE: "sequence",
    EPISODE: "episode",
    SCENE: "scene",
    EDIT: "edit",
    CONCEPT: "concept",
    FOLDER: "concept-folder",
}
_MORE_WHEN_NEW = {ASSET: ("asset_type",), SHOT: ("episode_id",), EDIT: ("parent_id",)}
_MORE_WHEN_UPDATED = {ASSET: ("data",)}


def key_of(kind: str) -> str:
    """The key of an event that names an entity of this kind, such as `shot_id`."""
    return f"{_SUBJECTS[kind].replace('-', '_')}_id"


NEW: dict[str, Event] = {
    kind: event(f"{subject}:new", key_of(kind), *_MORE_WHEN_NEW.get(kind, ())) for kind, subject in _SUBJECTS.items()
}
UPDATE: dict[str, Event] = {
    kind: event(f"{subject}:update", key_of(kind), *_MORE_WHEN_UPDATED.get(kind, ()))
    for kind, subject in _SUBJECTS.items()
}
DELETE: dict[str, Event] = {kind: event(f"{subject}:delete", key_of(kind)) for kind, subject in _SUBJECTS.items()}

LINK_NEW = event("entity-link:new", "entity_link_id", "entity_in_id", "entity_out_id", "nb_occurences")
LINK_UPDATE = event("entity-link:update", "entity_link_id", "nb_occurences")
#: The casting of a shot, an episode or anything else changed.
CASTING_UPDATE: dict[str, Event] = {
    kind: event(
        f"{_SUBJECTS[kind]}:casting-update", key_of(kind), "nb_entities_out", "added_asset_ids", "removed_asset_ids"
    )
    for kind in (SHOT, EPISODE, ASSET)
}

ADD_TO_SCENE = event("shot:add-to-scene", "scene_id", "shot_id")
REMOVE_FROM_SCENE = event("shot:remove-from-scene", "scene_id", "shot_id")
