"""Comments published together with their files and previews."""

import json
from typing import Any

from tests import factories
from tests.client import Client
from tests.media.publishing import png

ALL = "/actions/tasks/batch-comment"


def status(admin: Client, name: str) -> str:
    return str(factories.named(admin, "task-status", name)["id"])


def sent(who: Client, path: str, comments: list[dict[str, Any]], **files: tuple[str, bytes]) -> Any:
    parts = {name.replace("_file_", "_file-").replace("__", "-"): file for name, file in files.items()}
    return who.post(path, data={"comments": json.dumps(comments)}, files=parts)


def test_files_go_to_the_comment_of_their_exact_number(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip = status(admin, "Work In Progress")
    comments = [{"task_status_id": wip, "text": str(n)} for n in range(11)]
    files = {
        "preview_file_1": ("one.png", png(8, 8)),
        "preview_file_10": ("ten.png", png(8, 8)),
        "attachment_file_10__1": ("ten.txt", b"10"),
        "attachment_file_11": ("none.txt", b"11"),
        "preview_file_0": ("tool.exe", b"MZ"),
    }
    made = sent(admin, f"/actions/tasks/{task['id']}/batch-comment", comments, **files)
    assert made.status_code == 201, made.text
    held = {
        row["text"]: (
            [p["original_name"] for p in row["preview_files"]],
            [f["name"] for f in row["attachment_files"]],
        )
        for row in made.json()
    }
    assert held == {str(n): ([], []) for n in range(11)} | {"1": (["one"], []), "10": (["ten"], ["ten.txt"])}
    assert len(admin.ok_get(f"/data/tasks/{task['id']}/previews")) == 2


def test_a_batch_is_checked_before_anything_is_posted(admin: Client) -> None:
    artist, stranger = factories.hire(admin), factories.hire(admin)
    show, other = factories.production(admin, artist), factories.production(admin)
    mine = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    theirs = factories.task(admin, factories.entity(admin, other["id"]))
    wip = status(admin, "Work In Progress")
    good = {"task_id": mine["id"], "task_status_id": wip, "text": "fine"}
    for wrong, code in (
        ({**good, "task_id": theirs["id"]}, 403),
        ({**good, "task_id": show["id"]}, 404),
        ({**good, "task_id": "x"}, 404),
        ({**good, "task_status_id": show["id"]}, 404),
        ({"task_status_id": wip, "text": "of no task"}, 400),
        ({"task_id": mine["id"], "task_status_id": wip}, 400),
        ({**good, "checklist": "x"}, 400),
        ({**good, "text": "a\0"}, 400),
        (1, 400),
    ):
        assert artist.post(ALL, {"comments": [good, wrong]}).status_code == code, wrong
    for body in ({}, {"comments": None}, {"comments": {}}, []):
        assert artist.post(ALL, body).status_code == 400, body
    assert artist.post(ALL, data={"comments": "["}, files={"a": ("a", b"a")}).status_code == 400
    assert stranger.post(ALL, {"comments": [good]}).status_code == 403
    assert admin.ok_get(f"/data/tasks/{mine['id']}/comments") == []


def test_a_picture_that_cannot_be_read_leaves_the_comment_without_a_preview(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comments = [{"task_status_id": status(admin, "Work In Progress"), "text": "Look"}]
    path = f"/actions/tasks/{task['id']}/batch-comment"
    assert sent(admin, path, comments, preview_file_0=("broken.png", b"no picture")).status_code == 400
    (said,) = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert (said["text"], said["previews"]) == ("Look", [])
    assert sent(admin, path, comments, preview_file_0=("empty.mp4", b"")).status_code == 201
    assert admin.ok_get(f"/data/tasks/{task['id']}/previews") == []
