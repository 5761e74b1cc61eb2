"""Generic routes of entities, casting links and asset instances. Source: spec crud, sections of the same names."""

from typing import Any

from sqlalchemy import bindparam, select

from pegbar.accounts.standing import Shapes
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.resource import Access, Change, Relation, Resource, Verb, project_through
from pegbar.core.data.schema import Uuid
from pegbar.core.data.writes import MANAGERS, writes
from pegbar.core.http.access import Caller, Place, Rule, admin, at, authenticated, entity_access, manager_of
from pegbar.core.http.routing import found, path_uuid, post, put
from pegbar.entities import editing, events, rules, scopes
from pegbar.entities.casting import readiness
from pegbar.entities.instances.actions import check_number
from pegbar.entities.kinds import kind_of_type, kind_text
from pegbar.entities.metadata import masked_data
from pegbar.entities.queries import one
from pegbar.entities.shapes import RELATIONS, ROW, UNTYPED_WITH_RELATIONS
from pegbar.entities.tables import asset_instance, asset_instance_link, entity, entity_link
from pegbar.productions.descriptors.visibility import DESCRIPTORS_FOR


async def _emit(_: Resource, change: Change, verb: Verb) -> None:
    kind = await kind_of_type(change.tx, change.after("entity_type_id"))
    declared = {"new": events.NEW, "update": events.UPDATE, "delete": events.DELETE}[verb][kind]
    change.tx.emit(declared, project_id=change.after("project_id"), **{events.key_of(kind): change.row_id})


#: Whoever does not see a metadata column does not see its values.
_SHAPES = Shapes(
    entity.c.project_id, ROW, **{role: ROW.but(data=masked_data(role, kind_text())) for role in DESCRIPTORS_FOR}
)

entities = Resource(
    entity,
    path="/data/entities",
    type="Entity",
    wire=ROW,
    shape=_SHAPES.one,
    list_shape=_SHAPES.listed,
    access=Access(
        list=authenticated,
        read=entity_access("instance_id"),
        create=manager_of(entity.c.project_id),
        update=rules.edits,
        delete=rules.removes(at("entity", "instance_id")),
    ),
    relations=RELATIONS,
    scope=scopes.listed,
    writes=writes(
        """
        name code description canceled nb_frames is_casting_standby is_shared status entity_type_id parent_id source_id
        preview_file_id data ready_for entity_concept_links
        """,
        create="project_id shotgun_id entities_in entities_out instance_casting",
        only={MANAGERS: "is_casting_standby is_shared entity_type_id preview_file_id ready_for"},
    ),
    update_relations=True,
    check=editing.check,
    saved=editing.saved,
    deleting=editing.deleting,
    deleted=editing.deleted,
    emit=_emit,
    skip=frozenset({"create", "update"}),
    streams=True,
    tag="Entities",
)


@post(
    "/data/entities",
    access=manager_of(Place("project", "project_id", in_body=True)),
    events=tuple(events.NEW.values()),
    tag="Entities",
    returns=entities,
)
async def create_entity(tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Create one of entities."""
    entity_id = await entities.create(tx, caller, document)
    return found(await tx.json_row(one(UNTYPED_WITH_RELATIONS), entity_id=entity_id))


@put(
    "/data/entities/{instance_id:str}",
    access=rules.edits,
    events=tuple(events.UPDATE.values()),
    tag="Entities",
    returns=entities,
)
async def update_entity(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Update one of entities."""
    entity_id = path_uuid(instance_id)
    await entities.update(tx, caller, entity_id, editing.cleaned(document))
    return await entities.read(tx, caller, entity_id)


async def _count_links(change: Change) -> None:
    """The counters of whatever cast or casts the asset."""
    before = {change.before["entity_in_id"]} if change.before is not None else set()
    await readiness.refresh(change.tx, sorted(before | {change.after("entity_in_id")}))


entity_links = Resource(
    entity_link,
    path="/data/entity-links",
    type="EntityLink",
    access=Access(),
    writes=writes("entity_in_id entity_out_id data nb_occurences label"),
    saved=_count_links,
    deleted=_count_links,
    project_of=project_through(entity_link.c.entity_in_id),
    tag="Entity links",
)

_asset_of_instance = Place(
    "entity",
    "instance_id",
    select(asset_instance.c.asset_id.label("place_id")).where(asset_instance.c.id == bindparam("key", type_=Uuid)),
)

asset_instances = Resource(
    asset_instance,
    path="/data/asset-instances",
    type="AssetInstance",
    access=Access(
        list=admin,
        read=entity_access(_asset_of_instance),
        create=admin,
        update=entity_access(_asset_of_instance)
        & Rule("anyone but clients", lambda caller: caller.role_here != "client"),
        delete=admin,
    ),
    relations=(Relation("shots", asset_instance_link.c.asset_instance_id, asset_instance_link.c.entity_id),),
    writes=writes(
        "asset_id name description active data scene_id target_asset_id entity_id entity_type_id shots",
        create="number",
        only={MANAGERS: "asset_id scene_id target_asset_id entity_id entity_type_id shots"},
    ),
    check=check_number,
    project_of=project_through(asset_instance.c.asset_id),
    tag="Asset instances",
)
