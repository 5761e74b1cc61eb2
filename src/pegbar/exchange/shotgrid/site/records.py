"""Rows of a ShotGrid site become the records that `/import/shotgun/*` take. Source: spec exchange, "Shotgun import".

Pure functions: what they need to know of the database comes with `Known`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from pegbar.exchange.shotgrid import kinds
from pegbar.exchange.shotgrid.kind import Draft
from pegbar.exchange.shotgrid.site.client import Row
from pegbar.exchange.shotgrid.site.downloads import is_upload, name_of
from pegbar.exchange.shotgrid.site.mapping import TASK_HOLDERS, Column, SiteMapping

#: What ShotGrid's own documentation leaves in the place of an address.
_NO_ADDRESS = ("", "changeme@email.com")
#: Kinds of rows that can be the author of something.
_AUTHORS = ("HumanUser", "ApiUser", "ClientUser")
_TASK_NAME, _VERSION_NAME = 80, 250
_URL, _MOVIE_NAME = 600, 150


@dataclass(frozen=True)
class LeftOut:
    """A row that does not come over, and why; `again`: another time it may."""

    reason: str
    again: bool = False


@dataclass
class Known:
    """What records are made with, besides the row."""

    mapping: SiteMapping
    #: The name here of the production that rows belong to.
    project_name: str = ""
    #: Ids that people have in ShotGrid and here: authors and assignees are among them.
    person_ids: frozenset[int] = frozenset()
    #: The people in each group of the site.
    groups: Mapping[int, Sequence[int]] = field(default_factory=dict)
    #: For a row of this page, the task to which it belongs although it names none.
    tasks: Mapping[int, int] = field(default_factory=dict)
    #: The ids of tasks that are here, of those that rows of this page name.
    task_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Kind:
    """A kind of row of the site, in the order in which they are read."""

    name: str  #: of its records
    entity_type: str
    label: str  #: for the report
    fields: tuple[str, ...]
    record: Callable[[Row, Known], Row | LeftOut]
    project: str = "project"  #: the field that names the production
    required: bool = True  #: every site has it

    def wanted(self, mapping: SiteMapping, fields: Mapping[str, Any]) -> list[str]:
        """The fields to ask for, of those that the site has."""
        own = [column.field for column in mapping.columns.get(self.entity_type, ())]
        return [name for name in dict.fromkeys((*self.fields, *own)) if not fields or name in fields]


def author_id(user: Any) -> int | None:
    """The id that stands for an author here: scripts and clients have ids of their own, which become negative."""
    if not isinstance(user, Mapping) or user.get("type") not in _AUTHORS:
        return None
    return int(user["id"]) if user["type"] == "HumanUser" else -int(user["id"])


def stranger(user: Mapping[str, Any]) -> Row:
    """The record of an author of whom the site tells no more than the name: gone, or a script."""
    id_ = author_id(user)
    assert id_ is not None
    first, _, last = str(user.get("name") or "Unknown").strip().partition(" ")
    return {
        "id": id_,
        "firstname": first,
        "lastname": last or ("(script)" if id_ < 0 else ""),
        "email": None,
        "login": None,
        "sg_status_list": "dis",
    }


def _person(row: Row, known: Known) -> Row:
    address = (row.get("email") or "").strip()
    has_address = address.lower() not in _NO_ADDRESS
    return {
        "id": row["id"],
        "firstname": row.get("firstname") or "",
        "lastname": row.get("lastname") or "",
        "email": address if has_address else None,
        "login": row.get("login"),
        "sg_status_list": (row.get("sg_status_list") or "act") if has_address else "dis",
        "permission_rule_set": row.get("permission_rule_set"),
        "department": row.get("department"),
    }


def _project(row: Row, known: Known) -> Row:
    return {"id": row["id"], "name": row.get("name"), "sg_status": row.get("sg_status") or "Active"}


def _connection(row: Row, known: Known) -> Row | LeftOut:
    if author_id(row.get("user")) not in known.person_ids:
        return LeftOut("it is about somebody who is not here", again=True)
    return {"id": row["id"], "project": row.get("project"), "user": row.get("user")}


def _common(row: Row, known: Known) -> Row:
    return {
        "id": row["id"],
        "code": row.get("code"),
        "description": row.get("description"),
        "project": {"id": (row.get("project") or {}).get("id"), "name": known.project_name},
    }


def _episode(row: Row, known: Known) -> Row:
    return _common(row, known)


def _sequence(row: Row, known: Known) -> Row:
    return _common(row, known) | {"episode": row.get("episode") or row.get("sg_episode")}


def _scene(row: Row, known: Known) -> Row:
    return _common(row, known) | {"sequence_sg_scenes_1_sequences": row.get("sequence_sg_scenes_1_sequences") or []}


def _asset(row: Row, known: Known) -> Row:
    return _common(row, known) | {"sg_asset_type": row.get("sg_asset_type") or "Other"}


def _shot(row: Row, known: Known) -> Row:
    first, last = row.get("sg_cut_in"), row.get("sg_cut_out")
    duration = row.get("sg_cut_duration")
    if isinstance(first, int) and isinstance(last, int):
        duration = last - first  # from the first frame to the last: what a record's duration means
    elif isinstance(first, int) and isinstance(duration, int):
        duration -= 1
    record = _common(row, known) | {
        "sg_sequence": row.get("sg_sequence"),
        "sg_scene": row.get("sg_scene"),
        "sg_cut_in": first,
        "sg_cut_duration": duration,
    }
    return record | ({"assets": row["assets"] or []} if "assets" in row else {})


def _frames_of_record(values: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    start = values["sg_cut_in"]
    if start is None:
        return {}
    return {"data": {"frame_in": start, "frame_out": start + (values["sg_cut_duration"] or 0)}}


def _settle_shot(draft: Draft) -> None:
    """What else is kept about a shot here stays."""
    stored = draft.row.columns["data"] if draft.row is not None else None
    if isinstance(stored, dict) and "data" in draft.columns:
        draft.columns["data"] = stored | draft.columns["data"]


#: Scripts replace what is kept about a shot; a studio that moves does not lose what it enters here.
KEEPING_SHOTS = replace(
    kinds.SHOTS,
    keys=tuple(replace(key, absent="keep") if key.name == "assets" else key for key in kinds.SHOTS.keys),
    derive=_frames_of_record,
    settle=_settle_shot,
)


def frames(row: Row) -> int | None:
    """How many frames a shot has."""
    first, last, duration = (row.get(name) for name in ("sg_cut_in", "sg_cut_out", "sg_cut_duration"))
    if isinstance(duration, int) and duration > 0:
        return duration
    if isinstance(first, int) and isinstance(last, int) and last >= first:
        return last - first + 1
    return None


def _task(row: Row, known: Known) -> Row | LeftOut:
    step, entity = row.get("step"), row.get("entity")
    if not step:
        return LeftOut("it has no pipeline step")
    if step["id"] not in known.mapping.stands_for:
        return LeftOut("its pipeline step is left out")
    if not entity or entity.get("type") not in TASK_HOLDERS:
        return LeftOut(f"it is on a {entity['type']}" if entity else "it is on nothing")
    name = row.get("content") or row.get("cached_display_name") or step.get("name") or "main"
    code = row.get("sg_status_list")
    starter = author_id(row.get("created_by"))
    return {
        "id": row["id"],
        "cached_display_name": name[:_TASK_NAME],
        "step": {"id": known.mapping.stands_for[step["id"]]},
        "project": row.get("project"),
        "entity": entity,
        "start_date": row.get("start_date"),
        "due_date": row.get("due_date"),
        "sg_sort_order": row.get("sg_sort_order"),
        "sg_status_list": known.mapping.statuses.get(code, code) if code else None,
        "created_by": {"id": starter} if starter in known.person_ids else None,
        "task_assignees": [{"id": id_} for id_ in assignees(row, known.groups) if id_ in known.person_ids],
    }


def assignees(row: Row, groups: Mapping[int, Sequence[int]]) -> list[int]:
    """Who has a task: those it names, and who is in the groups that it names."""
    ids: list[int] = []
    for assignee in row.get("task_assignees") or ():
        ids += groups.get(assignee["id"], ()) if assignee.get("type") == "Group" else [author_id(assignee) or 0]
    return [id_ for id_ in dict.fromkeys(ids) if id_]


def movie_of(row: Row) -> Any:
    """What a version shows: its movie, or the picture of it."""
    return next((row[name] for name in ("sg_uploaded_movie", "image") if is_upload(row.get(name))), None)


def without_signature(url: str) -> str:
    """The address of a file without what opens it: that ends soon, and is a secret until then."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:_URL]


def _version(row: Row, known: Known) -> Row | LeftOut:
    task_id = (row.get("sg_task") or {}).get("id") or known.tasks.get(row["id"])
    if task_id is None:
        return LeftOut("it has no task, and what it shows has none or several", again=True)
    if task_id not in known.task_ids:
        return LeftOut("its task is not here", again=True)
    movie = row.get("sg_uploaded_movie")
    uploaded = None
    if movie and is_upload(movie):
        uploaded = {"url": without_signature(movie["url"]), "name": name_of(movie)[:_MOVIE_NAME]}
    user_id = author_id(row.get("user")) or author_id(row.get("created_by"))
    return {
        "id": row["id"],
        "code": (row.get("code") or f"Version {row['id']}")[:_VERSION_NAME],
        "description": row.get("description"),
        "user": {"id": user_id} if user_id in known.person_ids else None,
        "sg_task": {"id": task_id},
        "sg_uploaded_movie": uploaded,
    }


def _note(row: Row, known: Known) -> Row | LeftOut:
    named = [task["id"] for task in row.get("tasks") or () if task["id"] in known.task_ids]
    task_id = named[0] if named else known.tasks.get(row["id"])
    if task_id is None:
        return LeftOut("it is about no task that is here", again=True)
    user_id = author_id(row.get("user")) or author_id(row.get("created_by"))
    if user_id not in known.person_ids:
        return LeftOut("nobody knows who wrote it", again=True)
    return {
        "id": row["id"],
        "content": row.get("content") or row.get("subject") or "",
        "user": {"id": user_id},
        "tasks": [{"id": task_id}],
        "created_at": row.get("created_at"),
    }


def values(row: Row, columns: Iterable[Column]) -> Row:
    """What a row holds under the columns of the boards, as they are entered here."""
    plain = ((column.key, _plain(row.get(column.field), column.data_type)) for column in columns)
    return {key: value for key, value in plain if value is not None}


def _plain(value: Any, data_type: str) -> Any:
    if value in (None, "", []):
        return None
    if data_type == "boolean":
        return "true" if value else "false"
    if data_type == "number" and isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        text = value.get("url") if data_type == "url" else value.get("name")
        return str(text or value.get("name") or value.get("id"))
    if isinstance(value, list):
        return ", ".join(str(item.get("name") if isinstance(item, Mapping) else item) for item in value)
    return str(value)


_OF_ENTITY = ("code", "description", "project")
_BY = ("user", "created_by", "created_at", "project")

PERSONS = Kind(
    "persons",
    "HumanUser",
    "People",
    ("firstname", "lastname", "email", "login", "sg_status_list", "permission_rule_set", "department"),
    _person,
)
PROJECTS = Kind("projects", "Project", "Productions", ("name", "sg_status"), _project)
CONNECTIONS = Kind(
    "project-connections", "ProjectUserConnection", "Team", ("project", "user"), _connection, required=False
)
EPISODES = Kind("episodes", "Episode", "Episodes", _OF_ENTITY, _episode, required=False)
SEQUENCES = Kind("sequences", "Sequence", "Sequences", (*_OF_ENTITY, "episode", "sg_episode"), _sequence)
SCENES = Kind("scenes", "Scene", "Scenes", (*_OF_ENTITY, "sequence_sg_scenes_1_sequences"), _scene, required=False)
ASSETS = Kind("assets", "Asset", "Assets", (*_OF_ENTITY, "sg_asset_type", "assets"), _asset)
SHOTS = Kind(
    "shots",
    "Shot",
    "Shots",
    (*_OF_ENTITY, "sg_sequence", "sg_scene", "assets", "sg_cut_in", "sg_cut_out", "sg_cut_duration"),
    _shot,
)
TASKS = Kind(
    "tasks",
    "Task",
    "Tasks",
    (
        "content",
        "cached_display_name",
        "step",
        "project",
        "entity",
        "start_date",
        "due_date",
        "est_in_mins",
        "sg_sort_order",
        "sg_status_list",
        "sg_description",
        "created_by",
        "task_assignees",
    ),
    _task,
)
VERSIONS = Kind(
    "versions",
    "Version",
    "Versions",
    ("code", "description", "sg_task", "entity", "sg_uploaded_movie", "image", *_BY),
    _version,
)
NOTES = Kind(
    "notes", "Note", "Notes", ("subject", "content", "tasks", "note_links", "attachments", *_BY), _note, required=False
)
#: Replies are no records: they stand in the row of their note (`conversations.add_replies`).
REPLIES = Kind(
    "replies",
    "Reply",
    "Replies",
    ("content", "user", "created_at", "entity"),
    lambda row, _: row,
    project="entity.Note.project",
    required=False,
)

#: The kinds of rows of a production, in the order in which each finds what it names.
OF_PROJECT = (CONNECTIONS, EPISODES, SEQUENCES, SCENES, ASSETS, SHOTS, TASKS, VERSIONS, NOTES)
