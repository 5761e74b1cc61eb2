"""To do, done and to check, through the eyes of each role."""

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pegbar.core.errors import BadRequest
from pegbar.workspace.review_page.queries import Checks, read_checks
from tests import factories
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.tasks.test_comments import say, status
from tests.timesheets.test_time import person

TO_DO, DONE, TO_CHECK = "/data/user/tasks", "/data/user/done-tasks", "/data/user/tasks-to-check"


@dataclass
class Studio:
    show: Show
    #: By the role in the studio and, after a comma, in the team.
    people: dict[str, Client]
    tasks: dict[str, dict[str, Any]]
    episode: dict[str, Any]

    def rows(self, who: str, path: str, **query: Any) -> list[str]:
        """The names of the tasks of the production that somebody finds in a list."""
        answer = self.people[who].ok_get(path, params={"project_id": self.show.id, **query})
        rows = answer["data"] if isinstance(answer, dict) else answer
        names = {task["id"]: name for name, task in self.tasks.items()}
        return [names[row["id"]] for row in rows if row["project_id"] == self.show.id]


ROLES = {
    "manager": ("manager", None),
    "supervisor": ("supervisor", None),
    "animation supervisor": ("supervisor", None),
    "user": ("user", None),
    "vendor": ("vendor", None),
    "client": ("client", None),
    "user, manager here": ("user", "manager"),
    "manager, client here": ("manager", "client"),
    "manager, user here": ("manager", "user"),
    "user, vendor here": ("user", "vendor"),
    "left": ("manager", None),
}


@pytest.fixture(scope="module")
def studio(admin: Client) -> Studio:
    animation = factories.named(admin, "task-types", "Animation")
    show = Show(admin, production_type="tvshow")
    people = {"admin": admin}
    for name, (role, here) in ROLES.items():
        departments = {"departments": [animation["department_id"]]} if name == "animation supervisor" else {}
        people[name] = show.join(person(admin, role, **departments), here)
    episode = show.episode("E01")
    shot, edit, asset = (
        show.shot(show.sequence(episode), data={"secret": 1, "open": 2}),
        factories.entity(admin, show.id, "Edit", parent_id=episode["id"]),
        show.asset(data={"secret": 1, "open": 2}),
    )
    drawing = admin.ok_post(
        "/data/task-types", {"name": unique("Drawing"), "color": "#000000", "for_entity": "Concept"}
    )
    folder = admin.ok_post(f"{show.path}/concept-folders", {"name": "Folder"})
    concept = admin.ok_post(f"{show.path}/concepts", {"name": "Concept", "parent_id": folder["id"]})
    show.cast(episode, asset)
    hidden = {"departments": [factories.named(admin, "departments", "Modeling")["id"]], "data_type": "string"}
    for kind in ("Shot", "Asset", "Task"):
        more = {"task_type_id": animation["id"]} if kind == "Task" else {}
        admin.ok_post(
            "/data/metadata-descriptors",
            {"project_id": show.id, "entity_type": kind, "name": "Secret", "field_name": "secret", **hidden, **more},
        )
    waiting, done = status(admin, "Waiting For Approval"), status(admin, "Done")
    everyone = [who.id for name, who in people.items() if name != "admin"]
    common: dict[str, Any] = {"task_status_id": waiting, "assignees": everyone, "estimation": 60, "priority": 2}
    tasks = {
        "shot": factories.task(
            admin, shot, "Animation", **common, due_date="2031-03-04T10:00:00", data={"secret": 1, "open": 2}
        ),
        "edit": factories.task(admin, edit, "Edit", **{**common, "priority": 3, "duration": 30}),
        "asset": factories.task(admin, asset, **{**common, "estimation": 120}),
        "concept": factories.task(admin, concept, drawing["name"], **{**common, "assignees": []}),
        "done": factories.task(admin, show.shot(), "Animation", **{**common, "task_status_id": done}),
    }
    admin.ok_delete(f"/data/projects/{show.id}/team/{people['left'].id}")
    return Studio(show, people, tasks, episode)


def test_each_list_by_the_role_on_the_production(studio: Studio) -> None:
    waiting, everything = {"shot", "edit", "asset"}, {"shot", "edit", "asset", "concept"}
    checks = {
        "admin": everything,
        "manager": everything,
        "supervisor": everything,
        "animation supervisor": {"shot"},
        "user, manager here": everything,
    }
    for name in ("admin", *ROLES):
        assigned = name not in ("admin", "left")
        assert set(studio.rows(name, TO_DO)) == (waiting if assigned else set()), name
        assert studio.rows(name, DONE) == (["done"] if assigned else []), name
        assert set(studio.rows(name, TO_CHECK)) == checks.get(name, set()), name
        values = studio.people[name].ok_get(f"{TO_CHECK}/filter-values")
        if name != "admin":
            assert values["project_ids"] == ([studio.show.id] if name in checks else []), name
            assert values["episode_ids"] == ([studio.episode["id"]] if name in checks else []), name


def test_metadata_is_masked_and_the_studio_s_own_blanked(studio: Studio) -> None:
    def shot(name: str) -> dict[str, Any]:
        (row,) = (row for row in studio.people[name].ok_get(TO_DO) if row["id"] == studio.tasks["shot"]["id"])
        return dict(row)

    whole = shot("user")
    for name in ("vendor", "user, vendor here"):
        masked = shot(name)
        assert masked["data"] == masked["entity_data"] == {"open": 2}, name
        assert masked == {**whole, "data": {"open": 2}, "entity_data": {"open": 2}}, name
    for name in ("client", "manager, client here"):
        blank = shot(name)
        assert blank.keys() == whole.keys()
        assert blank["assignees"] == []
        assert blank["due_date"] is blank["task_due_date"] is blank["start_date"] is None
        assert blank["estimation"] == blank["task_estimation"] == blank["duration"] == blank["priority"] == 0
        assert blank["entity_name"] == whole["entity_name"]
    assert (whole["data"], whole["entity_data"]["secret"]) == ({"secret": 1, "open": 2}, 1)
    assert whole["estimation"] == whole["task_estimation"] == 60


def test_own_entities_and_tasks_are_masked_and_blanked_too(studio: Studio) -> None:
    task, project = studio.tasks["shot"], f"/data/user/projects/{studio.show.id}"
    asset = studio.show.read({"id": studio.tasks["asset"]["entity_id"]})
    paths = {
        "shot": f"/data/user/shots/{task['entity_id']}/tasks",
        "asset": f"{project}/asset-types/{asset['entity_type_id']}/assets",
    }
    for name, who in studio.people.items():
        rows = {kind: who.ok_get(path) for kind, path in paths.items()}
        if name in ("admin", "left"):
            assert rows == {"shot": [], "asset": []}
            continue
        outside = "vendor" in name or "client" in name
        masked = {"open": 2} if outside else {"open": 2, "secret": 1}
        assert rows["shot"][0]["data"] == rows["asset"][0]["data"] == masked, name
        assert (rows["shot"][0]["due_date"] is None) is ("client" in name), name
    assert studio.people["user"].get(paths["asset"].replace(studio.show.id, asset["id"])).status_code == 404


def test_the_episode_is_an_episode_and_that_of_an_edit_is_told(studio: Studio) -> None:
    rows = {row["id"]: row for row in studio.people["manager"].ok_get(TO_CHECK)}
    episode = (studio.episode["id"], "E01")
    found = {name: rows[task["id"]] for name, task in studio.tasks.items() if name != "done"}
    assert {name: (row["episode_id"], row["episode_name"]) for name, row in found.items()} == {
        "shot": episode,
        "edit": episode,
        "asset": ("", None),
        "concept": ("", None),
    }
    # A concept's folder stays its "sequence".
    assert found["concept"]["sequence_name"].startswith("Folder")
    (row,) = (row for row in studio.people["user"].ok_get(TO_DO) if row["id"] == studio.tasks["asset"]["id"])
    assert (row["episode_ids"], row["episode_names"]) == ([studio.episode["id"]], ["E01"])
    assert "episode_ids" not in found["asset"]


def test_tasks_to_check_are_narrowed_ordered_and_paged(studio: Studio) -> None:
    artist = studio.people["user"].id
    assert studio.rows("manager", TO_CHECK, person_id="unassigned") == ["concept"]
    assert len(studio.rows("manager", TO_CHECK, person_id=f"{artist},{studio.people['client'].id}")) == 3
    assert studio.rows("manager", TO_CHECK, episode_id=studio.episode["id"], order_by="priority") == ["edit", "shot"]
    assert studio.rows("manager", TO_CHECK, due_date_since="2031-03-04", due_date_until="2031-03-04") == []
    assert studio.rows("manager", TO_CHECK, due_date_since="2031-03-04", due_date_until="2031-03-05") == ["shot"]
    assert studio.rows("manager", TO_CHECK, project_id=artist) == []
    for order in ("priority", "estimation", ""):
        whole = studio.rows("manager", TO_CHECK, order_by=order)
        pages = [studio.rows("manager", TO_CHECK, order_by=order, page=page, limit=2) for page in (1, 2, 3)]
        assert list(itertools.chain(*pages)) == whole, order
    manager, query = studio.people["manager"], {"project_id": studio.show.id}
    page = manager.ok_get(TO_CHECK, params={**query, "page": -1, "limit": 3})
    assert {key: page[key] for key in ("page", "limit", "is_more")} == {"page": 1, "limit": 3, "is_more": True}
    assert page["stats"] == {"total": 4, "total_duration": 30, "total_estimation": 300}
    assert manager.ok_get(TO_CHECK, params={**query, "page": 10**30})["data"] == []
    # The parameters may come as JSON.
    assert manager.ok_get(TO_CHECK, json={**query, "page": 2, "limit": 3})["page"] == 2
    for name in ("manager", "user"):
        for wrong in ("project_id=", "page=", "page=x", "limit=x", "person_id=x", "due_date_since=x", "episode_id=1"):
            assert studio.people[name].get(f"{TO_CHECK}?{wrong}").status_code == 400, wrong


def test_performance_lists_of_tasks_take_one_statement_each(studio: Studio) -> None:
    for name, path in itertools.product(("manager", "user", "admin"), (TO_DO, DONE, TO_CHECK, f"{TO_CHECK}?page=1")):
        answer = studio.people[name].get(path, params={"project_id": studio.show.id})
        said = answer.headers["server-timing"]
        assert int(said.split('"')[1].split()[0]) <= 3, (path, said)


def test_the_last_comment_is_the_newest_that_its_reader_may_see(studio: Studio) -> None:
    people, task = studio.people, studio.tasks["edit"]
    waiting = task["task_status_id"]
    for name, text in (("manager", "old"), ("user", "new"), ("client", "why?"), ("manager, client here", "really?")):
        say(people[name], task, waiting, text)

    def last(name: str) -> str:
        (row,) = (row for row in people[name].ok_get(TO_DO) if row["id"] == task["id"])
        return str(row["last_comment"]["text"])

    expected = {
        "user": "new",
        "manager": "new",
        "vendor": "new",
        "client": "really?",
        "manager, client here": "really?",
    }
    assert {name: last(name) for name in expected} == expected
    studio.show.admin.ok_put(f"/data/projects/{studio.show.id}", {"is_clients_isolated": True})
    assert (last("client"), last("manager, client here")) == ("why?", "really?")


def test_a_colleague_s_tasks_are_those_of_productions_where_one_is_no_client_or_vendor(studio: Studio) -> None:
    artist = studio.people["user"].id
    seen = {
        name: len(studio.rows(name, f"/data/persons/{artist}/tasks"))
        for name in ("admin", "manager", "supervisor", "client", "manager, client here", "user, vendor here", "left")
    }
    assert seen == {
        "admin": 3,
        "manager": 3,
        "supervisor": 3,
        "client": 0,
        "manager, client here": 0,
        "user, vendor here": 0,
        "left": 0,
    }


def test_a_bot_reads_the_tasks_of_colleagues_and_nobody_those_of_a_bot(studio: Studio, admin: Client) -> None:
    bot = factories.hire(admin, "manager")
    factories.join(admin, studio.show.id, bot)
    lists = ("tasks", "done-tasks", f"related-tasks/{studio.tasks['shot']['task_type_id']}")
    for listing in lists:
        assert bot.ok_get(f"/data/persons/{studio.people['user'].id}/{listing}")
        assert studio.people["manager"].get(f"/data/persons/{bot.id}/{listing}").status_code == 403


_words = st.text(max_size=40) | st.sampled_from(["unassigned", "2031-03-04", "0", "9" * 5000, str(UUID(int=7))])


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(Checks.__struct_fields__), _words), st.dictionaries(st.text(), st.integers()))
def test_whatever_is_asked_of_the_desk_is_understood_or_refused(query: dict[str, str], beside: dict[str, Any]) -> None:
    try:
        asked = read_checks(Checks(**query), beside)
    except BadRequest:
        return
    assert asked.page is None or 1 <= asked.page * asked.limit < 2**63
    assert set(asked.values) | {"unassigned"} >= asked.filters
