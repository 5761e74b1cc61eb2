"""Output files of entities and asset instances. Source: spec media, sections of these names."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.http.access import Caller, manager_of
from pegbar.core.http.body import json_beside_query
from pegbar.core.http.routing import get, post
from pegbar.files import access
from pegbar.files.events import OUTPUT_FILE_NEW
from pegbar.files.outputs import actions, queries
from pegbar.files.outputs.actions import Seat
from pegbar.files.outputs.queries import OUTPUT_TYPE
from pegbar.files.outputs.shapes import (
    InstanceFilter,
    NewOutput,
    OutputFilter,
    OutputNames,
    OutputPath,
    TypeFilter,
)
from pegbar.files.shapes import OUTPUT_FILE

AnyRequest = Request[Any, Any, Any]
_NEW = OUTPUT_FILE.but(folder_path=OUTPUT_FILE["path"], file_name=OUTPUT_FILE["path"])

# Of an entity

_ENTITY = "/data/entities/{entity_id:uuid}"


@post(f"{_ENTITY}/output-file-path", access=access.OF_ENTITY, status=200, errors=(400,))
async def entity_output_path(request: AnyRequest, entity_id: UUID, body: OutputPath, tx: Transaction) -> dict[str, str]:
    """The path that an output file of an entity has, by the file tree: `{"folder_path", "file_name"}`."""
    return await actions.path(tx, Seat(entity_id), body, await json_beside_query(request))


@post(f"{_ENTITY}/output-files/next-revision", access=access.OF_ENTITY, status=200)
async def entity_next_revision(entity_id: UUID, body: OutputNames, db: Database) -> dict[str, int]:
    """The next revision of an output file of an entity."""
    number = await actions.checked_next_revision(
        db,
        Seat(entity_id),
        output_type_id=body.output_type_id,
        task_type_id=body.task_type_id,
        name=body.name,
    )
    return {"next_revision": number}


@post(f"{_ENTITY}/output-files/new", access=access.OF_ENTITY, events=(OUTPUT_FILE_NEW,), returns=_NEW)
async def new_entity_output(entity_id: UUID, body: NewOutput, tx: Transaction, caller: Caller) -> Json:
    """Make an output file of an entity."""
    return await actions.publish(tx, caller, Seat(entity_id), body)


@get(f"{_ENTITY}/output-files", access=access.OF_ENTITY, returns=[OUTPUT_FILE], errors=(400,))
async def entity_outputs(entity_id: UUID, query: OutputFilter, db: Database) -> Json:
    """The output files of an entity, without those of its instances, the last revision first."""
    return await db.json(queries.of_entity, entity_id=entity_id, **query.params)


@get(f"{_ENTITY}/output-files/last-revisions", access=access.OF_ENTITY, returns=[OUTPUT_FILE], errors=(400,))
async def last_entity_outputs(entity_id: UUID, query: OutputFilter, db: Database) -> Json:
    """The last revision of each output file of an entity, by task type, output type, name and representation."""
    return await db.json(queries.last_of_entity, entity_id=entity_id, **query.params)


@get(f"{_ENTITY}/output-types", access=access.OF_ENTITY, returns=[OUTPUT_TYPE])
async def entity_output_types(entity_id: UUID, db: Database) -> Json:
    """The types of the output files of an entity and its instances, by name."""
    return await db.json(queries.types_of_entity, entity_id=entity_id)


@get(f"{_ENTITY}/output-types/{{output_type_id:uuid}}/output-files", access=access.OF_ENTITY, returns=[OUTPUT_FILE])
async def entity_outputs_of_type(entity_id: UUID, output_type_id: UUID, query: TypeFilter, db: Database) -> Json:
    """The output files of a type of an entity, the last revision first."""
    await actions.check_type(db, output_type_id)
    return await db.json(
        queries.of_type_of_entity,
        entity_id=entity_id,
        output_type_id=output_type_id,
        representation=query.chosen,
    )


@get(
    "/data/projects/{project_id:uuid}/output-files",
    access=manager_of("project_id"),
    returns=[OUTPUT_FILE],
    errors=(400,),
)
async def project_outputs(project_id: UUID, query: OutputFilter, db: Database) -> Json:
    """The output files of a production, without those of instances, the newest first."""
    return await db.json(queries.of_project, project_id=project_id, **query.params)


# Of an asset instance in a shot, a scene or an asset

_INSTANCE = "/data/asset-instances/{asset_instance_id:uuid}"
_PLACE = f"{_INSTANCE}/entities/{{temporal_entity_id:uuid}}"


@post(f"{_PLACE}/output-file-path", access=access.OF_INSTANCE, status=200, errors=(400,))
async def instance_output_path(
    request: AnyRequest,
    asset_instance_id: UUID,
    temporal_entity_id: UUID,
    body: OutputPath,
    tx: Transaction,
) -> dict[str, str]:
    """The path that an output file of an asset instance has, by the file tree: `{"folder_path", "file_name"}`."""
    seat = await actions.seat_of_instance(tx, asset_instance_id, temporal_entity_id)
    return await actions.path(tx, seat, body, await json_beside_query(request))


@post(f"{_PLACE}/output-files/next-revision", access=access.OF_INSTANCE, status=200)
async def instance_next_revision(
    asset_instance_id: UUID, temporal_entity_id: UUID, body: OutputNames, db: Database
) -> dict[str, int]:
    """The next revision of an output file of an asset instance."""
    number = await actions.checked_next_revision(
        db,
        await actions.seat_of_instance(db, asset_instance_id, temporal_entity_id),
        output_type_id=body.output_type_id,
        task_type_id=body.task_type_id,
        name=body.name,
    )
    return {"next_revision": number}


@post(f"{_PLACE}/output-files/new", access=access.OF_INSTANCE, events=(OUTPUT_FILE_NEW,), returns=_NEW)
async def new_instance_output(
    asset_instance_id: UUID, temporal_entity_id: UUID, body: NewOutput, tx: Transaction, caller: Caller
) -> Json:
    """Make an output file of an asset instance."""
    seat = await actions.seat_of_instance(tx, asset_instance_id, temporal_entity_id)
    return await actions.publish(tx, caller, seat, body)


@get(f"{_PLACE}/output-files/last-revisions", access=access.OF_INSTANCE, returns=[OUTPUT_FILE], errors=(400,))
async def last_instance_outputs(
    asset_instance_id: UUID, temporal_entity_id: UUID, query: OutputFilter, db: Database
) -> Json:
    """The last revision of each output file of an instance, by task type, output type, name and representation."""
    place = {"instance_id": asset_instance_id, "temporal_id": temporal_entity_id}
    return await db.json(queries.last_of_place, **place, **query.params)


@get(f"{_PLACE}/output-types", access=access.OF_INSTANCE, returns=[OUTPUT_TYPE])
async def instance_output_types(asset_instance_id: UUID, temporal_entity_id: UUID, db: Database) -> Json:
    """The types of the output files of an instance, by name."""
    return await db.json(queries.types_of_place, instance_id=asset_instance_id, temporal_id=temporal_entity_id)


@get(f"{_PLACE}/output-types/{{output_type_id:uuid}}/output-files", access=access.OF_INSTANCE, returns=[OUTPUT_FILE])
async def instance_outputs_of_type(
    asset_instance_id: UUID, temporal_entity_id: UUID, output_type_id: UUID, query: TypeFilter, db: Database
) -> Json:
    """The output files of a type of an instance, the last revision first."""
    await actions.check_type(db, output_type_id)
    return await db.json(
        queries.of_type_of_place,
        instance_id=asset_instance_id,
        temporal_id=temporal_entity_id,
        output_type_id=output_type_id,
        representation=query.chosen,
    )


@get(f"{_INSTANCE}/output-files", access=access.OF_INSTANCE, returns=[OUTPUT_FILE], errors=(400,))
async def instance_outputs(asset_instance_id: UUID, query: InstanceFilter, db: Database) -> Json:
    """The output files of an asset instance, in one temporal entity or in all, the last revision first."""
    temporal_id = uuid_filter(query.temporal_entity_id) if query.temporal_entity_id else None
    return await db.json(queries.of_instance, instance_id=asset_instance_id, temporal_id=temporal_id, **query.params)
