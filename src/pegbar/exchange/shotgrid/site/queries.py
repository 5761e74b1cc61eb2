"""What an import from a ShotGrid site looks up here."""

from sqlalchemy import ARRAY

from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Integer, String
from pegbar.productions.descriptors.values import TEMPORAL

_NUMBERS = {"numbers": ARRAY(Integer)}
_TEMPORAL = ", ".join(f"'{name}'" for name in TEMPORAL)
#: The kind of an entity, as ShotGrid calls it.
_KIND = f"CASE WHEN et.name IN ({_TEMPORAL}) THEN et.name ELSE 'Asset' END"

#: In whose name it is done: an administrator, the first unless named.
administrator = sql(
    """
    SELECT id FROM person
     WHERE role = 'admin' AND active AND is_bot IS NOT TRUE
       AND (:email ::text IS NULL OR lower(email) = lower(:email ::text))
     ORDER BY created_at, id LIMIT 1
    """
)

people = sql("SELECT shotgun_id FROM person WHERE shotgun_id IS NOT NULL")
short_names = sql("SELECT short_name, shotgun_id FROM task_status")
#: What production is in the place of one of ShotGrid's, by its number or by its name.
productions = sql(
    """
    SELECT id, name, shotgun_id FROM project
     WHERE shotgun_id = ANY(:numbers) OR (lower(name) = ANY(:names) AND shotgun_id IS NULL)
    """,
    names=ARRAY(String),
    **_NUMBERS,
)
#: Task types that stand for a step: found by its number, or free and of its name.
task_types = sql("SELECT id, lower(name) AS name, for_entity, shotgun_id FROM task_type ORDER BY created_at, id")
adopt_task_types = sql(
    """
    UPDATE task_type SET shotgun_id = step.number
      FROM unnest(:ids ::uuid[], :numbers ::int[]) AS step (id, number)
     WHERE task_type.id = step.id AND task_type.shotgun_id IS NULL
    RETURNING task_type.id
    """
)

tasks = sql("SELECT shotgun_id FROM task WHERE project_id = :project_id AND shotgun_id = ANY(:numbers)", **_NUMBERS)
tasks_of_versions = sql(
    """
    SELECT p.shotgun_id AS version, t.shotgun_id AS task
      FROM preview_file p JOIN task t ON t.id = p.task_id
     WHERE t.project_id = :project_id AND p.shotgun_id = ANY(:numbers) AND t.shotgun_id IS NOT NULL
    """,
    **_NUMBERS,
)
#: The tasks of entities that have no other.
only_tasks = sql(
    f"""
    SELECT {_KIND} AS kind, e.shotgun_id AS entity, min(t.shotgun_id) AS task
      FROM entity e JOIN entity_type et ON et.id = e.entity_type_id JOIN task t ON t.entity_id = e.id
     WHERE e.project_id = :project_id AND e.shotgun_id = ANY(:numbers)
     GROUP BY 1, 2 HAVING count(*) = 1 AND min(t.shotgun_id) IS NOT NULL
    """,  # noqa: S608 - constants
    **_NUMBERS,
)
assets = sql(
    f"""
    SELECT e.id, e.shotgun_id FROM entity e JOIN entity_type et ON et.id = e.entity_type_id
     WHERE e.project_id = :project_id AND e.shotgun_id = ANY(:numbers) AND et.name NOT IN ({_TEMPORAL})
    """,  # noqa: S608 - constants
    **_NUMBERS,
)
columns = sql(
    "SELECT name, field_name FROM metadata_descriptor WHERE project_id = :project_id AND entity_type = :entity_type",
    entity_type=String,
)

#: What the tasks and assets of a production use and its settings do not name.
unused_settings = sql(
    """
    SELECT ARRAY(SELECT DISTINCT t.task_type_id FROM task t
                  WHERE t.project_id = :project_id AND t.task_type_id IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM project_task_type_link l
                                     WHERE l.project_id = :project_id AND l.task_type_id = t.task_type_id))
             AS task_types,
           ARRAY(SELECT DISTINCT t.task_status_id FROM task t
                  WHERE t.project_id = :project_id AND t.task_status_id IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM project_task_status_link l
                                     WHERE l.project_id = :project_id AND l.task_status_id = t.task_status_id))
             AS task_statuses,
           ARRAY(SELECT DISTINCT et.id FROM entity e JOIN entity_type et ON et.id = e.entity_type_id
                  WHERE e.project_id = :project_id AND et.name <> ALL(:temporal)
                    AND EXISTS (SELECT 1 FROM project_asset_type_link l WHERE l.project_id = :project_id)
                    AND NOT EXISTS (SELECT 1 FROM project_asset_type_link l
                                     WHERE l.project_id = :project_id AND l.asset_type_id = et.id)) AS asset_types,
           EXISTS (SELECT 1 FROM entity e JOIN entity_type et ON et.id = e.entity_type_id
                    WHERE e.project_id = :project_id AND et.name = 'Episode') AS has_episodes,
           (SELECT production_type FROM project WHERE id = :project_id) AS production_type
    """,
    temporal=ARRAY(String),
)

#: Rows here of what is retired there.
_RETIRED = f"""
    SELECT e.id, e.shotgun_id FROM entity e JOIN entity_type et ON et.id = e.entity_type_id
     WHERE e.project_id = :project_id AND e.shotgun_id = ANY(:numbers) AND {_KIND} = '{{kind}}'
       AND e.canceled IS NOT TRUE
"""  # noqa: S608 - constants
retired_assets = sql(_RETIRED.format(kind="Asset"), **_NUMBERS)
retired_shots = sql(_RETIRED.format(kind="Shot"), **_NUMBERS)
retired_tasks = sql(
    "SELECT id, shotgun_id FROM task WHERE project_id = :project_id AND shotgun_id = ANY(:numbers)", **_NUMBERS
)
retired_versions = sql(
    """
    SELECT p.id, p.shotgun_id FROM preview_file p JOIN task t ON t.id = p.task_id
     WHERE t.project_id = :project_id AND p.shotgun_id = ANY(:numbers)
    """,
    **_NUMBERS,
)
retired_notes = sql(
    """
    SELECT c.id, c.shotgun_id FROM comment c JOIN task t ON t.id = c.object_id
     WHERE t.project_id = :project_id AND c.shotgun_id = ANY(:numbers)
    """,
    **_NUMBERS,
)
comments = sql("SELECT id, object_id AS task_id FROM comment WHERE id = ANY(:ids)")

#: Versions whose file is not here, oldest first; the file of a task's last version is its face in the end.
versions_without_file = sql(
    """
    SELECT p.id, p.shotgun_id, p.name FROM preview_file p JOIN task t ON t.id = p.task_id
     WHERE t.project_id = :project_id AND p.shotgun_id IS NOT NULL AND coalesce(p.original_name, '') = ''
       AND p.status = 'processing'
     ORDER BY p.created_at, p.revision, p.id
    """
)

#: Comments that stand for notes, held until the transaction ends.
comments_of_notes = sql(
    """
    SELECT c.id, c.shotgun_id, c.object_id AS task_id, c.replies
      FROM comment c JOIN task t ON t.id = c.object_id
     WHERE t.project_id = :project_id AND c.shotgun_id = ANY(:numbers)
     ORDER BY c.id FOR NO KEY UPDATE OF c
    """,
    **_NUMBERS,
)
persons_by_number = sql("SELECT id, shotgun_id FROM person WHERE shotgun_id = ANY(:numbers)", **_NUMBERS)
attached = sql("SELECT id FROM attachment_file WHERE id = ANY(:ids)")
