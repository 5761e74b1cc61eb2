"""What an event tells of the changes that caused it, by who hears it.

An event is about one thing (`task:assign` about a task). With it go the changes of that thing's row, and of its links,
in the same transaction: the columns that changed with their old and new values, the row as it was when it was deleted
(core/data/history.py). They are told to who may see them, which is decided for each table here: a test names a table of
the history that stands in none of the lists. Whoever hears an event without seeing its changes is told none.

Sights: `admin` (studio managers), the role in the production's team, `all` for what is the studio's.
"""

from pegbar.accounts.standing import (
    Said,
    Who,
    as_text,
    assigned_on,
    by_team,
    hears,
    is_concept,
    team_join,
    team_rows,
    written,
)
from pegbar.entities.task_shapes import BLANKED
from pegbar.open.history.queries import LEADS_ELSEWHERE

READER = Who(
    written(":reader_id ::uuid"), written("(SELECT reader.role FROM person reader WHERE reader.id = :reader_id ::uuid)")
)

#: Of the studio: whoever is signed in.
EVERYBODY = frozenset({
    "custom_action", "department", "entity_type", "file_status", "output_type", "plugin", "preview_background_file",
    "project_status", "software", "software_department_link", "studio", "task_status", "task_type",
    "task_type_asset_type_link",
})  # fmt: skip
_COMMENTS = frozenset({
    "comment", "comment_acknoledgments", "comment_department_mentions", "comment_mentions", "comment_preview_link",
})  # fmt: skip
#: Of a production: its artists too.
CREW = _COMMENTS | {
    "asset_instance", "asset_instance_link", "chat", "chat_message", "chat_participant",
    "department_metadata_descriptor_link", "entity", "entity_concept_link", "entity_link", "metadata_descriptor",
    "milestone", "output_file", "playlist", "preview_file", "production_schedule_version",
    "production_schedule_version_task_link", "production_schedule_version_task_link_person_link", "project",
    "project_asset_type_link", "project_person_link", "project_preview_background_file_link",
    "project_status_automation_link", "project_task_status_link", "project_task_type_link",
    "project_task_type_software_link", "schedule_item", "task", "task_person_link", "working_file",
}  # fmt: skip
#: Its supervisors, who see deleted rows besides.
SUPERVISORS = CREW | {"attachment_file", "build_job", "entity_version", "news"}
#: Its managers.
MANAGERS = SUPERVISORS | {"budget", "budget_entry", "time_spent"}
#: Studio managers alone.
STUDIO_MANAGERS = frozenset({
    "day_off", "department_link", "hardware_item", "hardware_item_department_link", "notification", "organisation",
    "person", "playlist_share_link", "preview_file_storage_state", "project_template",
    "project_template_asset_type_link", "project_template_preview_background_file_link",
    "project_template_status_automation_link", "project_template_task_status_link",
    "project_template_task_type_link", "salary_scale", "search_filter", "search_filter_group", "status_automation",
    "subscription",
})  # fmt: skip

#: What an event `o` is about, by its name: `task:assign` is about the task. Null where no key says it.
THING = "(o.payload::jsonb ->> (replace(split_part(o.name, ':', 1), '-', '_') || '_id'))"
#: Whether that is an id: what a regular expression of it says, in a tenth of the time.
_THING_ID = f"""(CASE WHEN o.thing LIKE '{"-".join("_" * length for length in (8, 4, 4, 4, 12))}'
                       AND o.thing !~ '[^0-9a-f-]' AND length(replace(o.thing, '-', '')) = 32
                      THEN o.thing END)::uuid"""

_SAID = Said(written("said.person_id"), written("h.project_id"), written("said.for_client"))
_ENTITY = written("(SELECT t.entity_id FROM task t WHERE t.id = said.object_id)")


def _in(tables: frozenset[str]) -> str:
    return "h.table_name IN (" + ", ".join(f"'{name}'" for name in sorted(tables)) + ")"


def _said(rule: str) -> str:
    """The change is one of a comment that a rule lets through."""
    return f"EXISTS (SELECT FROM comment said WHERE said.id = h.row_id AND {rule})"


def _entity(rule: str) -> str:
    """The change is one of an entity, or of a task of an entity, that a rule lets through."""
    of_task = rule.format("(SELECT t.entity_id FROM task t WHERE t.id = h.row_id)")
    return f"(h.table_name = 'entity' AND {rule.format('h.row_id')} OR h.table_name = 'task' AND {of_task})"


_NOT_OF_CLIENTS = as_text(hears("user", READER, _SAID))
_REACHED = as_text(assigned_on(READER, written("@@"))).replace("@@", "{0}")
_CONCEPT = as_text(is_concept(written("@@"))).replace("@@", "{0}")
_BY_SIGHT = {
    "admin": "true",
    "manager": _in(MANAGERS),
    "supervisor": _in(SUPERVISORS),
    "user": f"h.op <> 'D' AND {_in(CREW)} AND (NOT {_in(_COMMENTS)} OR {_said(_NOT_OF_CLIENTS)})",
    "client": f"""h.op <> 'D' AND ({_entity("NOT " + _CONCEPT)}
                  OR h.table_name = 'comment' AND {_said(as_text(hears("client", READER, _SAID)))})""",
    "vendor": f"""h.op <> 'D' AND ({_entity(_REACHED)} OR h.table_name = 'comment' AND {
        _said(as_text(hears("vendor", READER, _SAID) & assigned_on(READER, _ENTITY)))
    })""",
    "all": "false",
}
#: The sights that are the same for everybody who has them: what they see does not depend on who they are.
SHARED = ("admin", "manager", "supervisor", "user", "all")


def _visible(sight: str) -> str:
    """SQL: the change `h` is shown to who hears the event `o` with a sight."""
    if sight == "admin":
        return "true"
    return f"""(h.project_id IS NULL AND o.person_id IS NULL AND {_in(EVERYBODY)}
                OR h.project_id = o.project_id AND ({_BY_SIGHT[sight]}) AND NOT ({LEADS_ELSEWHERE}))"""


#: The columns of changes that a sight is not shown: metadata and replies have rules of their own.
_HIDDEN = {"client": {*BLANKED, "data", "replies"}, "vendor": {"data", "replies"}, "user": {"replies"}}


def _shown(sight: str, values: str) -> str:
    """SQL: the values of a change that a sight is shown. They are made anew only where something is hidden."""
    if sight not in _HIDDEN:
        return values
    columns = f"'{{{','.join(sorted(_HIDDEN[sight]))}}}'::text[]"
    return f"CASE WHEN {values} ?| {columns} THEN {values} - {columns} ELSE {values} END"


#: The reader's row of the team of the production of the event `o`, if there is one: to be joined.
TEAM = team_join("team", READER, written("o.project_id"))
#: What they are told the event with.
_SIGHT = f"""(CASE WHEN {as_text(READER.is_admin)} THEN 'admin' WHEN o.project_id IS NULL THEN 'all'
                   ELSE {as_text(by_team(team_rows("team"), READER).role)} END)"""

#: What statements that tell events `o` with their changes ask of each once. They select it, with the columns of the
#: outbox, into a materialized `told`.
FURTHER = f"""
    (SELECT logged.user_id FROM api_event logged WHERE logged.id = o.event_id) AS user_id, {THING} AS thing
"""  # noqa: S608 - an expression of ours
#: The same for a reader, with whose sight it is told.
FURTHER_TO_READER = f"{FURTHER}, {_SIGHT} AS sight"
#: The changes of an event: found by the row, of which there are few; written within a day before it. The months to look
#: in are those of all that is told, found once.
_OF_EVENT = f"""
    FROM (SELECT {_THING_ID} AS id WHERE o.change_id IS NOT NULL OFFSET 0) thing
    JOIN pegbar.history h ON h.row_id = thing.id AND h.change_id + 0 = o.change_id
     AND h.at > (SELECT min(created_at) AT TIME ZONE 'UTC' - interval '1 day' FROM told)
     AND h.at < (SELECT max(created_at) AT TIME ZONE 'UTC' + interval '1 hour' FROM told)
"""  # noqa: S608 - expressions of ours
_OP = "CASE h.op WHEN 'I' THEN 'create' WHEN 'U' THEN 'update' ELSE 'delete' END"


def _change(old: str, new: str) -> str:
    """SQL: the JSON of the change `h`; concatenated, since there are many."""
    values = {"key": "h.key", "old": old, "new": new}
    rest = "".join(f""" || ',"{key}":' || coalesce(({value})::text, 'null')""" for key, value in values.items())
    return f"""('{{"table":"' || h.table_name || '","op":"' || {_OP} || '"' {rest} || '}}')"""


def _cases(of: dict[str, str]) -> str:
    return "CASE o.sight " + " ".join(f"WHEN '{name}' THEN {sql}" for name, sql in of.items()) + " END"


#: The changes that go with the event `o` to the reader: JSON objects with commas between, or null.
CHANGES = f"""
    (SELECT string_agg({_change("shown.old", "shown.new")}, ',' ORDER BY h.id)
       FROM (SELECT h.* {_OF_EVENT} OFFSET 0) h CROSS JOIN LATERAL (
              SELECT {_cases({name: _shown(name, "h.old") for name in _BY_SIGHT})} AS old,
                     {_cases({name: _shown(name, "h.new") for name in _BY_SIGHT})} AS new OFFSET 0) shown
      WHERE ({_cases({name: _visible(name) for name in _BY_SIGHT})})
        AND (h.op <> 'U' OR shown.new <> '{{}}'))
"""  # noqa: S608 - rules of ours


def _of_sight(name: str) -> str:
    old, new = (f"({_shown(name, column)})" for column in ("h.old", "h.new"))
    is_told = f"{_visible(name)} AND (h.op <> 'U' OR {new} <> '{{}}')"
    return f"""string_agg({_change(old, new)}, ',' ORDER BY h.id) FILTER (WHERE {is_told}) AS "{name}" """


#: The same for each sight that is shared, in a column: what a subquery selects.
CHANGES_BY_SIGHT = ", ".join(map(_of_sight, SHARED)) + _OF_EVENT
