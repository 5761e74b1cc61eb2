"""Routes that delete entities. Source: spec entities, "Deletion"; spec shots, "Deletion"."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Transaction
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, at, require
from pegbar.core.http.body import json_value
from pegbar.core.http.routing import delete, post
from pegbar.core.live.events import Event
from pegbar.entities import events, removal, rules
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, EPISODE, SCENE, SEQUENCE, SHOT


class Forced(msgspec.Struct):
    """`force=true` removes for good, with everything that belongs to the entity."""

    force: bool = False


def _both(kind: str) -> tuple[Event, ...]:
    return (events.UPDATE[kind], events.DELETE[kind])


@delete("/data/assets/{asset_id:uuid}", access=rules.removes(rules.the(ASSET, "asset_id")), events=_both(ASSET))
async def delete_asset(asset_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove an asset; without `force` one that has tasks is canceled."""
    await removal.remove_or_cancel(tx, [asset_id], [asset_id] if query.force else [])


@delete("/data/shots/{shot_id:uuid}", access=rules.removes(rules.the(SHOT, "shot_id")), events=_both(SHOT))
async def delete_shot(shot_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove a shot; without `force` one that has tasks is canceled."""
    await removal.remove_or_cancel(tx, [shot_id], [shot_id] if query.force else [])


@delete("/data/edits/{edit_id:uuid}", access=rules.removes(rules.the(EDIT, "edit_id")), events=_both(EDIT))
async def delete_edit(edit_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove an edit; without `force` one that has tasks is canceled."""
    await removal.remove_or_cancel(tx, [edit_id], [edit_id] if query.force else [])


@delete(
    "/data/concepts/{concept_id:uuid}", access=rules.removes(rules.the(CONCEPT, "concept_id")), events=_both(CONCEPT)
)
async def delete_concept(concept_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove a concept; without `force` one that has tasks is canceled."""
    await removal.remove_or_cancel(tx, [concept_id], [concept_id] if query.force else [])


@delete("/data/scenes/{scene_id:uuid}", access=rules.removes(rules.the(SCENE, "scene_id")), events=_both(SCENE))
async def delete_scene(scene_id: UUID, tx: Transaction) -> None:
    """Remove a scene; one that is in use is canceled."""
    await removal.remove_scene(tx, scene_id)


async def _remove_container(tx: Transaction, entity_id: UUID, *, force: bool) -> None:
    if force:
        await removal.remove_entities(tx, [entity_id])
    else:
        await removal.remove_if_unused(tx, entity_id)


@delete(
    "/data/sequences/{sequence_id:uuid}",
    access=rules.removes(rules.the(SEQUENCE, "sequence_id")),
    events=[events.DELETE[kind] for kind in (SHOT, SCENE, SEQUENCE)],
    errors=(400,),
)
async def delete_sequence(sequence_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove a sequence; with `force` its shots and scenes too, else only one to which nothing is linked."""
    await _remove_container(tx, sequence_id, force=query.force)


@delete(
    "/data/episodes/{episode_id:uuid}",
    access=rules.removes(rules.the(EPISODE, "episode_id")),
    events=[events.DELETE[kind] for kind in (SHOT, SCENE, ASSET, EDIT, SEQUENCE, EPISODE)],
    errors=(400,),
)
async def delete_episode(episode_id: UUID, query: Forced, tx: Transaction) -> None:
    """Remove an episode; with `force` all that is in it too, else only one to which nothing is linked."""
    await _remove_container(tx, episode_id, force=query.force)


_in_team = Rule("member of the production", lambda caller: caller.is_member, at("project", "project_id")).further(
    "managers, and others what they created"
)


@post(
    "/actions/projects/{project_id:uuid}/delete-entities",
    access=_in_team,
    status=200,
    events=[each for kind in (ASSET, SHOT, EDIT, CONCEPT) for each in _both(kind)],
    body_schema={"type": "array", "items": {"type": "string", "format": "uuid"}},
    errors=(400,),
    returns=list[UUID],
)
async def delete_entities(
    project_id: UUID, request: Request[Any, Any, Any], query: Forced, tx: Transaction, caller: Caller
) -> list[UUID]:
    """Remove assets, shots, edits and concepts, as their own routes do; one that is canceled already goes for good.

    The ids done are answered, in the order of the request. Whoever may not remove one of them removes none.
    """
    body = await json_value(request)
    if not isinstance(body, list):
        raise BadRequest("The body must be a list of ids.")
    wanted = [to_uuid(item, str(index)) for index, item in enumerate(body)]
    rows = await removal.removable(tx, project_id, wanted)
    for row in rows.values():
        allowed = caller.manages or (caller.in_team and row["created_by"] == caller.id)
        require(allowed, f"You may not remove the entity {row['id']}.")
    done = [each for each in dict.fromkeys(wanted) if each in rows]
    forced = {each for each in done if query.force or rows[each]["canceled"] or rows[each]["kind"] == CONCEPT}
    await removal.remove_or_cancel(tx, done, forced)
    return [each for each in wanted if each in rows]
