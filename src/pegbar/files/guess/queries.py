"""What a path may name, in one production."""

from pegbar.core.data.parameters import sql

tree_of_project = sql("SELECT file_tree AS tree, name FROM project WHERE id = :project_id")

#: The rows of the kinds wanted, those in use before those canceled, the oldest first.
catalogue = sql(
    """
    SELECT 'entity' AS kind, e.id, e.name, et.name AS type_name, e.entity_type_id AS type_id, e.parent_id,
           coalesce(e.canceled, false) AS late, e.created_at
      FROM entity e JOIN entity_type et ON et.id = e.entity_type_id
     WHERE e.project_id = :project_id
    UNION ALL SELECT 'entity_type', id, name, NULL, NULL, NULL, archived, created_at FROM entity_type
    UNION ALL SELECT 'task_type', id, name, for_entity, NULL, NULL, archived, created_at FROM task_type
    UNION ALL SELECT 'department', id, name, NULL, NULL, NULL, archived, created_at FROM department
    UNION ALL SELECT 'output_type', id, name, NULL, NULL, NULL, false, created_at FROM output_type
    UNION ALL SELECT 'task', id, name, NULL, task_type_id, entity_id, false, created_at FROM task
     WHERE project_id = :project_id AND :is_about_tasks
     ORDER BY late NULLS FIRST, created_at, id
    """
)
