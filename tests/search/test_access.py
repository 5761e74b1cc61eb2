"""What each role finds of a production, with what is hidden from them beside what is not.

Every kind of caller is asked for every hidden word in tests/whole/test_secrets.py.
"""

from typing import Any

import pytest

from tests import factories
from tests.client import Client, unique

#: The words of the show: each stands in one place.
OPEN, CLIENTS, DEPARTMENT, INTERNAL, SAID = "ochre", "cyan", "magenta", "viridian", "indigo"


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    wood = admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"})
    roles = ("manager", "supervisor", "user", "client", "vendor")
    return {role: factories.hire(admin, role, departments=[wood["id"]]) for role in roles}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    made = factories.production(admin, *people.values())
    stone = admin.ok_post("/data/departments", {"name": unique("Stone"), "color": "#000000"})
    columns: dict[str, Any] = {"open": {}, "clients": {"for_client": True}, "stone": {"departments": [stone["id"]]}}
    for name, more in columns.items():
        column = {"name": name, "entity_type": "Asset", "data_type": "string", **more}
        admin.ok_post(f"/data/projects/{made['id']}/metadata-descriptors", column)
    return made


@pytest.fixture(scope="module")
def assets(admin: Client, show: dict[str, Any], people: dict[str, Client]) -> dict[str, str]:
    """Two assets of the same words; the vendor works on one, of whose task there are two comments."""
    data = {"open": OPEN, "clients": CLIENTS, "stone": DEPARTMENT}
    ids = {}
    for label in ("theirs", "other"):
        asset = factories.entity(admin, show["id"], name=unique("Tint"), data=data)
        task = factories.task(admin, asset, assignees=[people["vendor"].id] if label == "theirs" else [])
        for word, for_client in ((INTERNAL, False), (SAID, True)):
            comment = {"task_status_id": task["task_status_id"], "comment": word, "for_client": for_client}
            admin.ok_post(f"/actions/tasks/{task['id']}/comment", comment)
        ids[label] = asset["id"]
    return ids


def found(who: Client, show: dict[str, Any], word: str, index: str = "assets") -> list[dict[str, Any]]:
    body = {"query": word, "index_names": [index], "project_id": show["id"]}
    return list(who.ok_post("/data/search", body)[index])


@pytest.mark.parametrize(
    ("role", "columns"),
    [
        ("manager", {"open", "clients", "stone"}),
        ("supervisor", {"open", "clients", "stone"}),
        ("user", {"open", "clients", "stone"}),
        ("client", {"clients"}),
        ("vendor", {"open", "clients"}),
    ],
)
def test_metadata_is_found_by_those_who_see_it(
    people: dict[str, Client], show: dict[str, Any], assets: dict[str, str], role: str, columns: set[str]
) -> None:
    mine = {assets["theirs"]} if role == "vendor" else set(assets.values())
    for column, word in {"open": OPEN, "clients": CLIENTS, "stone": DEPARTMENT}.items():
        rows = found(people[role], show, word)
        assert {row["id"] for row in rows} == (mine if column in columns else set()), column
        assert all(row["matched_terms"] == [column] and set(row["data"]) == columns for row in rows)
    # What is seen finds the row, and does not tell that more of it fits.
    for row in found(people[role], show, f"{DEPARTMENT[:4]} tint") + found(people[role], show, "tint"):
        assert set(row["matched_terms"]) <= {"name", *columns}
    assert bool(found(people[role], show, f"{DEPARTMENT} tint")) == ("stone" in columns)


def test_comments_are_found_by_those_who_may_read_them(
    people: dict[str, Client], show: dict[str, Any], assets: dict[str, str]
) -> None:
    for role, who in people.items():
        count = {"vendor": 1}.get(role, 2)
        assert len(found(who, show, INTERNAL, "comments")) == (0 if role == "client" else count), role
        assert len(found(who, show, SAID, "comments")) == count, role


def test_playlists_and_people(admin: Client, people: dict[str, Client], show: dict[str, Any]) -> None:
    for name, for_client in (("Umber dailies", False), ("Umber review", True)):
        admin.ok_post("/data/playlists", {"name": name, "project_id": show["id"], "for_client": for_client})
    counts = {role: len(found(who, show, "umber", "playlists")) for role, who in people.items()}
    assert counts == {"manager": 2, "supervisor": 2, "user": 2, "client": 1, "vendor": 0}
    mate, stranger = (
        admin.ok_post(
            "/data/persons",
            {"first_name": "Sepia", "last_name": unique(""), "email": f"{unique('s').replace(' ', '')}@x.org"},
        )
        for _ in range(2)
    )
    admin.ok_post(f"/data/projects/{show['id']}/team", {"person_id": mate["id"]})
    everybody = {mate["id"], stranger["id"]}
    for role, who in {**people, "admin": admin}.items():
        rows = found(who, show, "sepia", "persons")
        assert {row["id"] for row in rows} == ({mate["id"]} if role in ("client", "vendor") else everybody), role
        assert all(("email" in row) == (role == "admin") for row in rows), role


def test_others_find_nothing(admin: Client, show: dict[str, Any], assets: dict[str, str]) -> None:
    for role in ("manager", "user", "client", "vendor"):
        outsider = factories.hire(admin, role)
        for index, word in {"assets": "tint", "projects": show["name"], "comments": SAID, "playlists": "umber"}.items():
            assert found(outsider, show, word, index) == [], (role, index)
    assert Client(admin.api).post("/data/search", {"query": "tint"}).status_code == 401
