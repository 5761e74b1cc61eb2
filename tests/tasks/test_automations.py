"""Status automations: what a change of status sets off."""

from typing import Any

from tests import factories
from tests.client import Client
from tests.media.publishing import published
from tests.tasks.test_comments import say, status


def automation(admin: Client, source: str, trigger: str, target: str, **more: Any) -> str:
    row = {
        "entity_type": "asset",
        "in_task_type_id": factories.named(admin, "task-types", source)["id"],
        "in_task_status_id": status(admin, trigger),
        "out_field_type": "status",
        "out_task_type_id": factories.named(admin, "task-types", target)["id"],
        "out_task_status_id": status(admin, "Ready To Start"),
    }
    return str(admin.ok_post("/data/status-automations", {**row, **more})["id"])


def test_an_automation_runs_when_the_status_changes_and_not_at_every_comment(admin: Client) -> None:
    next_up = automation(admin, "Modeling", "Done", "Rigging", out_task_status_id=status(admin, "Retake"))
    ready = automation(admin, "Modeling", "Done", "Layout", out_field_type="ready_for", out_task_status_id=None)
    show = factories.production(admin, status_automations=[next_up, ready])
    asset = factories.entity(admin, show["id"])
    model, rig = (factories.task(admin, asset, name) for name in ("Modeling", "Rigging"))
    done, wip = status(admin, "Done"), status(admin, "Work In Progress")
    for status_id in (done, done, wip, done):
        say(admin, model, status_id)
    comments = admin.ok_get(f"/data/tasks/{rig['id']}/comments")
    assert [row["task_status"]["short_name"] for row in comments] == ["retake", "retake"]
    assert admin.ok_get(f"/data/tasks/{rig['id']}")["retake_count"] == 1
    events = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "asset:update"})
    assert len(events) == 2, "told once each time"
    assert {row["data"]["data"]["ready_for"] for row in events} == {
        admin.ok_get(f"/data/entities/{asset['id']}")["ready_for"]
    }


def test_what_an_automation_may_not_do_leaves_the_comment_and_nothing_half_done(admin: Client) -> None:
    retake = {"out_task_status_id": status(admin, "Retake"), "import_last_revision": True}
    full = automation(admin, "Modeling", "Done", "Rigging", **retake)
    more = {"status_automations": [full], "is_single_preview_per_revision": False}
    show = factories.production(admin, max_retakes=1, **more)
    asset = factories.entity(admin, show["id"])
    model, rig = (factories.task(admin, asset, name) for name in ("Modeling", "Rigging"))
    first = published(admin, admin, model["id"])
    extra = f"/actions/tasks/{model['id']}/comments/{first['comment_id']}/preview-files/{first['id']}"
    admin.ok_post(extra)
    admin.ok_put(f"/data/projects/{show['id']}", {"is_single_preview_per_revision": True})
    done, wip = status(admin, "Done"), status(admin, "Work In Progress")
    thread = f"/data/tasks/{rig['id']}/comments"
    comment = say(admin, model, done)
    assert admin.ok_get(thread) == [], "two previews do not fit in one revision: no comment, no preview"
    assert admin.ok_get(f"/data/tasks/{rig['id']}/previews") == []
    events = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "comment:new", "limit": 1})
    assert events[0]["data"]["comment_id"] == comment["id"]
    say(admin, rig, status(admin, "Retake")), say(admin, rig, wip), say(admin, model, wip)
    say(admin, model, done)
    assert len(admin.ok_get(thread)) == 2, "the retakes of the next task are used up"
    assert admin.ok_get(f"/data/tasks/{model['id']}")["task_status_id"] == done
