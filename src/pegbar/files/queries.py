"""What the tokens of a path stand for, and one file by its id."""

from sqlalchemy import func, select

from pegbar.accounts.standing import as_text, on, somebody_written, written
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import JsonText, json_object
from pegbar.files.shapes import OUTPUT_FILE, WORKING_FILE_WITH_OUTPUTS
from pegbar.files.tables import output_file, working_file

_HERE = on(somebody_written("me"), written("e.project_id"))
_REACHED = _HERE.sees_production & ~_HERE.has_role("client") & _HERE.reaches(written("e.id"))


def _thing(alias: str, *more: str) -> str:
    fields = ", ".join(f"'{name}', {alias}.{name}" for name in ("id", "name", *more))
    return f"CASE WHEN {alias}.id IS NOT NULL THEN jsonb_build_object({fields}) END"


#: All that a path may say, in one row. The entity is the one that a file is about, or that the instance sits in. The
#: software and the output type are the ones given, else those of a name. `reached` says whether the caller may be told;
#: an instance sits in an entity of its asset's production, or its asset is shared.
facts = sql(
    f"""
    SELECT p.file_tree AS tree, p.id AS project_id,
           {as_text(_REACHED)} AND (a.project_id = e.project_id OR a.is_shared) AS reached,
           {_thing("p")} AS project, {_thing("e")} AS entity, {_thing("et", "short_name")} AS entity_type,
           {_thing("up")} AS parent, {_thing("top")} AS grandparent,
           {_thing("a")} AS asset, {_thing("at", "short_name")} AS asset_type,
           {_thing("i", "number")} AS instance, i.target_asset_id,
           {_thing("t")} AS task, {_thing("tt", "short_name")} AS task_type, {_thing("d")} AS department,
           {_thing("s", "short_name")} AS software, {_thing("o", "short_name")} AS output_type
      FROM entity e
      JOIN person me ON me.id = :caller_id
      JOIN project p ON p.id = e.project_id
      JOIN entity_type et ON et.id = e.entity_type_id
      LEFT JOIN entity up ON up.id = e.parent_id
      LEFT JOIN entity top ON top.id = up.parent_id
      LEFT JOIN asset_instance i ON i.id = :instance_id
      LEFT JOIN entity a ON a.id = coalesce(i.asset_id, e.id)
      LEFT JOIN entity_type at ON at.id = a.entity_type_id
      LEFT JOIN task t ON t.id = :task_id
      LEFT JOIN task_type tt ON tt.id = coalesce(:task_type_id, t.task_type_id)
      LEFT JOIN department d ON d.id = tt.department_id
      LEFT JOIN software s
        ON s.id = :software_id OR (CAST(:software_id AS uuid) IS NULL AND s.name = :software_name ::text)
      LEFT JOIN output_type o
        ON o.id = :output_type_id OR (CAST(:output_type_id AS uuid) IS NULL AND o.name = :output_type_name ::text)
     WHERE e.id = :entity_id
    """  # noqa: S608 - rules of ours
)

entity_of_task = sql("SELECT entity_id FROM task WHERE id = :task_id")

_FILE_ID = param("file_id")
#: A working file, else an output file.
file_row = select(
    func.coalesce(
        select(json_object(WORKING_FILE_WITH_OUTPUTS)).where(working_file.c.id == _FILE_ID).scalar_subquery(),
        select(json_object(OUTPUT_FILE)).where(output_file.c.id == _FILE_ID).scalar_subquery(),
        type_=JsonText(),
    )
)
