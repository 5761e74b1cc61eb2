"""Saved searches and their groups: who sees, shares, moves and deletes them."""

import threading
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.server import Server
from tests.timesheets.test_time import person

FILTERS, GROUPS = "/data/user/filters", "/data/user/filter-groups"


def save(who: Client, project_id: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"name": unique("Search"), "query": "x", "list_type": "shot", "project_id": project_id}
    return dict(who.ok_post(FILTERS, {**row, **more}))


def group(who: Client, project_id: str | None = None, **more: Any) -> dict[str, Any]:
    return dict(who.ok_post(GROUPS, {"name": unique("Group"), "list_type": "shot", "project_id": project_id, **more}))


def listed(who: Client, path: str, project_id: str | None) -> set[str]:
    rows = who.ok_get(path).get("shot", {}).get(project_id or "all", [])
    return {row["id"] for row in rows}


@pytest.fixture(scope="module")
def crew(admin: Client) -> dict[str, Client]:
    return {role: person(admin, role) for role in ("manager", "supervisor", "user", "client")}


@pytest.fixture(scope="module")
def show(admin: Client, crew: dict[str, Client]) -> str:
    return str(factories.production(admin, *crew.values())["id"])


def test_shared_searches_are_seen_by_the_team_and_administrators(
    admin: Client, crew: dict[str, Client], show: str
) -> None:
    shared, together = (make(crew["manager"], show, is_shared=True) for make in (save, group))
    outsider, gone = person(admin, "manager"), person(admin, "user")
    factories.join(admin, show, gone)
    for who in (admin, gone, *crew.values()):
        assert shared["id"] in listed(who, FILTERS, show)
        assert together["id"] in listed(who, GROUPS, show)
        assert shared["id"] in {row["id"] for row in who.ok_get("/data/user/context")["search_filters"]["shot"][show]}
    admin.ok_delete(f"/data/projects/{show}/team/{gone.id}")
    for who in (outsider, gone):
        assert not listed(who, FILTERS, show) | listed(who, GROUPS, show)
    department = admin.ok_get("/data/departments")[0]["id"]
    crew["manager"].ok_put(f"{FILTERS}/{shared['id']}", {"department_id": department})
    assert shared["id"] not in listed(crew["user"], FILTERS, show)
    assert shared["id"] in listed(crew["manager"], FILTERS, show)
    # An explicit null clears the department, a null production leaves the row where it is.
    row = crew["manager"].ok_put(f"{FILTERS}/{shared['id']}", {"department_id": None, "project_id": None})
    assert (row["department_id"], row["project_id"], row["is_shared"]) == (None, show, True)
    assert shared["id"] in listed(crew["user"], FILTERS, show)


def test_sharing_takes_a_manager_of_the_production(admin: Client, crew: dict[str, Client], show: str) -> None:
    promoted, restricted = person(admin, "user"), person(admin, "manager")
    factories.join(admin, show, promoted, "manager")
    factories.join(admin, show, restricted, "user")
    for who, may in ((promoted, True), (crew["manager"], True), (admin, True), (restricted, False)):
        assert save(who, show, is_shared=True)["is_shared"] is may
        private = group(who, show)
        assert who.ok_put(f"{GROUPS}/{private['id']}", {"is_shared": True})["is_shared"] is False
        row = who.ok_put(f"{GROUPS}/{private['id']}", {"is_shared": True, "project_id": show})
        assert row["is_shared"] is may
    for role in ("supervisor", "user", "client"):
        assert save(crew[role], show, is_shared=True)["is_shared"] is False


def test_a_shared_search_does_not_move_where_one_manages_nothing(
    admin: Client, crew: dict[str, Client], show: str
) -> None:
    manager = crew["manager"]
    elsewhere = factories.production(admin)["id"]
    factories.join(admin, elsewhere, manager, "user")
    shared, together = (make(manager, show, is_shared=True) for make in (save, group))
    for path, row in ((FILTERS, shared), (GROUPS, together)):
        for sent in ({"project_id": elsewhere}, {"project_id": elsewhere, "is_shared": True}):
            moved = manager.ok_put(f"{path}/{row['id']}", sent)
            assert (moved["project_id"], moved["is_shared"]) == (elsewhere, False)
        assert row["id"] not in listed(admin, path, elsewhere)


def test_a_personal_search_names_a_production_one_is_in(admin: Client, crew: dict[str, Client], show: str) -> None:
    artist, elsewhere = crew["user"], factories.production(admin)["id"]
    for path, body in ((FILTERS, {"name": "a", "query": "b"}), (GROUPS, {"name": "a"})):
        assert artist.post(path, {**body, "project_id": elsewhere}).status_code == 403
        assert artist.post(path, {**body, "project_id": str(uuid4())}).status_code == 404
        row = artist.ok_post(path, {**body, "project_id": show})
        assert artist.put(f"{path}/{row['id']}", {"project_id": elsewhere}).status_code == 403
        # Of another's row not even its being there is told.
        assert crew["supervisor"].put(f"{path}/{row['id']}", {"name": "c"}).status_code == 404
        assert crew["supervisor"].delete(f"{path}/{row['id']}").status_code == 404
        assert admin.ok_put(f"{path}/{row['id']}", {"name": "c"})["name"] == "c"


def test_nobody_joins_a_group_they_do_not_see(admin: Client, crew: dict[str, Client], show: str) -> None:
    manager, artist = crew["manager"], crew["user"]
    mine, others = save(artist), group(manager)
    for sent in ({"search_filter_group_id": others["id"]}, {"search_filter_group_id": str(uuid4())}):
        assert artist.put(f"{FILTERS}/{mine['id']}", sent).status_code == 404
        assert artist.post(FILTERS, {"name": "a", "query": "b", **sent}).status_code == 404
    assert admin.put(f"{FILTERS}/{mine['id']}", {"search_filter_group_id": others["id"]}).status_code == 404
    own = group(artist)
    assert artist.ok_put(f"{FILTERS}/{mine['id']}", {"search_filter_group_id": own["id"]})
    shared = group(manager, show, is_shared=True)
    answer = artist.put(f"{FILTERS}/{mine['id']}", {"search_filter_group_id": shared["id"]})
    assert (answer.status_code, "is_shared" in answer.json()["message"]) == (400, True)


def test_a_group_that_goes_leaves_the_searches_of_others(admin: Client, crew: dict[str, Client], show: str) -> None:
    manager = crew["manager"]
    promoted = person(admin, "user")
    factories.join(admin, show, promoted, "manager")
    shared = group(manager, show, is_shared=True)
    inside = {"is_shared": True, "search_filter_group_id": shared["id"]}
    own, others = save(manager, show, **inside), save(promoted, show, **inside)
    # Taken back, the group keeps its owner's searches; shared again, they follow.
    manager.ok_put(f"{GROUPS}/{shared['id']}", {"is_shared": False})
    rows = {row["id"]: row for row in manager.ok_get(FILTERS)["shot"][show]}
    assert (rows[own["id"]]["is_shared"], rows[own["id"]]["search_filter_group_id"]) == (False, shared["id"])
    assert others["id"] not in rows
    (row,) = (row for row in promoted.ok_get(FILTERS)["shot"][show] if row["id"] == others["id"])
    assert (row["is_shared"], row["search_filter_group_id"]) == (False, None)
    manager.ok_put(f"{GROUPS}/{shared['id']}", {"is_shared": True, "project_id": show})
    assert own["id"] in listed(crew["user"], FILTERS, show)
    promoted.ok_put(f"{FILTERS}/{others['id']}", {**inside, "project_id": show})
    manager.ok_delete(f"{GROUPS}/{shared['id']}")
    assert own["id"] not in listed(manager, FILTERS, show)
    assert others["id"] in listed(promoted, FILTERS, show)


def test_somebody_who_leaves_the_studio_takes_their_own_searches_only(admin: Client, show: str) -> None:
    leaver, stays = person(admin, "manager"), person(admin, "manager")
    for who in (leaver, stays):
        factories.join(admin, show, who)
    shared = group(leaver, show, is_shared=True)
    inside = {"is_shared": True, "search_filter_group_id": shared["id"]}
    own, others = save(leaver, show, **inside), save(stays, show, **inside)
    admin.ok_delete(f"/data/persons/{leaver.id}?force=true")
    left = {row["id"]: row for row in stays.ok_get(FILTERS)["shot"][show]}
    assert own["id"] not in left
    assert left[others["id"]]["search_filter_group_id"] is None
    assert shared["id"] not in listed(stays, GROUPS, show)


def test_searches_and_their_group_are_shared_alike_whatever_happens_at_once(
    server: Server, admin: Client, crew: dict[str, Client], show: str
) -> None:
    manager = crew["manager"]
    place = group(manager, show)
    answers: list[int] = []

    def add() -> None:
        for _ in range(6):
            body = {"name": "a", "query": "b", "project_id": show, "search_filter_group_id": place["id"]}
            answers.append(manager.post(FILTERS, body).status_code)

    def toggle() -> None:
        for shared in (True, False, True):
            body = {"is_shared": shared, "project_id": show}
            answers.append(admin.put(f"{GROUPS}/{place['id']}", body).status_code)

    threads = [threading.Thread(target=row) for row in (add, toggle, add)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A private search is refused by a shared group, and nothing worse happens.
    assert set(answers) <= {200, 201, 400}
    with psycopg.connect(server.database_url) as connection:
        query = "SELECT count(*) FROM search_filter WHERE search_filter_group_id = %s AND NOT is_shared"
        assert connection.execute(query, [place["id"]]).fetchone() == (0,)


def test_a_group_that_is_shared_takes_the_searches_of_its_production_only(
    admin: Client, crew: dict[str, Client], show: str
) -> None:
    manager = crew["manager"]
    second = factories.production(admin, crew["user"])["id"]
    factories.join(admin, second, manager, "user")
    private = group(manager, show)
    here, there = (save(manager, item, search_filter_group_id=private["id"]) for item in (show, second))
    manager.ok_put(f"{GROUPS}/{private['id']}", {"is_shared": True, "project_id": show})
    assert here["id"] in listed(crew["user"], FILTERS, show)
    assert there["id"] not in listed(crew["user"], FILTERS, second)
    (row,) = (row for row in manager.ok_get(FILTERS)["shot"][second] if row["id"] == there["id"])
    assert (row["is_shared"], row["search_filter_group_id"]) == (False, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x" * 201},
        {"list_type": "x" * 81},
        {"entity_type": "x" * 81},
        {"project_id": "here"},
        {"department_id": "here"},
        {"name": "a\0b"},
        {"is_shared": "perhaps"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_does_not_fit_is_refused_by_name(crew: dict[str, Client], wrong: dict[str, str]) -> None:
    for path, more in ((FILTERS, {"query": "q"}), (GROUPS, {})):
        answer = crew["user"].post(path, {"name": "a", **more, **wrong})
        assert answer.status_code == 400, answer.text


def test_unknown_and_malformed_ids_are_no_errors_of_the_server(admin: Client) -> None:
    saved, bag = save(admin), group(admin)
    for method in ("GET", "PUT", "DELETE"):
        for path in (GROUPS, FILTERS)[: 1 if method == "GET" else 2]:
            for filter_id in ("here", str(uuid4())):
                assert admin.call(method, f"{path}/{filter_id}", json={}).status_code == 404
    for path, row in ((FILTERS, saved), (GROUPS, bag)):
        for key in ("project_id", "department_id"):
            assert admin.put(f"{path}/{row['id']}", {key: str(uuid4())}).status_code == 404
            assert admin.put(f"{path}/{row['id']}", {key: "here"}).status_code == 400
    assert admin.put(f"{FILTERS}/{saved['id']}", {"search_filter_group_id": "here"}).status_code == 400
    assert admin.put(f"{FILTERS}/{saved['id']}", {"search_query": "x" * 501}).status_code == 400
    assert admin.put(f"{GROUPS}/{bag['id']}", {"color": "x" * 9}).status_code == 400
    assert admin.ok_put(f"{FILTERS}/{saved['id']}", {"name": "", "search_query": ""})["name"] == ""
