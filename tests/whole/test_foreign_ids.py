"""Every route that takes ids beside the place of its rule, given ids of a production that the caller is not in.

Afterwards that production is as it was, nothing of the caller's own names anything of it, and no answer told its name.
A route may refuse, or pass the foreign id over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from sqlalchemy import Select, Table, Text, cast, literal, literal_column, select, union_all
from sqlalchemy.dialects import postgresql

from pegbar.app import load_domains
from pegbar.core.data import belonging
from pegbar.core.data.schema import metadata
from pegbar.files.trees.shipped import shipped_tree
from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.media.publishing import comment_on, published
from tests.server import Server
from tests.whole.rows import Rows

OPERATIONS = load_domains()
_KINDS = ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept", "ConceptFolder")
_TODO, _TYPE, _CHARACTER = "{studio.task_status}", "{studio.task_type}", "{studio.character}"
_PROJECT = "/data/projects/{here.project}"
_ACTIONS = "/actions/projects/{here.project}"
_SEAT = "/data/asset-instances/{here.asset_instance}/entities/{there.shot}"
_OUTPUT = {"output_type_id": "{here.output_type}", "task_type_id": "{studio.task_type}", "name": "made"}
_IMPORTS = "/import/csv/projects/{here.project}"
_COMMENT = "/actions/tasks/{here.task}/comments/{here.comment}"
_VERSIONS = "/actions/production-schedule-versions"
_SAID = "/data/tasks/{here.task}/comments"
_ENTRY = {"department_id": "{studio.department}", "start_date": "2031-01-01", "months_duration": 1, "daily_salary": 1.0}

#: Method, path and body; `{here.…}` is a row of the caller's production, `{there.…}` one of the other.
ATTACKS: list[tuple[str, str, Any]] = [
    # Entities and their parents.
    ("POST", _PROJECT + "/shots", {"name": "A", "sequence_id": "{there.sequence}"}),
    ("POST", _PROJECT + "/sequences", {"name": "A", "episode_id": "{there.episode}"}),
    ("POST", _PROJECT + "/scenes", {"name": "A", "sequence_id": "{there.sequence}"}),
    ("POST", _PROJECT + "/edits", {"name": "A", "episode_id": "{there.episode}"}),
    ("POST", _PROJECT + "/edits", {"name": "B", "parent_id": "{there.episode}"}),
    ("POST", f"{_PROJECT}/asset-types/{_CHARACTER}/assets/new", {"name": "A", "episode_id": "{there.episode}"}),
    ("POST", _PROJECT + "/concepts", {"name": "A", "parent_id": "{there.conceptfolder}"}),
    ("POST", _PROJECT + "/concepts", {"name": "B", "entity_concept_links": ["{there.entity}"]}),
    ("PUT", "/data/concept-folders/{there.conceptfolder}", {"name": "Taken"}),
    ("DELETE", "/data/concept-folders/{there.conceptfolder}", None),
    ("POST", _ACTIONS + "/move-concepts", {"concept_ids": ["{there.concept}"], "concept_folder_id": None}),
    (
        "POST",
        _ACTIONS + "/move-concepts",
        {"concept_ids": ["{here.concept}"], "concept_folder_id": "{there.conceptfolder}"},
    ),
    *[
        ("PUT", "/data/shots/{here.shot}", {key: value})
        for key, value in {
            "parent_id": "{there.sequence}",
            "source_id": "{there.scene}",
            "preview_file_id": "{there.preview_file}",
            "project_id": "{there.project}",
        }.items()
    ],
    ("PUT", "/data/shots/{there.shot}", {"name": "Taken"}),
    ("POST", "/data/scenes/{here.scene}/shots", {"shot_id": "{there.shot}"}),
    ("DELETE", "/data/scenes/{here.scene}/shots/{there.shot}", None),
    ("POST", _ACTIONS + "/delete-entities", ["{there.entity}", "{there.shot}"]),
    ("DELETE", "/data/assets/{there.entity}?force=true", None),
    # Casting, instances, sharing.
    ("PUT", _PROJECT + "/entities/{here.shot}/casting", [{"asset_id": "{there.entity}", "nb_occurences": 1}]),
    ("PUT", _PROJECT + "/entities/{there.shot}/casting", [{"asset_id": "{here.entity}", "nb_occurences": 1}]),
    ("PUT", "/data/assets/{here.entity}/casting", [{"asset_id": "{there.entity}"}]),
    ("PUT", _PROJECT + "/entities/casting", {"{there.shot}": [{"asset_id": "{here.entity}", "nb_occurences": 1}]}),
    ("PUT", _PROJECT + "/entities/casting", {"{here.shot}": [{"asset_id": "{there.entity}", "nb_occurences": 1}]}),
    ("PUT", _PROJECT + "/entities/casting/assets/{there.entity}", {"entity_ids": ["{here.shot}"]}),
    ("PUT", _PROJECT + "/entities/casting/assets/{here.entity}", {"entity_ids": ["{there.shot}"]}),
    ("DELETE", _PROJECT + "/entity-links/{there.entity_link}", None),
    ("POST", "/data/scenes/{here.scene}/asset-instances", {"asset_id": "{there.entity}"}),
    ("POST", "/data/assets/{here.entity}/asset-asset-instances", {"asset_to_instantiate_id": "{there.entity}"}),
    ("POST", "/data/shots/{here.shot}/asset-instances", {"asset_instance_id": "{there.asset_instance}"}),
    ("DELETE", "/data/shots/{here.shot}/asset-instances/{there.asset_instance}", None),
    ("POST", "/actions/assets/share", {"asset_ids": ["{there.entity}"]}),
    ("POST", _ACTIONS + "/assets/share", {"asset_ids": ["{there.entity}"]}),
    # Files: of an instance in an entity, and what an output was made from.
    *[
        ("POST", f"{_SEAT}/{operation}", body)
        for operation, body in (("output-file-path", _OUTPUT), ("output-files/next-revision", _OUTPUT))
    ],
    ("POST", f"{_SEAT}/output-files/new", _OUTPUT),
    ("POST", "/data/asset-instances/{there.asset_instance}/entities/{here.shot}/output-files/new", _OUTPUT),
    ("POST", "/data/entities/{here.entity}/output-files/new", {**_OUTPUT, "working_file_id": "{there.working_file}"}),
    ("POST", "/data/entities/guess-from-path", {"project_id": "{there.project}", "file_path": "/simple/productions/x"}),
    # Tasks.
    ("POST", "/data/tasks", {"entity_id": "{there.entity}", "task_type_id": "{studio.rigging}"}),
    (
        "POST",
        "/data/tasks",
        {"entity_id": "{there.entity}", "project_id": "{here.project}", "task_type_id": "{studio.rigging}"},
    ),
    ("POST", "/data/entities/{there.entity}/tasks", {"task_type_ids": ["{studio.rigging}"]}),
    ("POST", _ACTIONS + "/task-types/{studio.rigging}/assets/create-tasks", ["{there.entity}"]),
    *[
        ("POST", f"{_ACTIONS}/task-types/{{studio.{kind}_type}}/{kind}s/create-tasks", [f"{{there.{kind}}}"])
        for kind in ("shot", "edit", "concept")
    ],
    ("POST", _ACTIONS + "/task-types/{studio.rigging}/create-tasks/{studio.kind}", ["{there.entity}"]),
    ("POST", _ACTIONS + "/delete-tasks", ["{there.task}"]),
    ("PUT", "/actions/tasks/{there.task}/assign", {"person_id": "{caller.id}"}),
    ("PUT", "/actions/persons/{caller.id}/assign", {"task_ids": ["{there.task}"]}),
    ("PUT", "/actions/tasks/clear-assignation", {"task_ids": ["{there.task}"]}),
    ("PUT", "/actions/tasks/set-priority", {"task_ids": ["{there.task}"], "priority": 3}),
    ("PUT", "/actions/tasks/set-main-preview", {"task_ids": ["{there.task}"]}),
    ("PUT", "/actions/tasks/{there.task}/set-main-preview", {}),
    ("POST", "/actions/user/tasks/{there.task}/subscribe", {}),
    ("POST", "/actions/user/tasks/subscribe", {"task_ids": ["{there.task}"]}),
    ("POST", f"/actions/user/sequences/{{there.sequence}}/task-types/{_TYPE}/subscribe", {}),
    (
        "POST",
        "/actions/tasks/{there.task}/time-spents/{studio.day}/persons/{caller.id}",
        {"duration": 60},
    ),
    ("POST", "/actions/tasks/{there.task}/time-spents/{studio.day}/persons/{caller.id}/add", {"duration": 60}),
    ("DELETE", "/actions/tasks/{there.task}/time-spents/{studio.day}/persons/{caller.id}", None),
    # Comments and previews.
    ("POST", "/actions/tasks/{there.task}/comment", {"task_status_id": _TODO, "comment": "Look"}),
    (
        "POST",
        "/actions/tasks/batch-comment",
        {"comments": [{"task_id": "{there.task}", "task_status_id": _TODO, "text": "Look"}]},
    ),
    (
        "POST",
        _ACTIONS + "/tasks/comment-many",
        [{"object_id": "{there.task}", "task_status_id": _TODO, "comment": "Look"}],
    ),
    ("POST", _ACTIONS + "/tasks/copy-client-comments", {"task_ids": ["{there.task}"]}),
    ("POST", _COMMENT + "/move", {"target_task_id": "{there.task}"}),
    ("POST", "/actions/tasks/{here.task}/comments/{there.comment}/move", {"target_task_id": "{here.other_task}"}),
    ("POST", "/actions/tasks/{here.task}/comments/{there.comment}/add-preview", {}),
    ("POST", _COMMENT + "/preview-files/{there.preview_file}", {}),
    ("DELETE", _COMMENT + "/preview-files/{there.preview_file}", None),
    ("DELETE", "/actions/tasks/{here.task}/comments/{there.comment}/preview-files/{there.preview_file}", None),
    ("POST", _SAID + "/{there.comment}/ack", {}),
    ("POST", _SAID + "/{there.comment}/reply", {"text": "Look"}),
    ("DELETE", _SAID + "/{there.comment}/reply/{there.reply}", None),
    ("DELETE", _SAID + "/{here.comment}/reply/{there.reply}", None),
    ("DELETE", _SAID + "/{there.comment}", None),
    ("POST", "/actions/tasks/{here.task}/comments/{there.comment}/add-attachment", "a file"),
    ("POST", "/import/otio/projects/{here.project}/episodes/{there.episode}", "a file"),
    ("POST", _IMPORTS + "/episodes/{there.episode}/task-types/{studio.task_type}/estimations", "a file"),
    ("DELETE", _SAID + "/{there.comment}/attachments/{there.attachment_file}", None),
    ("DELETE", _SAID + "/{here.comment}/attachments/{there.attachment_file}", None),
    ("PUT", "/actions/preview-files/{there.preview_file}/set-main-preview", {}),
    ("PUT", "/actions/preview-files/{there.preview_file}/update-position", {"position": 1}),
    ("PUT", "/actions/preview-files/{there.preview_file}/update-annotations", {"additions": []}),
    ("DELETE", "/data/preview-files/{there.preview_file}", None),
    # Playlists.
    (
        "POST",
        "/data/playlists",
        {"name": "A", "project_id": "{here.project}", "shots": [{"entity_id": "{there.entity}"}]},
    ),
    ("PUT", "/data/playlists/{here.playlist}", {"shots": [{"entity_id": "{there.entity}"}]}),
    (
        "PUT",
        "/data/playlists/{here.playlist}",
        {"shots": [{"entity_id": "{here.entity}", "preview_file_id": "{there.preview_file}"}]},
    ),
    ("PUT", "/data/playlists/{here.playlist}", {"episode_id": "{there.episode}"}),
    ("POST", "/actions/playlists/{here.playlist}/add-entity", {"entity_id": "{there.entity}"}),
    (
        "POST",
        "/actions/playlists/{here.playlist}/add-entity",
        {"entity_id": "{there.entity}", "preview_file_id": "{there.preview_file}"},
    ),
    ("POST", "/actions/playlists/{here.playlist}/add-entities", {"entities": [{"entity_id": "{there.shot}"}]}),
    ("POST", "/actions/playlists/{there.playlist}/add-entity", {"entity_id": "{here.entity}"}),
    ("DELETE", "/data/playlists/{there.playlist}", None),
    ("DELETE", "/data/playlists/{here.playlist}/jobs/{there.build_job}", None),
    # Planning, budgets, settings.
    (
        "POST",
        f"{_VERSIONS}/{{here.production_schedule_version}}/set-task-links-from-production-schedule-version",
        {"production_schedule_version_id": "{there.production_schedule_version}"},
    ),
    ("POST", "/actions/production-schedule-versions/{there.production_schedule_version}/apply-to-production", {}),
    (
        "POST",
        "/data/production-schedule-version-task-links",
        {"production_schedule_version_id": "{here.production_schedule_version}", "task_id": "{there.task}"},
    ),
    ("PUT", _PROJECT + "/budgets/{there.budget}", {"name": "Taken"}),
    ("DELETE", _PROJECT + "/budgets/{there.budget}", None),
    ("POST", _PROJECT + "/budgets/{there.budget}/entries", _ENTRY),
    ("PUT", _PROJECT + "/budgets/{here.budget}/entries/{there.budget_entry}", {"months_duration": 9}),
    ("DELETE", _PROJECT + "/budgets/{here.budget}/entries/{there.budget_entry}", None),
    ("PUT", _PROJECT + "/metadata-descriptors/{there.metadata_descriptor}", {"name": "Taken"}),
    ("DELETE", _PROJECT + "/metadata-descriptors/{there.metadata_descriptor}", None),
    (
        "POST",
        _PROJECT + "/metadata-descriptors/reorder",
        {"entity_type": "Asset", "descriptor_ids": ["{there.metadata_descriptor}"]},
    ),
    ("POST", "/data/task-type-links", {"project_id": "{there.project}", "task_type_id": _TYPE, "priority": 9}),
    ("POST", "/data/task-status-links", {"project_id": "{there.project}", "task_status_id": _TODO, "priority": 9}),
    # Chats and saved searches.
    ("DELETE", "/data/entities/{here.entity}/chat/messages/{there.chat_message}", None),
    ("POST", "/data/entities/{there.entity}/chat/messages", {"message": "Look"}),
    ("POST", "/actions/user/chats/{there.entity}/join", {}),
    (
        "POST",
        "/data/user/filters",
        {"name": "A", "query": "a", "search_filter_group_id": "{there.search_filter_group}"},
    ),
    ("PUT", "/data/user/filters/{there.search_filter}", {"name": "Taken"}),
    ("DELETE", "/data/user/filter-groups/{there.search_filter_group}", None),
]

_SETTINGS = "/data/projects/{project_id:uuid}/settings"
_OF_STUDIO = "task types, statuses, departments, persons are the studio's"
#: Routes of several ids that name nothing of a production beside their place, and why.
ELSEWHERE = {
    "DELETE /shared/playlists/{token:str}/comments/{comment_id:uuid}/attachments/{attachment_file_id:uuid}": (
        "by a share link: tests/review/test_sharing_reach.py"
    ),
    "POST /open/v1/webhooks/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/redeliver": (
        "a delivery is looked for among those of its webhook: tests/open/webhooks/test_delivering.py"
    ),
    "DELETE /actions/user/sequences/{sequence_id:str}/task-types/{task_type_id:str}/unsubscribe": "the caller's own",
    **{
        f"{method} {path}": _OF_STUDIO
        for method, path in (
            ("PUT", "/data/projects/{project_id:uuid}/team/{person_id:str}"),
            ("DELETE", "/data/projects/{project_id:uuid}/team/{person_id:str}"),
            ("DELETE", _SETTINGS + "/asset-types/{asset_type_id:str}"),
            ("PUT", _SETTINGS + "/task-status/{task_status_id:str}"),
            ("DELETE", _SETTINGS + "/task-status/{task_status_id:str}"),
            ("DELETE", _SETTINGS + "/task-types/{task_type_id:str}"),
            ("DELETE", _SETTINGS + "/status-automations/{status_automation_id:str}"),
            ("DELETE", _SETTINGS + "/preview-background-files/{preview_background_file_id:str}"),
            ("POST", "/data/projects/{project_id:uuid}/task-types/{task_type_id:str}/softwares"),
            ("DELETE", "/data/projects/{project_id:uuid}/task-types/{task_type_id:str}/softwares/{software_id:str}"),
            ("POST", "/actions/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/share"),
            ("POST", "/actions/projects/{project_id:uuid}/task-types/{task_type_id:uuid}/set-shot-nb-frames"),
            ("POST", "/import/csv/projects/{project_id:uuid}/task-types/{task_type_id:uuid}/estimations"),
        )
    },
}


def _bound() -> list[Table]:
    """The tables whose rows are of productions."""
    return [each for each in metadata.tables.values() if each.schema is None and belonging.belongs(each)]


def _rows(table: Table) -> Select[Any]:
    """The rows of a table as text, each with its production."""
    return select(
        literal(table.name, Text).label("name"),
        cast(literal_column(table.name), Text).label("row"),
        cast(belonging.production_of(table), Text).label("production"),
    ).select_from(table)


#: All rows of all productions.
ROWS = str(
    union_all(*[_rows(each) for each in _bound()]).compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
)


@dataclass
class Place:
    """A production with a row of every table, and the id of each by name."""

    ids: dict[str, str]
    name: str


def settle(admin: Client, connection: psycopg.Connection, word: str) -> Place:
    show = factories.production(admin)
    admin.ok_put(f"/data/projects/{show['id']}", {"file_tree": shipped_tree("simple")})
    asset = factories.entity(admin, show["id"], name=unique(word))
    task = factories.task(admin, asset)
    other = factories.task(admin, asset, "Shading")
    someone = admin.ok_post("/data/persons", {"first_name": "Ann", "last_name": unique("Other"), "is_bot": True})
    said = comment_on(admin, admin, task["id"])
    reply = admin.ok_post(f"/data/tasks/{task['id']}/comments/{said['id']}/reply", {"text": "Yes"})
    shown = published(admin, admin, task["id"])
    given = {
        "project": show["id"],
        "entity": asset["id"],
        "task": task["id"],
        "person": someone["id"],
        "comment": said["id"],
        "preview_file": shown["id"],
    }
    for kind in _KINDS:
        if not admin.ok_get("/data/entity-types", params={"name": kind}):
            admin.ok_post("/data/entity-types", {"name": kind})
        given[kind.lower()] = factories.entity(admin, show["id"], kind, name=unique(word))["id"]
    rows = Rows(connection, given)
    return Place(
        {**{name: str(value) for name, value in rows.ids.items()}, "other_task": other["id"], "reply": reply["id"]},
        word,
    )


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as made:
        yield made


@pytest.fixture(scope="module")
def here(admin: Client, connection: psycopg.Connection) -> Place:
    return settle(admin, connection, "Heron")


@pytest.fixture(scope="module")
def there(admin: Client, connection: psycopg.Connection) -> Place:
    return settle(admin, connection, "Vixen")


@pytest.fixture(scope="module", params=["manager", "supervisor", "user", "client", "vendor"])
def caller(request: pytest.FixtureRequest, admin: Client, here: Place) -> Client:
    """A member of the one production, assigned to its task."""
    somebody = signed_in(admin, artist(admin, request.param)[1])
    factories.join(admin, here.ids["project"], somebody)
    assignees = admin.ok_get(f"/data/tasks/{here.ids['task']}")["assignees"]
    admin.ok_put(f"/data/tasks/{here.ids['task']}", {"assignees": [*assignees, somebody.id]})
    return somebody


def filled(part: Any, names: dict[str, str]) -> Any:
    """A path or body with the ids that its words in braces stand for."""
    if isinstance(part, str):
        return re.sub(r"\{([a-z]+\.[a-z_]+)\}", lambda match: names[match[1]], part)
    if isinstance(part, list):
        return [filled(each, names) for each in part]
    if isinstance(part, dict):
        return {filled(key, names): filled(value, names) for key, value in part.items()}
    return part


@pytest.fixture(scope="module")
def names(admin: Client, here: Place, there: Place) -> dict[str, str]:
    studio = {
        "studio.task_status": factories.named(admin, "task-status", "Todo")["id"],
        "studio.task_type": factories.named(admin, "task-types", "Modeling")["id"],
        "studio.rigging": factories.named(admin, "task-types", "Rigging")["id"],
        "studio.character": factories.named(admin, "entity-types", "Character")["id"],
        "studio.day": "2031-01-05",
        "studio.kind": "character",
        "studio.department": admin.ok_get("/data/departments")[0]["id"],
    }
    kinds = {"shot": ("Layout", "Shot"), "edit": ("Edit", "Edit"), "concept": ("Concept", "Concept")}
    for kind, (name, of) in kinds.items():
        studio[f"studio.{kind}_type"] = factories.named(admin, "task-types", name, for_entity=of)["id"]
    return {
        **studio,
        **{f"here.{name}": value for name, value in here.ids.items()},
        **{f"there.{name}": value for name, value in there.ids.items()},
    }


def state(connection: psycopg.Connection, place: Place) -> set[tuple[str, str]]:
    """Everything that a production consists of."""
    query = f"SELECT name, row FROM ({ROWS}) AS rows WHERE production = %s"
    return {(name, row) for name, row in connection.execute(query, [place.ids["project"]])}


def named_in(connection: psycopg.Connection, place: Place, ids: list[str]) -> list[tuple[str, str]]:
    """The rows of a production that hold one of these ids, whatever the column."""
    query = f"SELECT name, row FROM ({ROWS}) AS rows WHERE production = %s AND row ~ %s"
    return connection.execute(query, [place.ids["project"], "|".join(ids)]).fetchall()


@pytest.mark.parametrize(("method", "path", "body"), ATTACKS, ids=lambda each: str(each)[:90])
def test_nothing_of_another_production_is_reached(
    method: str,
    path: str,
    body: Any,
    caller: Client,
    here: Place,
    there: Place,
    names: dict[str, str],
    connection: psycopg.Connection,
) -> None:
    used = {names[name] for name in re.findall(r"\{(there\.[a-z_]+)\}", f"{path} {body}")}
    before = state(connection, there)
    known = {**names, "caller.id": caller.id}
    sent = {"files": {"file": ("a.txt", b"a")}} if body == "a file" else {"json": filled(body, known)}
    answer = caller.call(method, filled(path, known), **sent)
    assert answer.status_code < 500, answer.text
    assert state(connection, there) == before, answer.text
    assert named_in(connection, here, sorted(used)) == [], answer.text
    assert there.name not in answer.text


def test_every_such_route_is_attacked() -> None:
    """A new route with two ids in its path is attacked here, or says why not."""
    attacked = {(method, re.sub(r"\{[^}]*\}", "*", path).partition("?")[0]) for method, path, _ in ATTACKS}
    missing = [
        f"{each.method} {each.path}"
        for each in OPERATIONS
        if each.method != "GET"
        and each.access.text != "studio manager"
        and len(re.findall(r"_id:", each.path)) > 1
        and (each.method, re.sub(r"\{[^}]*\}", "*", each.path)) not in attacked
    ]
    assert sorted(missing) == sorted(ELSEWHERE)
