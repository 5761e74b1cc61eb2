"""The tasks of open productions: found, counted and burnt down, as each role."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import psycopg

from pegbar.core.data.database import Database
from pegbar.tasks.open_tasks import queries
from pegbar.tasks.open_tasks.queries import OpenTasks
from tests import factories
from tests.client import Client, unique
from tests.server import Server
from tests.tasks.test_comments import say, status

PATH = "/data/tasks/open-tasks"


def ids_of(who: Client, **query: Any) -> list[str]:
    return [row["id"] for row in who.ok_get(PATH, params=query)["data"]]


def test_open_tasks_are_found_by_every_filter_on_stable_pages(admin: Client) -> None:
    studio = admin.ok_post("/data/studios", {"name": unique("Studio"), "color": "#000000"})
    department = factories.named(admin, "departments", "Modeling")["id"]
    ada = factories.hire(admin, studio_id=studio["id"], departments=[department])
    show = factories.production(admin)
    twin = {"name": "Twin", "project_id": show["id"]}
    assets = [factories.entity(admin, kind=kind, **twin) for kind in ("Character", "Prop")]
    a, b = (factories.task(admin, row, estimation=60, due_date="2024-02-03", priority=2) for row in assets)
    c = factories.task(admin, assets[1], "Rigging", assignees=[ada.id], start_date="2024-01-05", estimation=30)
    admin.ok_post(f"/data/projects/{show['id']}/concepts", {"name": "Mood"})
    kind = factories.named(admin, "task-types", "Concept", for_entity="Concept")["id"]
    (concept,) = admin.ok_post(f"/actions/projects/{show['id']}/task-types/{kind}/concepts/create-tasks", [])
    here = {"project_id": show["id"]}
    assert ids_of(admin, **here) == [a["id"], b["id"], c["id"]], "no concepts, unless asked for"
    assert ids_of(admin, **here, task_type_id=concept["task_type_id"]) == [concept["id"]]
    for query, expected in (
        ({"person_id": "unassigned"}, [a, b]),
        ({"person_id": f"{ada.id},{admin.id}"}, [c]),
        ({"studio_id": studio["id"]}, [c]),
        ({"department_id": department}, [c]),
        ({"start_date": "2024-01-05"}, [c]),
        ({"start_date": "2024-01-06"}, []),
        ({"due_date": "2024-02-03"}, [a, b]),
        ({"priority": 2}, [a, b]),
        ({"priority": 1}, []),
        ({"task_type_id": c["task_type_id"]}, [c]),
        ({"task_status_id": status(admin, "Done")}, []),
    ):
        assert ids_of(admin, **here, **query) == [row["id"] for row in expected], query
    body = admin.call("GET", PATH, json={**here, "priority": 2}).json()
    assert [row["id"] for row in body["data"]] == [a["id"], b["id"]], "filters come in a JSON body too"
    pages = [admin.ok_get(PATH, params={**here, "limit": 1, "page": n}) for n in (1, 2, 3, 4)]
    assert [row["id"] for page in pages for row in page["data"]] == [a["id"], b["id"], c["id"]]
    assert [page["is_more"] for page in pages] == [True, True, False, False]
    assert [page["stats"]["total_estimation"] for page in pages] == [150, 90, 30, 0]
    for name in ("project_id", "task_type_id", "person_id", "start_date", "due_date", "priority", "page", "limit"):
        answer = admin.get(PATH, params={**here, name: "none"})
        assert answer.status_code == 400, (name, answer.text)


def test_open_tasks_are_narrowed_for_vendors_and_blank_for_clients(admin: Client) -> None:
    client, vendor, other = (factories.hire(admin, role) for role in ("client", "vendor", "user"))
    show = factories.production(admin, client, vendor)
    mine = factories.task(admin, factories.entity(admin, show["id"]), assignees=[vendor.id], estimation=60)
    free = factories.task(admin, factories.entity(admin, show["id"]), start_date="2024-01-05", priority=1)
    say(vendor, mine, status(admin, "Done"))
    assert ids_of(vendor) == ids_of(vendor, project_id=show["id"]) == [mine["id"]]
    assert other.get(PATH, params={"project_id": show["id"]}).status_code == 403
    assert ids_of(other) == []
    assert set(ids_of(client)) == {mine["id"], free["id"]}
    blank = client.ok_get(PATH, params={"project_id": show["id"]})
    assert blank["stats"]["total_estimation"] == 0
    assert {(item["estimation"], tuple(item["assignees"]), item["start_date"]) for item in blank["data"]} == {
        (0, (), None)
    }
    for telling in ({"person_id": vendor.id}, {"start_date": "2000-01-01"}, {"priority": 1}):
        assert ids_of(client, **telling) == [], "filters tell nothing that the rows do not"
    assert len(ids_of(client, person_id="unassigned")) == 2
    kind = {
        "entity_type": "Task",
        "task_type_id": mine["task_type_id"],
        "departments": [factories.named(admin, "departments", "Modeling")["id"]],
    }
    for name in ("Secret", "Open"):
        departments = {} if name == "Secret" else {"departments": []}
        path = f"/data/projects/{show['id']}/metadata-descriptors"
        admin.ok_post(path, {"name": name, "data_type": "string", **kind, **departments})
    admin.ok_put(f"/data/tasks/{mine['id']}", {"data": {"secret": "a", "open": "b"}})
    (row,) = vendor.ok_get(PATH)["data"]
    assert row["data"] == {"open": "b"}, "no metadata of other departments"
    assert vendor.ok_get(f"{PATH}/stats")[show["id"]]["amount"] == 1
    counted = client.ok_get(f"{PATH}/stats")[show["id"]]
    assert (counted["amount"], counted["amount_done"], counted["total_estimation"]) == (2, 1, 0)
    assert client.ok_get(f"{PATH}/burndown")["done_by_day"] == []
    assert vendor.ok_get(f"{PATH}/burndown")["total_estimation"] == 60


def test_what_was_done_before_the_window_counts_on_its_first_day(admin: Client) -> None:
    show = factories.production(admin, start_date="2024-01-10", end_date="2024-03-01")
    here = {"project_id": show["id"]}
    empty = admin.ok_get(f"{PATH}/burndown", params=here)
    assert empty == {"total": 0, "total_estimation": 0, "start_date": None, "end_date": None, "done_by_day": []}
    done = status(admin, "Done")
    for day in ("2024-01-01", "2024-01-10", "2024-01-12"):
        task = factories.task(admin, factories.entity(admin, show["id"]), estimation=60)
        say(admin, task, done, created_at=f"{day} 12:00:00")
    factories.task(admin, factories.entity(admin, show["id"]))
    assert admin.ok_get(f"{PATH}/burndown", params=here) == {
        "total": 4,
        "total_estimation": 180,
        "start_date": "2024-01-10",
        "end_date": "2024-03-01",
        "done_by_day": [
            {"date": "2024-01-10", "done": 2, "done_estimation": 120},
            {"date": "2024-01-12", "done": 1, "done_estimation": 60},
        ],
    }


async def answers(url: str, which: OpenTasks, pages: int, **params: Any) -> list[Any]:
    """The pages, the statistics and the burndown of tasks, as one way of counting gives them."""
    database = Database(url, size=1)
    await database.open()
    try:
        found: list[Any] = []
        for number in range(pages):
            row = await database.row(queries.page_of(which), **params, limit=3, offset=3 * number)
            assert row is not None
            found.append((json.loads(row["rows"]), json.loads(row["stats"]), row["total"]))
        found.append(json.loads(await database.json_row(queries.burndown(which), **params) or b""))
        statistics = json.loads(await database.json_row(queries.statistics(replace(which, filters=frozenset()))) or b"")
        return [*found, statistics[str(params["project_id"])]]
    finally:
        await database.close()


def test_tallies_and_places_give_what_counting_and_sorting_everything_gives(server: Server, admin: Client) -> None:
    shows = [factories.production(admin, start_date="2024-01-01", end_date="2024-06-01") for _ in range(2)]
    here, there = (show["id"] for show in shows)
    episodes = [factories.entity(admin, here, "Episode", name=name) for name in ("E2", "E1")]
    sequences = [
        factories.entity(admin, here, "Sequence", name="Twin", parent_id=episode["id"]) for episode in episodes
    ]
    sequences += [factories.entity(admin, here, "Sequence", name=name, parent_id=None) for name in ("Twin", "Alone")]
    places = [
        *(factories.entity(admin, here, "Shot", name=name, parent_id=row["id"]) for row in sequences for name in "ba"),
        *(factories.entity(admin, here, kind, name="Chair") for kind in ("Prop", "Character")),
        factories.entity(admin, here, name="Lamp", source_id=episodes[0]["id"]),
    ]
    tasks = []
    for number, place in enumerate(places):
        more = {"estimation": 10 + number, "start_date": f"2024-02-{number + 1:02}", "due_date": "2024-03-09"}
        kind = "Animation" if place in places[:8] else "Modeling"
        tasks.append(factories.task(admin, place, kind, **more))
    for task in tasks[::3]:
        say(admin, task, status(admin, "Done"), created_at="2024-02-20T10:00:00")
    with psycopg.connect(server.database_url) as connection:
        # As an older database may have them: two sequences alike in all but their parent, a task gone astray.
        connection.execute("UPDATE entity SET parent_id = NULL WHERE id = %s", [places[0]["id"]])
        connection.execute("UPDATE task SET project_id = %s WHERE id = %s", [there, tasks[1]["id"]])
        connection.execute("UPDATE task SET entity_id = NULL WHERE id = %s", [tasks[2]["id"]])
    url = server.database_url
    one_type = {"project_id": here, "task_type_id": tasks[0]["task_type_id"]}
    for params in ({"project_id": here}, {"project_id": there}, one_type):
        counted, tallied = (
            asyncio.run(answers(url, OpenTasks(True, alike, frozenset(params)), 5, **params)) for alike in (False, True)
        )
        assert tallied == counted, params
    assert ids_of(admin, project_id=there) == [tasks[1]["id"]]
