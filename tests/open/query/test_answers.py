"""What a query answers: fields of related rows, order and pages, summaries, formats, and what bounds it."""

import asyncio
import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select

from pegbar.app import load_domains
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Token
from tests import factories
from tests.client import Client
from tests.open.query.show import Queried
from tests.server import Server

load_domains()

from pegbar.open.query import asking  # noqa: E402
from pegbar.open.query.grammar import parse, parse_query  # noqa: E402


def asked(who: Client, queried: Queried, thing: str = "tasks", **query: Any) -> dict[str, Any]:
    """The answer to a query within the production."""
    here = ["project_id", "is", queried.id]
    query["filters"] = [here, *query.get("filters", [])]
    return dict(who.ok_post(f"/open/v1/query/{thing}", query))


def refused(who: Client, thing: str = "tasks", **query: Any) -> dict[str, Any]:
    answer = who.post(f"/open/v1/query/{thing}", query)
    assert answer.status_code == 400, answer.text
    return dict(answer.json())


# Fields


def test_without_fields_a_row_is_what_its_list_tells(admin: Client, queried: Queried) -> None:
    listed = {row["id"]: row for row in admin.ok_get("/data/tasks", params={"project_id": queried.id})}
    assert {row["id"]: row for row in asked(admin, queried)["data"]} == listed


def test_fields_lead_across_relations_and_come_nested(admin: Client, queried: Queried) -> None:
    fields = [
        "name",
        "sequence.name",
        "data.note",
        "data.none such",
        "tasks.task_type.name",
        "tasks.assignees.full_name",
        "tasks.assignees.departments",
    ]
    rows = asked(admin, queried, "shots", fields=fields, sort="name")["data"]
    assert [row["name"] for row in rows] == sorted(shot["name"] for shot in queried.shots)
    row, shot = rows[0], min(queried.shots, key=lambda shot: shot["name"])
    assert row["sequence"] == {"name": "sqa"}
    assert row["data"] == {"note": shot["data"].get("note"), "none such": None}
    assert [task["task_type"]["name"] for task in row["tasks"]] == ["Animation", "Lighting"]
    names = {person.id: f"Bo {person.person['last_name']}" for person in queried.people.values()}
    of_shot = [task for task in queried.tasks if task["entity_id"] == shot["id"]]
    told = [{person["full_name"] for person in task["assignees"]} for task in row["tasks"]]
    assert told == [{names[person_id] for person_id in task["assignees"]} for task in of_shot]
    assert all(person["departments"] == [] for task in row["tasks"] for person in task["assignees"])


def test_a_related_row_that_is_none_is_null(admin: Client, queried: Queried) -> None:
    shot = queried.shots[0]["id"]
    (row,) = asked(
        admin,
        queried,
        filters=[["entity_id", "is", shot], ["task_type.name", "is", "Animation"]],
        fields=["asset.name", "shot.id", "assigner.full_name", "last_preview_file.id"],
    )["data"]
    assert row["asset"] is None
    assert row["shot"] == {"id": shot}
    assert row["last_preview_file"] is None


def test_conditions_about_the_same_related_row(admin: Client, queried: Queried) -> None:
    condition = [["task_type.name", "is", "Animation"], ["priority", "greater_than", 1]]
    wanted = {
        task["entity_id"]
        for task in queried.tasks[::2]  # each shot has a task of animation, then one of lighting
        if task["priority"] > 1
    }
    shots = {shot["id"] for shot in queried.shots}
    for operator, expected in (("any", wanted), ("none", shots - wanted)):
        found = asked(admin, queried, "shots", filters=[["tasks", operator, condition]], fields=["id"])
        assert {row["id"] for row in found["data"]} == expected


def test_ids_of_relations_are_compared(admin: Client, queried: Queried) -> None:
    artist, vendor = queried.people["user"].id, queried.people["vendor"].id
    assigned = {task["id"]: set(task["assignees"]) for task in queried.tasks}
    for condition, expected in (
        (["assignees", "is", artist], {key for key, ids in assigned.items() if artist in ids}),
        (["assignees", "not_in", [artist, vendor]], {key for key, ids in assigned.items() if not ids}),
        (["assignees", "is_null"], {key for key, ids in assigned.items() if not ids}),
    ):
        found = asked(admin, queried, filters=[condition], fields=["id", "assignees"])["data"]
        assert {row["id"] for row in found} == expected
        assert all(set(row["assignees"]) == assigned[row["id"]] for row in found)


def test_days_are_counted_from_today(admin: Client, queried: Queried) -> None:
    recent = asked(admin, queried, filters=[["created_at", "in_last", [2, "DAY"]]], fields=["id"])["data"]
    assert len(recent) == len(queried.tasks)
    for condition in (["created_at", "not_in_last", [1, "MONTH"]], ["created_at", "in_calendar_year", -1]):
        assert asked(admin, queried, filters=[condition], fields=["id"])["data"] == []
    coming = ["created_at", "in_next", [1, "YEAR"]]
    assert asked(admin, queried, filters=[coming], fields=["id"])["data"] == []


# Order and pages


@pytest.mark.parametrize(
    "sort", ["", "-due_date,shot.data.effort", "shot.data.approved,-description", "-shot.data.delivery"]
)
def test_pages_are_the_whole_in_order(admin: Client, queried: Queried, sort: str) -> None:
    order = {"sort": sort} if sort else {}
    whole = asked(admin, queried, fields=["id"], **order)
    assert whole["next"] is None
    pages, cursor = [], None
    while True:
        page = asked(admin, queried, fields=["id"], limit=5, cursor=cursor, **order)
        pages += page["data"]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == whole["data"]
    assert {row["id"] for row in pages} == {task["id"] for task in queried.tasks}


def test_rows_without_a_value_come_last(admin: Client, queried: Queried) -> None:
    for sort in ("due_date", "-due_date"):
        dates = [row["due_date"] for row in asked(admin, queried, fields="due_date", sort=sort)["data"]]
        known = [value for value in dates if value is not None]
        assert dates == sorted(known, reverse=sort.startswith("-")) + [None] * (len(dates) - len(known))


def test_a_cursor_is_good_for_its_query_alone(admin: Client, queried: Queried) -> None:
    cursor = asked(admin, queried, limit=1, sort="name")["next"]
    for wrong in (cursor[:-4], "x", "W10", cursor):
        assert "cursor" in refused(admin, sort="-name", cursor=wrong)["message"]
    assert refused(admin, "shots", sort="name", cursor=cursor)["data"]["errors"][0]["field"] == "cursor"


# Summaries


def test_summaries_of_groups(admin: Client, queried: Queried) -> None:
    summaries = [
        {"type": "count"},
        {"field": "duration", "type": "sum"},
        {"field": "duration", "type": "average"},
        {"field": "due_date", "type": "max"},
        {"field": "shot.sequence.name", "type": "count_distinct"},
    ]
    grouping = ["task_type.name", {"field": "due_date", "type": "month"}]
    answer = asked(admin, queried, summaries=summaries, grouping=grouping)
    assert answer["complete"] is True
    types = {row["id"]: row["name"] for row in admin.ok_get("/data/task-types")}
    expected = Counter((types[task["task_type_id"]], (task["due_date"] or "")[:7]) for task in queried.tasks)
    told = {(row["group"]["task_type.name"], row["group"]["due_date"] or ""): row["summary"] for row in answer["data"]}
    assert {group: summary["count(id)"] for group, summary in told.items()} == expected
    for (type_name, month), summary in told.items():
        durations = [
            task["duration"]
            for task in queried.tasks
            if (types[task["task_type_id"]], (task["due_date"] or "")[:7]) == (type_name, month)
        ]
        assert summary["sum(duration)"] == sum(durations)
        assert summary["average(duration)"] == pytest.approx(sum(durations) / len(durations))
    (whole,) = asked(admin, queried, summaries=[{"type": "count"}])["data"]
    assert whole == {"group": {}, "summary": {"count(id)": len(queried.tasks)}}


def test_groups_of_several_related_rows_and_of_metadata(admin: Client, queried: Queried) -> None:
    of_person = asked(admin, queried, summaries=[{"type": "count"}], grouping=["assignees"], sort="-count(id)")["data"]
    expected = Counter(person or None for task in queried.tasks for person in (task["assignees"] or [""]))
    assert {row["group"]["assignees"]: row["summary"]["count(id)"] for row in of_person} == expected
    counts = [row["summary"]["count(id)"] for row in of_person]
    assert counts == sorted(counts, reverse=True)
    efforts = asked(
        admin, queried, "shots", summaries=[{"field": "data.effort", "type": "sum"}], grouping=["data.note"]
    )
    notes = {shot["data"].get("note") or None for shot in queried.shots}
    assert {row["group"]["data.note"] for row in efforts["data"]} == notes


# Formats


def test_lines_of_json_and_csv(admin: Client, queried: Queried) -> None:
    shot = factories.entity(admin, queried.id, "Shot", name='=1+"2;3"', data={"note": "-cmd", "tags": ["a", "b"]})
    try:
        query = {
            "filters": [["id", "in", [shot["id"], queried.shots[0]["id"]]]],
            "fields": [
                "name",
                "data.note",
                "data.tags",
                "sequence.name",
                "tasks.task_type.name",
                "nb_frames",
                "canceled",
            ],
            "sort": "created_at",
        }
        lines = admin.post("/open/v1/query/shots", query, headers={"Accept": "application/x-ndjson"})
        assert lines.headers["content-type"].startswith("application/x-ndjson")
        rows = [json.loads(line) for line in lines.text.splitlines()]
        assert rows == admin.ok_post("/open/v1/query/shots", query)["data"]
        sheet = admin.post("/open/v1/query/shots?format=csv", query)
        assert sheet.headers["content-type"].startswith("text/csv")
        header, first, second = csv.reader(io.StringIO(sheet.text), delimiter=";")
        assert header == query["fields"]
        assert first[0] == queried.shots[0]["name"]
        assert (first[3], sorted(json.loads(first[4]))) == ("sqa", ["Animation", "Lighting"])
        assert second[:4] == ['\'=1+"2;3"', "'-cmd", '["a","b"]', ""]
        page = admin.post("/open/v1/query/shots?format=ndjson", {**query, "limit": 1}).text.splitlines()
        following = {**query, "limit": 1, "cursor": json.loads(page[1])["next"]}
        assert json.loads(admin.post("/open/v1/query/shots?format=ndjson", following).text) == rows[1]
    finally:
        admin.ok_delete(f"/data/entities/{shot['id']}?force=true")


def test_an_empty_answer_has_its_form(admin: Client) -> None:
    nothing = {"filters": [["id", "is", str(uuid4())]], "fields": ["name"]}
    assert admin.ok_post("/open/v1/query/tasks", nothing) == {"data": [], "next": None}
    assert admin.post("/open/v1/query/tasks?format=csv", nothing).text == "name\r\n"
    assert admin.post("/open/v1/query/tasks?format=ndjson", nothing).text == ""


def test_a_thing_tells_what_can_be_asked(admin: Client, queried: Queried) -> None:
    told = admin.ok_get("/open/v1/query/tasks")
    fields = {field["name"]: field for field in told["fields"]}
    assert fields["due_date"]["holds"] == "moment"
    assert {"is", "is_not", "between", "not_between", "in_last", "is_null"} <= set(fields["due_date"]["operators"])
    assert {"name": "assignees", "thing": "persons", "several": True} in told["relations"]
    of_client = queried.people["client"].ok_get("/open/v1/query/tasks")
    assert "due_date" not in {field["name"] for field in of_client["fields"]}
    assert "playlists" in admin.ok_get("/open/v1/query")
    assert "playlists" not in queried.people["vendor"].ok_get("/open/v1/query")


# Refusals


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"filters": [["priority", "is", "high"]]}, "filters.0.2"),
        ({"filters": [["priority", "in", [1, True]]]}, "filters.0.2.1"),
        ({"filters": [["priority", "contains", "1"]]}, "filters.0.1"),
        ({"filters": [["due_date", "is", "2026-02-30"]]}, "filters.0.2"),
        ({"filters": [["due_date", "in_last", [9999, "YEAR"]]]}, "filters.0.2"),
        ({"filters": [["id", "is", "x"]]}, "filters.0.2"),
        ({"filters": [["priority", "is", 2**63]]}, "filters.0.2"),
        ({"filters": [["entity", "is", "x"]]}, "filters.0.0"),
        ({"filters": [["shot.data.effort", "less_than", "x"]]}, "filters.0.2"),
        ({"filters": [["data", "is", "x"]]}, "filters.0.1"),
        ({"fields": ["name", "shot.nothing"]}, "fields.1"),
        ({"sort": ["assignees.full_name"]}, "sort.0"),
        ({"sort": "data"}, "sort.0"),
        ({"limit": 0}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"group": []}, "group"),
        ({"grouping": ["name"]}, "grouping"),
        ({"summaries": [{"type": "sum", "field": "name"}]}, "summaries.0.type"),
        ({"summaries": [{"type": "count"}], "grouping": [{"field": "name", "type": "week"}]}, "grouping.0.type"),
        ({"summaries": [{"type": "count"}], "sort": "name"}, "sort.0"),
    ],
    ids=map(str, range(20)),
)
def test_a_refusal_names_the_place_and_the_reason(admin: Client, queried: Queried, query: Any, place: str) -> None:
    error = refused(admin, **query)
    assert error["data"]["errors"][0]["field"] == place
    assert error["message"].startswith(f"{place}: ")


def test_other_bodies_and_things_are_refused(admin: Client, anonymous: Client) -> None:
    assert admin.post("/open/v1/query/tasks", [1]).status_code == 400
    assert (
        admin.call("POST", "/open/v1/query/tasks", data="{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
    assert admin.post("/open/v1/query/tasks?format=xml", {}).status_code == 400
    assert admin.post("/open/v1/query/organisations", {}).status_code == 404
    assert anonymous.post("/open/v1/query/tasks", {}).status_code == 401


_HOSTILE = ["'; DROP TABLE task; --", '"', "$1", "%s", ":x", "\\", "{}", "a'b\"c", "\u202e", "x\n;=1", "data"]


def test_no_text_is_taken_for_sql(admin: Client, queried: Queried) -> None:
    here = ["project_id", "is", queried.id]
    for text in _HOSTILE:
        for condition in (["name", "is", text], ["name", "contains", text], ["shot.data.note", "in", [text]]):
            assert asked(admin, queried, filters=[condition])["data"] == []
        key = f"data.{text}"
        rows = asked(admin, queried, "shots", filters=[[key, "is_null"]], fields=[key], sort=key)["data"]
        assert [row["data"] for row in rows] == [{text: None}] * len(queried.shots)
        (group,) = asked(admin, queried, "shots", summaries=[{"field": key, "type": "count"}], grouping=[key])["data"]
        assert group == {"group": {key: None}, "summary": {f"count({key})": 0}}
        sheet = admin.post("/open/v1/query/shots?format=csv", {"filters": [here], "fields": ["name", key]})
        assert len(list(csv.reader(io.StringIO(sheet.text, newline=""), delimiter=";"))) == len(queried.shots) + 1
        for place in (
            {"fields": [text]},
            {"sort": text},
            {"filters": [[text, "is", 1]]},
            {"filters": [["name", text, 1]]},
        ):
            if text != "data":
                assert admin.post("/open/v1/query/tasks", place).status_code == 400
        assert admin.post(f"/open/v1/query/{text.encode().hex()}", {}).status_code == 404


# What it takes


def test_a_query_is_one_statement(admin: Client, queried: Queried) -> None:
    fields = ["name", "shot.sequence.name", "assignees.full_name", "comments.person.full_name"]
    query = {"filters": [["project_id", "is", queried.id]], "fields": fields, "sort": "-due_date"}
    assert admin.post("/open/v1/query/tasks", query).headers["server-timing"] == 'db;desc="2 statements"'
    query["fields"] = [*fields, "shot.data.effort"]
    assert admin.post("/open/v1/query/tasks", query).headers["server-timing"] == 'db;desc="3 statements"'


def _manager() -> Caller:
    return Caller(id=UUID(int=1), role="admin", token=Token(UUID(int=1), "x", "access", "person", 0.0))


def test_what_would_take_too_much_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        database = Database(server.database_url, size=1, streams=1)
        await database.open()
        try:
            monkeypatch.setattr(asking, "settings", lambda: dataclasses.replace(settings(), query_cost=1.0))
            with pytest.raises(BadRequest, match=r"the most \(PEGBAR_QUERY_COST\)\. Narrow it"):
                await asking.ask(database, _manager(), "tasks", {}, parse_query({}), "json")

            async def given_up(*_: Any, **__: Any) -> AsyncIterator[list[str]]:
                for error in (asyncpg.QueryCanceledError("canceling statement due to statement timeout"),):
                    raise error
                yield []

            monkeypatch.setattr(database, "texts", given_up)
            with pytest.raises(BadRequest, match="took longer than 30 seconds"):
                await asking.ask(database, _manager(), "tasks", {}, parse_query({}), "json")
        finally:
            await database.close()

    asyncio.run(run())


def test_a_condition_is_a_part_of_other_statements(server: Server, queried: Queried) -> None:
    condition = parse([["priority", "between", [0, 3]], ["shot.data.note", "is_not", "x"]])

    async def run() -> list[bool]:
        database = Database(server.database_url, size=1, streams=1)
        await database.open()
        try:
            columns = await asking.columns_of(database, _manager(), condition)
            where, params = asking.compiled(condition, "tasks", _manager(), columns)
            row_ids = [UUID(queried.tasks[0]["id"]), UUID(queried.shots[0]["id"])]
            return [await database.value(select(where), row_id=row_id, **params) for row_id in row_ids]
        finally:
            await database.close()

    assert asyncio.run(run()) == [True, False]
