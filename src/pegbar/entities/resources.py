"""Generic routes of entities. Source: spec crud, "entities"."""

from pegbar.core.access import Rule, at, authenticated, entity_access, manager_of
from pegbar.core.resource import Access, Change, Resource, Verb
from pegbar.entities import events, scopes
from pegbar.entities.kinds import kind_of_type
from pegbar.entities.shapes import RELATIONS, ROW
from pegbar.entities.tables import entity


async def _check(change: Change) -> None:
    if change.before is None:
        change.values["created_by"] = change.caller.id


async def _emit(_: Resource, change: Change, verb: Verb) -> None:
    kind = await kind_of_type(change.tx, change.after("entity_type_id"))
    declared = {"new": events.NEW, "update": events.UPDATE, "delete": events.DELETE}[verb][kind]
    change.tx.emit(declared, project_id=change.after("project_id"), **{events.key_of(kind): change.row_id})


_may_edit = Rule(
    "manager, creator or supervisor of the production",
    lambda caller: caller.supervises or (caller.in_team and caller.created_entity),
    at("entity", "instance_id"),
)
_may_delete = Rule(
    "manager of the production or creator of the entity",
    lambda caller: caller.manages or (caller.in_team and caller.created_entity),
    at("entity", "instance_id"),
)

entities = Resource(
    entity,
    path="/data/entities",
    type="Entity",
    wire=ROW,
    access=Access(
        list=authenticated,
        read=entity_access("instance_id"),
        create=manager_of(entity.c.project_id),
        update=_may_edit,
        delete=_may_delete,
    ),
    relations=RELATIONS,
    scope=scopes.listed,
    protected=frozenset({"instance_casting", "entities_in", "entities_out", "shotgun_id", "created_by"}),
    update_relations=True,
    check=_check,
    emit=_emit,
    streams=True,
    tag="Entities",
)
