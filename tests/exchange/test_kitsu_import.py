"""Rows of another Kitsu server, brought in under their own ids."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pegbar.exchange.kitsu.imports import IMPORTS
from tests import factories
from tests.client import Client, unique
from tests.core.listener import Feed
from tests.whole.test_statements import statements

THEN = {"created_at": "2023-05-06T07:08:09", "updated_at": "2023-05-07T08:09:10"}
Row = dict[str, Any]


def new(**values: Any) -> Row:
    """A row as another server has it."""
    return {"id": str(uuid4()), **THEN, **values}


def send(who: Client, what: str, rows: Any, **query: Any) -> requests.Response:
    return who.post(f"/import/kitsu/{what}", rows, params=query)


def stored(who: Client, what: str, rows: Any, **query: Any) -> Any:
    """The answer to rows that are taken."""
    answer = send(who, what, rows, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(who: Client, what: str, rows: Any, index: int, word: str, status: int = 400) -> None:
    """Rows of which one is refused, with a message that names it and the reason."""
    answer = send(who, what, rows)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["error"], body["data"], body["index"], body["imported_rows"]) == (True, None, index, index)
    assert f"Row {index} " in body["message"]
    assert word in body["message"], body["message"]


@pytest.fixture(scope="module")
def show(admin: Client) -> Row:
    return factories.production(admin)


@pytest.fixture(scope="module")
def task(admin: Client, show: Row) -> Row:
    return factories.task(admin, factories.entity(admin, show["id"]))


@pytest.fixture(scope="module")
def asset_type(admin: Client) -> str:
    return str(factories.named(admin, "entity-types", "Character")["id"])


def asset(show: Row, asset_type: str, **values: Any) -> Row:
    return new(
        type="Asset", project_id=show["id"], name=unique("Asset"), asset_type_id=asset_type, entities_out=[], **values
    )


def test_rows_keep_their_ids_and_dates_and_come_back_in_order(admin: Client, show: Row) -> None:
    rows = [new(type="Milestone", project_id=show["id"], name=f"M{n}", date="2024-03-04") for n in (2, 0, 1)]
    answer = stored(admin, "milestones", [{**row, "task_type_name": "Layout", "zz": {}} for row in rows])
    assert [row["name"] for row in answer] == ["M2", "M0", "M1"]
    for row, sent in zip(answer, rows, strict=True):
        assert row == {**sent, "task_type_id": None}
        assert admin.ok_get(f"/data/milestones/{row['id']}") == row
    change = {"id": rows[0]["id"], "name": "Moved", "updated_at": "2025-01-01T00:00:00"}
    (changed,) = stored(admin, "milestones", [change])
    assert changed == {**answer[0], **change}


def test_a_row_without_dates_is_as_old_as_its_import(admin: Client, show: Row) -> None:
    row = {"id": str(uuid4()), "project_id": show["id"], "name": "Now", "created_at": None}
    (made,) = stored(admin, "milestones", [row])
    assert made["created_at"] == made["updated_at"] > THEN["updated_at"]
    (changed,) = stored(admin, "milestones", [{**row, "name": "Later"}])
    assert changed["created_at"] == made["created_at"]


def test_a_row_twice_in_a_request_is_made_and_changed(admin: Client, show: Row) -> None:
    row = new(project_id=show["id"], name="One")
    feed = Feed(admin)
    answer = stored(admin, "milestones", [row, {**row, "name": "Two"}, {"id": row["id"], "name": "Three"}])
    assert [item["name"] for item in answer] == ["Three"] * 3
    assert [event["name"] for event in feed.read()] == ["milestone:new", "milestone:update", "milestone:update"]


def test_the_first_bad_row_is_named_and_those_before_it_stay(admin: Client, show: Row) -> None:
    rows = [new(project_id=show["id"], name=f"Kept {n}") for n in range(7)]
    rows[4]["task_type_id"] = str(uuid4())
    feed = Feed(admin)
    refused(admin, "milestones", rows, 4, "task_type_id")
    assert [event["data"]["milestone_id"] for event in feed.read()] == [row["id"] for row in rows[:4]]
    for number, row in enumerate(rows):
        assert admin.get(f"/data/milestones/{row['id']}").status_code == (200 if number < 4 else 404)
    rows[4]["task_type_id"] = None
    assert len(stored(admin, "milestones", rows)) == 7


def test_nothing_of_a_refused_row_is_written(admin: Client, show: Row, task: Row) -> None:
    somebody = factories.hire(admin)
    before = admin.ok_get(f"/data/tasks/{task['id']}")
    refused(
        admin, "tasks", [{"id": task["id"], "name": "x", "assignees": [somebody.id], "difficulty": 9}], 0, "difficulty"
    )
    assert admin.ok_get(f"/data/tasks/{task['id']}") == before


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"name": "No id"}, "id"),
        ({"id": None, "name": "No id"}, "id"),
        ({"id": "7", "name": "Bad id"}, "id"),
        ({"id": ["x"], "name": "Bad id"}, "id"),
        ({"id": str(uuid4()), "project_id": "$"}, "name"),
        ({"id": str(uuid4()), "project_id": "$", "name": None}, "name"),
        ({"id": str(uuid4()), "project_id": "$", "name": {"a": 1}}, "name"),
        ({"id": str(uuid4()), "project_id": "$", "name": "a\0b"}, "name"),
        ({"id": str(uuid4()), "project_id": "$", "name": "n" * 41}, "name"),
        ({"id": str(uuid4()), "project_id": "$", "name": "x", "date": "soon"}, "date"),
        ({"id": str(uuid4()), "project_id": 12, "name": "x"}, "project_id"),
        ({"id": str(uuid4()), "project_id": "$", "name": "x", "created_at": "yesterday"}, "created_at"),
        ("a row", "object"),
        (None, "object"),
    ],
)
def test_what_is_no_row_is_refused(admin: Client, show: Row, row: Any, word: str) -> None:
    if isinstance(row, dict) and row.get("project_id") == "$":
        row = {**row, "project_id": show["id"]}
    good = new(project_id=show["id"], name="Good")
    refused(admin, "milestones", [good, row], 1, word)
    assert admin.ok_get(f"/data/milestones/{good['id']}")["name"] == "Good"


@pytest.mark.parametrize(
    ("what", "values", "word"),
    [
        ("projects", {"name": "x", "production_style": "opera"}, "opera"),
        ("entities", {"name": "x", "project_id": "$", "status": "lost", "type": "Shot"}, "lost"),
        ("entities", {"name": "x", "project_id": "$", "data": [1], "type": "Shot"}, "data"),
        ("entities", {"name": "x", "project_id": "$"}, "entity_type_id"),
        ("preview-files", {"name": "x", "status": "shiny"}, "shiny"),
        ("preview-files", {"name": "x", "validation_status": "shiny"}, "shiny"),
        ("notifications", {"person_id": "$", "notification_type": "shout"}, "shout"),
        ("notifications", {"person_id": "$"}, "notification_type"),
        ("build-jobs", {"playlist_id": "$", "status": "odd"}, "odd"),
        ("comments", {"object_id": "$", "replies": {}}, "replies"),
        ("comments", {"object_id": "$", "previews": "all"}, "previews"),
        ("comments", {"object_id": "$", "mentions": ["nobody"]}, "mentions"),
        ("metadata-descriptors", {"project_id": "$", "name": "x", "data_type": "odd"}, "odd"),
        ("time-spents", {"date": "2031-01-05", "duration": -1}, "duration"),
        ("news", {"task_id": "$", "author_id": "$", "change": True}, "comment_id"),
        ("entity-links", {"entity_in_id": "$"}, "entity_out_id"),
    ],
)
def test_values_that_would_break_a_listing_are_refused(
    admin: Client, show: Row, what: str, values: Row, word: str
) -> None:
    row = new(**{key: show["id"] if value == "$" else value for key, value in values.items()})
    refused(admin, what, [row], 0, word)


def test_a_body_that_is_no_list_is_refused(admin: Client) -> None:
    for body in ({}, "rows", 3, None):
        answer = send(admin, "tasks", body) if body is not None else admin.post("/import/kitsu/tasks", data="[]")
        assert answer.status_code == (415 if body is None else 400)
    assert stored(admin, "tasks", []) == []


@pytest.mark.parametrize("role", ["manager", "supervisor", "user", "client", "vendor"])
def test_others_than_studio_managers_import_nothing(admin: Client, show: Row, role: str) -> None:
    somebody = factories.hire(admin, role)
    factories.join(admin, show["id"], somebody)
    row = new(project_id=show["id"], name="Mine")
    assert send(somebody, "milestones", [row]).status_code == 403
    assert admin.get(f"/data/milestones/{row['id']}").status_code == 404


# Productions


def test_what_a_production_uses_is_added_to(admin: Client) -> None:
    types = [item["id"] for item in admin.ok_get("/data/task-types")[:3]]
    people = [factories.hire(admin).id for _ in range(2)]
    row = new(name=unique("Pushed"), team=people[:1], task_types=types[:2], task_statuses=[str(uuid4())])
    stored(admin, "projects", [row])
    admin.ok_put(f"/data/projects/{row['id']}/team/{people[0]}", {"role": "manager"})
    stored(admin, "projects", [{"id": row["id"], "team": people, "task_types": types[2:], "production_type": "tvshow"}])
    made = admin.ok_get(f"/data/projects/{row['id']}")
    assert (set(made["team"]), set(made["task_types"])) == (set(people), set(types))
    assert (made["task_statuses"], made["production_type"], made["name"]) == ([], "tvshow", row["name"])
    roles = {item["id"]: item["project_role"] for item in admin.ok_get(f"/data/projects/{row['id']}/team")}
    assert roles == {people[0]: "manager", people[1]: None}


# Entities


def test_an_entity_without_a_type_keeps_what_it_is(admin: Client, show: Row, asset_type: str) -> None:
    cat, dog = asset(show, asset_type), asset(show, asset_type)
    del dog["type"]
    assert [row["entity_type_id"] for row in stored(admin, "entities", [cat, dog])] == [asset_type] * 2
    (renamed,) = stored(admin, "entities", [{"id": cat["id"], "name": unique("Cat")}])
    assert renamed["entity_type_id"] == asset_type


def test_special_kinds_get_the_entity_type_of_this_server(admin: Client, show: Row) -> None:
    kinds = ("Sequence", "Episode", "Edit", "Shot", "Scene")
    rows = [
        new(type=kind, project_id=show["id"], name=unique(kind), entity_type_id=str(uuid4()), episode_name="E")
        for kind in kinds
    ]
    rows[3]["sequence_id"] = rows[0]["id"]
    feed = Feed(admin)
    made = stored(admin, "entities", rows)
    assert [row["entity_type_id"] for row in made] == [
        factories.named(admin, "entity-types", kind)["id"] for kind in kinds
    ]
    assert made[3]["parent_id"] == rows[0]["id"]
    assert [(event["name"], event["data"], event["project_id"]) for event in feed.read()] == [
        (f"{kind.lower()}:new", {f"{kind.lower()}_id": row["id"], "project_id": show["id"]}, show["id"])
        for kind, row in zip(kinds, rows, strict=True)
    ]


def test_a_child_may_come_before_its_parent(admin: Client, show: Row) -> None:
    sequence = new(type="Sequence", project_id=show["id"], name=unique("SQ"))
    shot = new(type="Shot", project_id=show["id"], name="SH", parent_id=sequence["id"])
    assert [row["id"] for row in stored(admin, "entities", [shot, sequence])] == [shot["id"], sequence["id"]]


def test_frames_go_into_the_data_that_is_sent_or_stored(admin: Client, show: Row) -> None:
    shot = new(type="Shot", project_id=show["id"], name=unique("SH"), data={"fur": "long"}, frame_in=10, frame_out="")
    (made,) = stored(admin, "entities", [shot])
    assert made["data"] == {"fur": "long", "frame_in": 10}
    (changed,) = stored(admin, "entities", [{"id": shot["id"], "frame_out": 20, "fps": "24"}])
    assert changed["data"] == {"fur": "long", "frame_in": 10, "frame_out": 20, "fps": "24"}
    (emptied,) = stored(admin, "entities", [{"id": shot["id"], "data": None, "frame_out": 5}])
    assert emptied["data"] == {"frame_out": 5}


def test_casting_is_replaced_when_it_is_sent_and_stays_when_it_is_not(
    admin: Client, show: Row, asset_type: str
) -> None:
    cat, dog = asset(show, asset_type), asset(show, asset_type)
    shot = new(type="Shot", project_id=show["id"], name=unique("SH"), entities_out=[cat["id"], str(uuid4())])
    stored(admin, "entities", [cat, dog, shot])
    link = new(entity_in_id=shot["id"], entity_out_id=cat["id"], nb_occurences=3, label="fixed")
    assert stored(admin, "entity-links", [link])[0]["id"] == link["id"]

    def cast() -> Row:
        rows = admin.ok_get(f"/data/projects/{show['id']}/entities/{shot['id']}/casting")
        return {row["asset_id"]: row["nb_occurences"] for row in rows}

    assert cast() == {cat["id"]: 3}
    stored(admin, "entities", [{"id": shot["id"], "name": unique("SH")}])
    assert cast() == {cat["id"]: 3}
    stored(admin, "entities", [{"id": shot["id"], "entities_out": [dog["id"], cat["id"]]}])
    assert cast() == {cat["id"]: 3, dog["id"]: 1}
    stored(admin, "entities", [{"id": shot["id"], "entities_out": []}])
    assert cast() == {}


def test_a_picture_that_is_not_here_is_left_for_later(admin: Client, show: Row, task: Row, asset_type: str) -> None:
    cat = asset(show, asset_type, preview_file_id=str(uuid4()))
    assert stored(admin, "entities", [cat])[0]["preview_file_id"] is None
    preview = new(task_id=task["id"], name="cat", revision=7, status=None, comments=[])
    (made,) = stored(admin, "preview-files", [preview])
    assert (made["status"], made["data"]) == ("ready", {"imported_only": True})
    cat["preview_file_id"] = preview["id"]
    assert stored(admin, "entities", [cat])[0]["preview_file_id"] == preview["id"]
    for nothing in ("", str(uuid4())):
        assert stored(admin, "entities", [{**cat, "preview_file_id": nothing}])[0]["preview_file_id"] == preview["id"]


def test_a_link_is_known_by_its_ends(admin: Client, show: Row, asset_type: str) -> None:
    cat, shot = asset(show, asset_type), new(type="Shot", project_id=show["id"], name=unique("SH"))
    stored(admin, "entities", [cat, shot])
    first, second = (new(entity_in_id=shot["id"], entity_out_id=cat["id"], nb_occurences=n) for n in (1, 4))
    feed = Feed(admin)
    stored(admin, "entity-links", [first])
    (again,) = stored(admin, "entity-links", [second])
    assert (again["id"], again["nb_occurences"], again["type"]) == (second["id"], 4, "EntityLink")
    assert [event["name"] for event in feed.read()] == ["entity-link:new", "entity-link:update"]
    assert len(admin.ok_get("/data/entity-links", params={"entity_in_id": shot["id"]})) == 1


def test_rows_of_a_board_are_taken_as_they_are(admin: Client, show: Row, asset_type: str) -> None:
    cat = asset(show, asset_type, data={"fur": "short"})
    shot = new(type="Shot", project_id=show["id"], name=unique("SH"), frame_in=10, data={"fur": "long"})
    stored(admin, "entities", [cat, shot])
    for board, row in (("assets", cat), ("shots", shot)):
        rows = admin.ok_get(f"/data/{board}/with-tasks", params={"project_id": show["id"]})
        (shown,) = [item for item in rows if item["id"] == row["id"]]
        kind = {"assets": "Asset", "shots": "Shot"}[board]
        before = admin.ok_get(f"/data/entities/{row['id']}")
        stored(admin, "entities", [{"type": kind, **shown}])
        after = admin.ok_get(f"/data/entities/{row['id']}")
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


# Tasks and what is said on them


def test_assignees_are_replaced_when_they_are_sent(admin: Client, task: Row) -> None:
    ann, bob = factories.hire(admin), factories.hire(admin)

    def assignees() -> set[str]:
        return set(admin.ok_get(f"/data/tasks/{task['id']}")["assignees"])

    stored(admin, "tasks", [{"id": task["id"], "assignees": [ann.id, "unassigned", str(uuid4()), {"id": bob.id}]}])
    assert assignees() == {ann.id, bob.id}
    stored(admin, "tasks", [{"id": task["id"], "priority": 2}])
    assert assignees() == {ann.id, bob.id}
    feed = Feed(admin)
    stored(admin, "tasks", [{"id": task["id"], "assignees": [bob.id]}])
    assert assignees() == {bob.id}
    (event,) = feed.read()
    assert (event["name"], event["data"]["task_id"], event["project_id"]) == (
        "task:update",
        task["id"],
        task["project_id"],
    )


def test_mentions_of_people_and_of_departments_stay_beside_each_other(admin: Client, task: Row) -> None:
    ann = factories.hire(admin)
    department = factories.named(admin, "departments", "%")["id"]
    said = new(
        object_id=task["id"],
        person_id=ann.id,
        text="Look",
        task_status_id=task["task_status_id"],
        mentions=[ann.id],
        department_mentions=[department, str(uuid4())],
        acknowledgements=[admin.id],
    )
    feed = Feed(admin)
    (made,) = stored(admin, "comments", [said])
    assert (made["object_type"], made["created_at"]) == ("Task", THEN["created_at"])
    whole = admin.ok_get(f"/data/comments/{said['id']}")
    assert (whole["mentions"], whole["department_mentions"]) == ([ann.id], [department])
    (event,) = feed.read()
    assert event["name"] == "comment:new"
    assert event["data"] == {
        "comment_id": said["id"],
        "task_id": task["id"],
        "person_id": ann.id,
        "for_client": False,
        "project_id": task["project_id"],
    }
    stored(admin, "comments", [{"id": said["id"], "mentions": []}])
    whole = admin.ok_get(f"/data/comments/{said['id']}")
    assert (whole["mentions"], whole["department_mentions"], whole["text"]) == ([], [department], "Look")


@pytest.mark.parametrize("silent", ["", "true"])
def test_a_comment_on_no_task_is_not_stored(admin: Client, task: Row, silent: str) -> None:
    rows = [new(object_id=place, person_id=admin.id, text="Look") for place in (task["id"], str(uuid4()))]
    answer = send(admin, "comments", rows, silent=silent)
    assert answer.status_code == 404
    assert (answer.json()["index"], answer.json()["imported_rows"]) == (1, 1)
    assert "object_id" in answer.json()["message"]
    assert [admin.get(f"/data/comments/{row['id']}").status_code for row in rows] == [200, 404]


def test_attachments_belong_to_the_comment_that_lists_them(admin: Client, task: Row) -> None:
    said = new(object_id=task["id"], person_id=admin.id, text="Look", task_status_id=task["task_status_id"])
    stored(admin, "comments", [said])
    files = [new(comment_id=None, name=f"{n}.pdf", extension="pdf", comment={}, chat_message=None) for n in range(3)]
    made = stored(admin, "attachment-files", files)
    assert [(row["comment_id"], row["comment"]) for row in made] == [(None, None)] * 3

    def attached() -> list[str]:
        comments = admin.ok_get(f"/data/tasks/{task['id']}/comments")
        (row,) = [row for row in comments if row["id"] == said["id"]]
        return sorted(item["name"] for item in row["attachment_files"])

    stored(admin, "comments", [{**said, "attachment_files": [files[0]["id"], {"id": files[1]["id"]}, str(uuid4())]}])
    assert attached() == ["0.pdf", "1.pdf"]
    stored(admin, "comments", [{**said, "attachment_files": [files[2]["id"], files[1]["id"]]}])
    assert attached() == ["1.pdf", "2.pdf"]
    (row,) = stored(admin, "attachment-files", [{"id": files[2]["id"], "size": 12}])
    assert (row["size"], row["comment"]["id"]) == (12, said["id"])


def test_private_rows_are_told_to_their_person(admin: Client, show: Row, task: Row) -> None:
    reader, other = factories.hire(admin), factories.hire(admin)
    for somebody in (reader, other):
        factories.join(admin, show["id"], somebody)
    theirs, others = Feed(reader), Feed(other)
    notice = new(person_id=reader.id, author_id=admin.id, task_id=task["id"], notification_type="mention", read=False)
    (made,) = stored(admin, "notifications", [{**notice, "type": "Notification"}])
    assert (made["type"], made["notification_type"]) == ("Notification", "mention")
    stored(admin, "subscriptions", [new(person_id=reader.id, task_id=task["id"])])
    assert [event["name"] for event in theirs.read()] == ["notification:new", "subscription:new"]
    assert others.read() == []


# Runs


@pytest.mark.parametrize("silent", ["1", "true", "YES"])
def test_a_silent_import_tells_nothing(admin: Client, show: Row, silent: str) -> None:
    feed = Feed(admin)
    stored(admin, "milestones", [new(project_id=show["id"], name="Quiet")], silent=silent)
    stored(admin, "milestones", [new(project_id=show["id"], name="Loud")], silent="no")
    assert [event["name"] for event in feed.read()] == ["milestone:new"]


def test_the_number_of_statements_does_not_grow_with_the_rows(admin: Client, show: Row, asset_type: str) -> None:
    few, many = ([asset(show, asset_type, frame_in=n) for n in range(count)] for count in (2, 400))
    for _ in range(2):
        answers = [send(admin, "entities", rows) for rows in (few, many)]
        assert [len(answer.json()) for answer in answers] == [2, 400]
        assert statements(answers[0]) == statements(answers[1]) < 15


def test_thousands_of_rows_keep_their_order(admin: Client, show: Row, asset_type: str) -> None:
    rows = [asset(show, asset_type) for _ in range(2500)]
    assert [row["id"] for row in stored(admin, "entities", rows, silent=1)] == [row["id"] for row in rows]
    rows[1700]["parent_id"] = str(uuid4())
    refused(admin, "entities", [{**row, "description": "Again"} for row in rows], 1700, "parent_id")
    texts = [admin.ok_get(f"/data/entities/{rows[n]['id']}")["description"] for n in (0, 1699, 1700, 2499)]
    assert texts == ["Again", "Again", None, None]


def test_the_same_rows_sent_at_once_are_made_once(admin: Client, show: Row) -> None:
    rows = [new(project_id=show["id"], name=f"Race {n}") for n in range(50)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda order: send(admin, "milestones", rows[::order]), [1, -1, 1, -1]))
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]


_IDS = [str(uuid4()) for _ in range(4)]
_VALUES = st.fixed_dictionaries(
    {"id": st.sampled_from(_IDS)},
    optional={
        "name": st.sampled_from(["A", "B", "", None, "n" * 41]),
        "project_id": st.sampled_from(["$", "$", "$", str(uuid4())]),
        "task_type_id": st.sampled_from([None, str(uuid4())]),
        "date": st.sampled_from(["2031-01-05", None]),
    },
)


@settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(_VALUES, max_size=8))
def test_rows_sent_together_end_as_rows_sent_one_by_one(admin: Client, show: Row, documents: list[Row]) -> None:
    ids = [{old: str(uuid4()) for old in _IDS} for _ in range(2)]

    def filled(document: Row, names: dict[str, str]) -> Row:
        known = {key: show["id"] if value == "$" else value for key, value in document.items()}
        return {**THEN, **known, "id": names[document["id"]]}

    together = send(admin, "milestones", [filled(document, ids[0]) for document in documents])
    done = 0
    for document in documents:
        if send(admin, "milestones", [filled(document, ids[1])]).status_code != 200:
            break
        done += 1
    assert together.status_code == (200 if done == len(documents) else 400), together.text
    if done < len(documents):
        assert together.json()["index"] == done

    def rows(names: dict[str, str]) -> list[Any]:
        answers = [admin.get(f"/data/milestones/{names[old]}") for old in _IDS]
        return [{**answer.json(), "id": ""} if answer.status_code == 200 else None for answer in answers]

    assert rows(ids[0]) == rows(ids[1])


@pytest.fixture(scope="module")
def one_of_each(admin: Client, asset_type: str) -> dict[str, Row]:
    """A row of every table, in the order in which they refer to each other."""
    kinds = {name: factories.named(admin, "task-types", name)["id"] for name in ("Modeling", "Layout")}
    todo = factories.named(admin, "task-status", "Todo")["id"]
    ann = factories.hire(admin).id
    project = new(name=unique("Each"), team=[ann], data={"studio": "far away"}, fps="24")
    cat = asset(project, asset_type)
    shot = new(type="Shot", project_id=project["id"], name="SH", entities_out=[])
    job = new(
        project_id=project["id"], entity_id=cat["id"], task_type_id=kinds["Modeling"], task_status_id=todo, name="main"
    )
    preview = new(task_id=job["id"], name="pose", person_id=ann, annotations=[{"time": 0}])
    said = new(
        object_id=job["id"], person_id=ann, text="Look", links=["https://a.example/,{}"], checklist=[{"text": "a"}]
    )
    playlist = new(project_id=project["id"], name="Dailies", shots=[{"entity_id": cat["id"]}])
    rows = {
        "projects": project,
        "metadata-descriptors": new(
            project_id=project["id"], entity_type="Asset", name="Fur", field_name="fur", choices=["long", "short"]
        ),
        "milestones": new(project_id=project["id"], name="Alpha", date="2024-03-04"),
        "entities": cat,
        "tasks": {**job, "assignees": [ann], "due_date": "2031-01-05T00:00:00", "estimation": 7.5},
        "preview-files": preview,
        "comments": {**said, "previews": [preview["id"]], "mentions": [ann]},
        "attachment-files": new(comment_id=said["id"], name="a.pdf", size=99, extension="pdf"),
        "news": new(
            author_id=ann, change=True, comment_id=said["id"], preview_file_id=preview["id"], task_id=job["id"]
        ),
        "notifications": new(
            person_id=ann, author_id=ann, comment_id=said["id"], task_id=job["id"], notification_type="comment"
        ),
        "subscriptions": new(person_id=ann, task_id=job["id"]),
        "time-spents": new(person_id=ann, task_id=job["id"], date="2031-01-05", duration=120),
        "schedule-items": new(project_id=project["id"], task_type_id=kinds["Layout"], start_date="2031-01-05"),
        "playlists": playlist,
        "build-jobs": new(playlist_id=playlist["id"], status="failed", message="No room"),
    }
    answers = {what: stored(admin, what, [row])[0] for what, row in rows.items()}
    stored(admin, "entities", [shot])
    link = new(entity_in_id=shot["id"], entity_out_id=cat["id"], nb_occurences=2, label="fixed", data={"auto": True})
    return {**answers, "entity-links": stored(admin, "entity-links", [link])[0]}


@pytest.mark.parametrize("what", [imported.name for imported in IMPORTS])
def test_what_an_import_answers_is_imported_again_without_a_change(
    admin: Client, one_of_each: dict[str, Row], what: str
) -> None:
    feed = Feed(admin)
    before = one_of_each[what]
    (after,) = stored(admin, what, [before])
    ignored = ("updated_at", "comment")  # a row of its own
    assert {key: value for key, value in after.items() if key not in ignored} == {
        key: value for key, value in before.items() if key not in ignored
    }
    assert after["created_at"] == THEN["created_at"]
    private = what in ("notifications", "subscriptions")
    verbs = [event["name"].partition(":")[2] for event in feed.read()]
    assert verbs == ([] if private else ["update"])


def test_every_import_is_declared_once() -> None:
    assert len({imported.name for imported in IMPORTS}) == len(IMPORTS) == 16
