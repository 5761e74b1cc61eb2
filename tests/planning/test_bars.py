"""The bars that a schedule makes when it is looked at. Spec projects, "schedule-items"."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.client import Client
from tests.factories import entity, hire, named, production, task

NOBODY = "00000000-0000-4000-8000-000000000000"
ROLES = ("manager", "supervisor", "user", "vendor", "client")


def at_once(caller: Client, path: str, times: int = 6) -> list[Any]:
    """What a path answers to requests that come at the same time."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: Client(caller.api, caller.token).ok_get(path), range(times)))


def test_looking_at_a_schedule_makes_each_bar_once(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 5: concurrent GETs create duplicate task-type items or fail."""
    show = production(admin)
    hero, shot = entity(admin, show["id"]), entity(admin, show["id"], "Shot")
    model, anim = task(admin, hero)["task_type_id"], task(admin, shot, "Animation")["task_type_id"]
    sequences = [entity(admin, show["id"], "Sequence", name=name)["id"] for name in ("SQ2", "SQ1")]
    at = f"/data/projects/{show['id']}/schedule-items"
    for path, objects in [("task-types", [None, None]), (f"{anim}/sequences", sequences[::-1])]:
        first, *others = at_once(admin, f"{at}/{path}")
        assert [row["object_id"] for row in first] == objects
        assert all(row == first for row in others)
    assert len(admin.ok_get(at)) == 4
    told = "SELECT count(*) FROM api_event WHERE project_id = %s AND name = 'schedule-item:new'"
    assert database.execute(told, (show["id"],)).fetchone() == (4,)
    # A database of another server may hold several bars of one task type: the one changed last counts.
    twice = """INSERT INTO schedule_item (id, project_id, task_type_id, man_days, updated_at)
               VALUES (gen_random_uuid(), %s, %s, 9, now() + interval '1 day') RETURNING id"""
    (latest,) = database.execute(twice, (show["id"], model)).fetchone() or ()
    # Worth fixing 5, too: a null start_date beside others makes the sort fail. It comes last.
    bars = admin.ok_get(f"{at}/task-types")
    assert [row["task_type_id"] for row in bars] == [anim, model]
    assert (bars[1]["id"], bars[1]["start_date"], bars[1]["man_days"]) == (str(latest), None, 9)


def test_what_has_a_bar(admin: Client) -> None:
    model, rig = (named(admin, "task-types", name)["id"] for name in ("Modeling", "Rigging"))
    show = production(admin, production_type="tvshow", task_types=[model])["id"]
    at = f"/data/projects/{show}/schedule-items"
    first = admin.ok_get(f"/data/projects/{show}/episodes")[0]
    second = entity(admin, show, "Episode", name="E02")
    prop = entity(admin, show, "Prop", source_id=second["id"], canceled=True)
    hero = entity(admin, show, name="Hero")
    edit, canceled = entity(admin, show, "Edit", parent_id=second["id"]), entity(admin, show, "Edit", canceled=True)
    sequence = entity(admin, show, "Sequence", parent_id=first["id"])
    task(admin, hero, "Modeling")
    task(admin, hero, "Rigging")  # not in the settings
    assert [row["task_type_id"] for row in admin.ok_get(f"{at}/task-types")] == [model]

    def names(kind: str, episode: str = "") -> list[str]:
        bars = admin.ok_get(f"{at}/{model}/{kind}", params={"episode_id": episode})
        assert all(row["task_type_id"] == model and row["project_id"] == show for row in bars)
        return [row["name"] for row in bars]

    assert names("asset-types") == ["Character", "Prop"]
    assert names("asset-types", prop["source_id"]) == ["Prop"]
    assert names("episodes") == ["E01", "E02"]
    assert names("episodes", second["id"]) == ["E02"]
    assert names("sequences") == names("sequences", first["id"]) == [sequence["name"]]
    assert names("sequences", second["id"]) == []
    assert names("edits") == names("edits", second["id"]) == [edit["name"]] != [canceled["name"]]
    admin.ok_put(f"/data/entities/{edit['id']}", {"canceled": True})
    assert names("edits") == []
    for path, status in [(f"{rig}x/edits", 400), (f"{NOBODY}/edits", 404), (f"{model}/edits?episode_id=x", 400)]:
        assert admin.get(f"{at}/{path}").status_code == status


def test_schedules_are_neither_for_clients_nor_for_vendors(admin: Client) -> None:
    """Spec projects, Worth fixing 12: milestones and schedule items are open to one or the other.

    Whom the lists are open to there gets an empty one, as the web UI loads it unasked.
    """
    team = {role: hire(admin, role) for role in ROLES}
    show = production(admin, *team.values())["id"]
    model = task(admin, entity(admin, show))["task_type_id"]
    milestone = admin.ok_post("/data/milestones", {"project_id": show, "name": "Alpha", "date": "2031-01-01"})["id"]
    below = [f"{model}/{kind}" for kind in ("asset-types", "episodes", "sequences", "edits")]
    items = [f"/data/projects/{show}/schedule-items/{row}" for row in ("task-types", *below)]
    milestones = f"/data/projects/{show}/milestones"
    empty = {(milestones, "vendor"), *((path, "client") for path in items)}
    for path in (milestones, f"/data/milestones/{milestone}", *items):
        for role, caller in team.items():
            answer = caller.get(path)
            if (path, role) in empty:
                assert (answer.status_code, answer.json()) == (200, []), (role, path)
            else:
                assert answer.status_code == (403 if role in ("vendor", "client") else 200), (role, path)
