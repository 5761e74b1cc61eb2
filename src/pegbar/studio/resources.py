"""Generic routes of the studio's tables. Source: spec crud, sections of the same names."""

from pegbar.core.access import admin, authenticated
from pegbar.core.resource import Access, Relation, Resource
from pegbar.studio.tables import (
    entity_type,
    project_status,
    studio,
    task_status,
    task_type,
    task_type_asset_type_link,
)

#: Everybody reads, administrators write.
FOR_ALL = Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin)

entity_types = Resource(
    entity_type,
    path="/data/entity-types",
    type="EntityType",
    access=FOR_ALL,
    relations=(
        Relation("task_types", task_type_asset_type_link.c.asset_type_id, task_type_asset_type_link.c.task_type_id),
    ),
    update_relations=True,
    event="asset-type",
    event_key="asset_type_id",
    tag="Entity types",
)
task_types = Resource(task_type, path="/data/task-types", type="TaskType", access=FOR_ALL, tag="Task types")
task_statuses = Resource(task_status, path="/data/task-status", type="TaskStatus", access=FOR_ALL, tag="Task status")
project_statuses = Resource(
    project_status, path="/data/project-status", type="ProjectStatus", access=FOR_ALL, tag="Project status"
)
studios = Resource(studio, path="/data/studios", type="Studio", access=FOR_ALL, tag="Studios")
