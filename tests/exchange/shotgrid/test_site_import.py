"""A studio comes over from a ShotGrid site."""

import time

import psycopg

from tests.client import Client
from tests.exchange.shotgrid.fake_site import link
from tests.exchange.shotgrid.mover import Mover, total
from tests.exchange.shotgrid.studio import SEQUENCES, SHOTS
from tests.server import Server
from tests.workers import wait_for

_MADE = "SELECT status, extension FROM preview_file WHERE id = %s AND status <> 'processing'"


def test_a_production_comes_over_with_its_story_and_work(mover: Mover, admin: Client) -> None:
    report = mover.report()
    studio = mover.studio
    assert (report["Sequences"]["created"], report["Shots"]["created"]) == (SEQUENCES, SHOTS)
    assert report["Tasks"]["created"] == SHOTS + 2
    shots, assets = mover.entities("shots"), mover.entities("assets")
    first = shots["SQ00_000"]
    assert (first["nb_frames"], first["description"]) == (50, "A storm")
    assert first["data"] == {
        "frame_in": 1001,
        "frame_out": 1050,
        "sg_complexity": "Hard",
        "sg_is_hero": "true",
        "sg_head": 12.5,
    }
    assert shots["SQ09_029"]["parent_id"] == mover.entities("sequences")["SQ09"]["id"]
    cast = admin.ok_get(f"/data/projects/{mover.project_id}/entities/{first['id']}/casting")
    assert sorted(link_["asset_name"] for link_ in cast) == ["Captain", "Ship"]
    parts = admin.ok_get(f"/data/projects/{mover.project_id}/entities/{assets['Ship']['id']}/casting")
    assert [link_["asset_name"] for link_ in parts] == ["Mast"]
    assert assets["Captain"]["data"] == {"sg_rig_owner": "Ada Byron"}
    task = mover.tasks()[0]
    assert (task["estimation"], task["due_date"], task["name"]) == (960, "2026-02-20T00:00:00", "Anim")
    people = {row["shotgun_id"]: row for row in admin.ok_get("/data/persons")}
    ada, lin = people[studio.id(1)], people[studio.id(2)]
    assert sorted(task["assignees"]) == sorted([ada["id"], lin["id"]])
    assert (ada["role"], lin["role"], people[studio.id(3)]["active"]) == ("manager", "user", False)
    team = admin.ok_get(f"/data/projects/{mover.project_id}/team")
    assert {row["id"] for row in team} == {ada["id"], lin["id"]}


def test_steps_and_statuses_become_those_that_are_here_or_new_ones(mover: Mover, admin: Client) -> None:
    def named(rows: str) -> dict[str, str]:
        return {row["id"]: row["name"] for row in admin.ok_get(f"/data/{rows}")}

    before = named("task-status")
    mover.report()
    matte = next(name for name in mover.studio.step_names if name.startswith("Matte"))
    task_types, statuses, tasks = named("task-types"), named("task-status"), mover.tasks()
    assert task_types[tasks[0]["task_type_id"]] == "Animation"
    assert task_types[tasks[SHOTS]["task_type_id"]] == "Modeling"
    assert task_types[tasks[SHOTS + 1]["task_type_id"]] == matte
    assert [statuses[tasks[number]["task_status_id"]] for number in (0, 1, SHOTS, SHOTS + 1)] == [
        "Waiting For Approval",
        "Work In Progress",
        "Done",
        "On Hold",
    ]
    assert {id_: statuses[id_] for id_ in before} == before, "what is here keeps its name"
    used = {row["id"] for row in admin.ok_get(f"/data/projects/{mover.project_id}/task-types")}
    assert {task["task_type_id"] for task in tasks.values()} <= used
    columns = admin.ok_get(f"/data/projects/{mover.project_id}/metadata-descriptors")
    assert {(row["entity_type"], row["name"], row["data_type"], row["field_name"]) for row in columns} >= {
        ("Shot", "Complexity", "list", "sg_complexity"),
        ("Shot", "Hero", "boolean", "sg_is_hero"),
        ("Shot", "Head", "number", "sg_head"),
        ("Asset", "Rig Owner", "string", "sg_rig_owner"),
    }
    assert "Omit Reason" not in {row["name"] for row in columns}, "no shot holds anything there"


def test_versions_notes_and_replies_are_a_conversation(small_mover: Mover, admin: Client, server: Server) -> None:
    mover = small_mover
    report = mover.report()
    people = {row["id"]: row["full_name"] for row in admin.ok_get("/data/persons")}
    comments = mover.comments(mover.tasks()[0]["id"])
    assert [(row["text"], people[row["person_id"]]) for row in reversed(comments)] == [
        ("Take 1", "Lin Chen"),
        ("Take 2", "Lin Chen"),
        ("Slower at the end", "Ada Byron"),
        ("Nice", "Old Hand"),
    ]
    note = next(row for row in comments if row["text"] == "Slower at the end")
    assert [reply["text"] for reply in note["replies"]] == ["Done", "Thanks"]
    (attached,) = note["attachment_files"]
    answer = admin.get(f"/data/attachment-files/{attached['id']}/file/{attached['name']}")
    assert answer.content == b"%PDF-1.4 notes"
    assert {row["task_status_id"] for row in comments} == {mover.tasks()[0]["task_status_id"]}
    takes = {row["text"]: row["previews"] for row in comments if row["previews"]}
    assert [takes[f"Take {n}"][0]["revision"] for n in (1, 2)] == [1, 2]
    with psycopg.connect(server.database_url, autocommit=True) as database:
        made = [wait_for(database, _MADE, takes[f"Take {n}"][0]["id"]) for n in (1, 2)]
    assert made == [("ready", "mp4"), ("ready", "png")]
    movie = admin.get(f"/movies/originals/preview-files/{takes['Take 1'][0]['id']}.mp4")
    picture = admin.get(f"/pictures/thumbnails/preview-files/{takes['Take 2'][0]['id']}.png")
    assert (movie.status_code, picture.status_code) == (200, 200)
    assert [reason["reason"] for reason in report["Files"]["reasons"]] == ["the version has no file in ShotGrid"]
    assert mover.studio.site.signatures_seen_with_tokens == 0, "other hosts are told no token"


def test_nobody_is_notified_of_history(small_mover: Mover, server: Server) -> None:
    small_mover.report()
    with psycopg.connect(server.database_url) as database:
        (count,) = database.execute(
            "SELECT count(*) FROM notification n JOIN task t ON t.id = n.task_id WHERE t.project_id = %s",
            [small_mover.project_id],
        ).fetchone() or (None,)
    assert count == 0


def test_nothing_changed_is_nothing_written_and_few_requests(mover: Mover, server: Server) -> None:
    mover.report()
    _wait_for_movies(server, mover.project_id)
    before = _newest(server, mover.project_id)
    asked = len(mover.studio.site.searches)
    report = mover.report()
    assert total(report, "created", "changed") == 0
    assert _newest(server, mover.project_id) == before
    assert len(mover.studio.site.searches) - asked < 30
    assert "Nothing changed" in mover.run().stdout


def _wait_for_movies(server: Server, project_id: str) -> None:
    """Wait until the job worker has made all movies: each then stands for its task, which is written again."""
    processing = """
        SELECT count(*) FROM preview_file f JOIN task t ON t.id = f.task_id
         WHERE t.project_id = %s AND f.status = 'processing'
        """
    deadline = time.monotonic() + 120
    with psycopg.connect(server.database_url, autocommit=True) as database:
        while database.execute(processing, [project_id]).fetchone() != (0,):
            assert time.monotonic() < deadline, "movies are not made"
            time.sleep(0.1)


def _newest(server: Server, project_id: str) -> object:
    """When anything of a production was last written."""
    with psycopg.connect(server.database_url) as database:
        return database.execute(
            """
            SELECT (SELECT max(updated_at) FROM entity WHERE project_id = %(id)s),
                   (SELECT max(updated_at) FROM task WHERE project_id = %(id)s),
                   (SELECT count(*) FROM task WHERE project_id = %(id)s),
                   (SELECT max(c.updated_at) FROM comment c JOIN task t ON t.id = c.object_id
                     WHERE t.project_id = %(id)s),
                   (SELECT updated_at FROM project WHERE id = %(id)s)
            """,
            {"id": project_id},
        ).fetchone()


def test_everything_compared_again_changes_nothing_either(small_mover: Mover) -> None:
    small_mover.report()
    report = small_mover.report("--full")
    assert total(report, "created", "changed") == 0, report["kinds"]
    assert report["Shots"]["unchanged"] == SEQUENCES


def test_only_what_changed_is_fetched_and_written(small_mover: Mover, admin: Client) -> None:
    mover, studio = small_mover, small_mover.studio
    mover.report()
    site = studio.site
    shot = mover.entities("shots")["SQ00_000"]
    admin.ok_put(f"/data/entities/{shot['id']}", {"data": {**shot["data"], "mood": "grey"}})
    site.change("Shot", studio.id(0), sg_cut_out=1060, sg_cut_duration=60, sg_complexity=None, sg_head=3)
    site.change("Task", studio.id(1), sg_status_list="fin", est_in_mins=30)
    studio.reply(3, 1, "Again", studio.person(2))
    report = mover.report()
    changes = {(kind["kind"], what) for kind in report["kinds"] for what in ("created", "changed") if kind[what]}
    assert changes == {("Shots", "changed"), ("Tasks", "changed"), ("Replies", "created")}
    assert (report["Shots"]["changed"], report["Shots"]["unchanged"]) == (1, 0)
    changed = mover.entities("shots")["SQ00_000"]
    assert changed["nb_frames"] == 60
    assert changed["data"] == {
        "frame_in": 1001,
        "frame_out": 1060,
        "sg_is_hero": "true",
        "sg_head": 3,
        "mood": "grey",
    }
    assert mover.tasks()[1]["estimation"] == 30
    comments = {row["text"]: row for row in mover.comments(mover.tasks()[0]["id"])}
    assert [reply["text"] for reply in comments["Slower at the end"]["replies"]] == ["Done", "Thanks", "Again"]


def test_what_names_something_that_is_not_here_yet_comes_when_it_is(small_mover: Mover) -> None:
    mover, studio = small_mover, small_mover.studio
    late = link("Task", studio.id(900))
    studio.note(4, "Early bird", tasks=[late])
    report = mover.report()
    assert report["Notes"]["skipped"] == 2
    studio.task(900, link("Shot", studio.id(3)), step=2, status="ip", name="Late")
    studio.site.change("Task", studio.id(900))
    report = mover.report()
    assert (report["Tasks"]["created"], report["Notes"]["created"]) == (1, 1)
    assert [row["text"] for row in mover.comments(mover.tasks()[900]["id"])] == ["Early bird"]


def test_a_dry_run_tells_all_and_writes_nothing(small_mover: Mover, server: Server) -> None:
    mover = small_mover
    dry = mover.report("--dry-run")
    assert mover.projects == []
    done = mover.report()
    for kind in ("People", "Shots", "Assets", "Tasks", "Versions", "Notes", "Replies", "Attachments"):
        assert {**dry[kind]} == {**done[kind]}, kind
    assert dry["Files"]["created"] == done["Files"]["created"] == 2
    mover.studio.site.change("Shot", mover.studio.id(4), code="Renamed")
    assert mover.report("--dry-run")["Shots"]["changed"] == 1
    assert "Renamed" not in mover.entities("shots")
    assert mover.report()["Shots"]["changed"] == 1
    assert "Renamed" in mover.entities("shots")


def test_a_series_has_its_episodes(small_mover: Mover, admin: Client) -> None:
    mover, studio = small_mover, small_mover.studio
    for number in (1, 2):
        studio.site.add("Episode", studio.id(number), code=f"E{number:02}", description=None, project=studio.project)
    for number in range(SEQUENCES):
        studio.site.rows["Sequence"][studio.id(number)]["episode"] = link("Episode", studio.id(1 + number % 2))
    report = mover.report()
    assert report["Episodes"]["created"] == 2
    (project,) = mover.projects
    assert project["production_type"] == "tvshow"
    episodes = {row["name"]: row["id"] for row in admin.ok_get(f"/data/projects/{project['id']}/episodes")}
    assert mover.entities("sequences")["SQ01"]["parent_id"] == episodes["E02"]
    assert total(mover.report("--full"), "created", "changed") == 0


def test_what_was_deleted_there_is_told_and_taken_away_when_wanted(small_mover: Mover) -> None:
    mover, studio = small_mover, small_mover.studio
    mover.report()
    for kind, number in (("Shot", 5), ("Task", 6), ("Version", 2), ("Note", 1)):
        studio.site.retire(kind, studio.id(number))
    told = mover.report()
    assert sum("still here: --remove-gone" in remark for remark in told["remarks"]) == 4, told["remarks"]
    assert 6 in mover.tasks()
    assert not mover.entities("shots")["SQ05_000"]["canceled"]
    assert sum("would" not in remark for remark in mover.report("--remove-gone")["remarks"]) == 4
    assert 6 not in mover.tasks()
    assert mover.entities("shots").get("SQ05_000", {"canceled": True})["canceled"], "its task is still there"
    comments = mover.comments(mover.tasks()[0]["id"])
    assert [row["text"] for row in reversed(comments)] == ["Take 1", "Take 2", "Nice"]
    assert [len(row["previews"]) for row in reversed(comments)] == [1, 0, 0]
    assert mover.report("--remove-gone")["remarks"] == []


def test_a_production_that_was_deleted_here_comes_over_anew(small_mover: Mover, admin: Client) -> None:
    small_mover.report()
    admin.ok_delete(f"/data/projects/{small_mover.project_id}?force=true")
    assert small_mover.report()["Shots"]["created"] == SEQUENCES
