"""Generic rows of entities, casting links and asset instances. Source: spec crud, sections of the same names."""

from sqlalchemy import select

from pegbar.accounts.standing import Shapes
from pegbar.core.data.changes import Change, Relation, Verb
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import MANAGERS, writes
from pegbar.core.http.access import Place, Rule, admin, at, authenticated, entity_access, manager_of
from pegbar.entities import actions, events, rules, scopes
from pegbar.entities.casting import readiness
from pegbar.entities.instances.actions import check_number
from pegbar.entities.kinds import KINDS, kind_of_type, kind_text
from pegbar.entities.metadata import masked_data
from pegbar.entities.shapes import RELATIONS, ROW
from pegbar.entities.tables import asset_instance, asset_instance_link, entity, entity_link
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR


async def _emit(_: Resource, change: Change, verb: Verb) -> None:
    """Tell of an entity that came or went; how one changes is in `editing.py`."""
    kind = change.known.get("kind") or await kind_of_type(change.tx, change.after("entity_type_id"))
    named = {"new": events.NEW, "delete": events.DELETE}[verb]
    events.emit(change.tx, named, kind, change.after("project_id"), change.row(entity))


#: Whoever does not see a metadata column does not see its values.
SHAPES = Shapes(
    entity.c.project_id, ROW, **{role: ROW.but(data=masked_data(role, kind_text())) for role in DESCRIPTORS_FOR}
)

#: What managers of the production alone change, and what others write too; each kind has its own.
_MANAGED = " ".join(
    ["entity_type_id preview_file_id is_casting_standby", *[name for kind in KINDS.values() for name in kind.managed]]
)
_WRITTEN = " ".join(
    [
        "name code description canceled status parent_id source_id data",
        *[name for kind in KINDS.values() for name in kind.columns],
    ]
)

entities = Resource(
    entity,
    path="/data/entities",
    type="Entity",
    wire=ROW,
    shape=SHAPES.one,
    list_shape=SHAPES.listed,
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
        f"{_WRITTEN} {_MANAGED}",
        create="project_id shotgun_id entities_in entities_out instance_casting",
        only={MANAGERS: _MANAGED},
    ),
    update_relations=True,
    check=actions.check_new,
    check_together=actions.check_new_many,
    creates_apart=True,
    saved=actions.count_links,
    deleting=actions.drop_links,
    deleted=actions.tell_gone,
    emit=_emit,
    skip=frozenset({"create", "update"}),
    streams=True,
    tag="Entities",
)


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
    of_production=True,
    tag="Entity links",
)

_asset_of_instance = Place(
    "entity",
    "instance_id",
    select(asset_instance.c.asset_id.label("place_id")).where(asset_instance.c.id == param("key")),
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
    of_production=True,
    told_by=asset_instance.c.asset_id,
    tag="Asset instances",
)
