"""What follows a comment: replies, acknowledgements and files, as each role."""

import threading
from typing import Any

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status
from tests.timesheets.test_time import person


def test_replies_posted_at_once_are_all_kept(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = say(admin, task, status(admin, "Work In Progress"))
    path = f"/data/tasks/{task['id']}/comments/{comment['id']}"

    def reply() -> None:
        for _ in range(4):
            Client(admin.api, admin.token, admin.person).ok_post(f"{path}/reply", {"text": "and"})

    threads = [threading.Thread(target=reply) for _ in range(3)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join()
    replies = admin.ok_get(path)["replies"]
    assert len({worker["id"] for worker in replies}) == 12
    admin.ok_delete(f"{path}/reply/{replies[0]['id']}")
    assert len(admin.ok_get(path)["replies"]) == 11
    assert admin.post(f"{path}/reply", {"text": None}).status_code == 400
    assert admin.post(f"{path}/reply", {"text": "a\0"}).status_code == 400


def test_who_is_named_answers_and_leaves_the_status_alone(admin: Client) -> None:
    named, other, vendor = factories.hire(admin, "user"), factories.hire(admin, "user"), factories.hire(admin, "vendor")
    show = factories.production(admin, named, other, vendor)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    comment = say(admin, task, wip, f"@{named.person['full_name']}: what do you think?")
    path = f"/data/tasks/{task['id']}/comments/{comment['id']}/reply"
    assert named.ok_post(path, {"text": "Good"})["person"]["id"] == named.id
    say(named, task, wip, "Really")
    assert named.post(f"/actions/tasks/{task['id']}/comment", {"task_status_id": done}).status_code == 403
    for who in (other, vendor):
        assert who.post(path, {"text": "me too"}).status_code == 403
    notices = admin.ok_get("/data/notifications", params={"comment_id": comment["id"]})
    assert {(row["person_id"], row["notification_type"]) for row in notices} == {
        (named.id, "mention"),
        (admin.id, "reply"),
    }


def test_what_is_hidden_is_neither_seen_ticked_nor_answered(admin: Client) -> None:
    client, artist = factories.hire(admin, "client"), factories.hire(admin, "user")
    show, other = factories.production(admin, client, artist), factories.production(admin, client)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    elsewhere = factories.task(admin, factories.entity(admin, other["id"]))
    wip = status(admin, "Work In Progress")
    inside, question = say(artist, task, wip, "Inside"), say(client, task, wip, "Red?")
    files = {"file": ("secret.txt", b"secret", "text/plain")}
    thread = f"/data/tasks/{task['id']}/comments"
    (attached,) = artist.ok_post(f"/actions/tasks/{task['id']}/comments/{inside['id']}/add-attachment", files=files)
    content = f"/data/attachment-files/{attached['id']}/file/secret.txt"
    assert artist.get(content).content == b"secret"
    assert "private" in artist.get(content).headers["cache-control"]
    assert client.get(content).status_code == 403
    for verb, body in (("ack", None), ("reply", {"text": "hm"})):
        assert client.post(f"{thread}/{inside['id']}/{verb}", body).status_code == 403
        assert artist.post(f"{thread}/{question['id']}/{verb}", body).status_code == 403
        assert admin.post(f"/data/tasks/{elsewhere['id']}/comments/{question['id']}/{verb}", body).status_code == 403
        assert admin.post(f"{thread}/{task['id']}/{verb}", body).status_code == 404
    assert client.ok_post(f"{thread}/{question['id']}/ack")["acknowledgements"] == [client.id]
    assert client.ok_post(f"{thread}/{question['id']}/ack")["acknowledgements"] == []
    assert client.delete(f"{thread}/{inside['id']}/attachments/{attached['id']}").status_code == 403
    artist.ok_delete(f"{thread}/{inside['id']}/attachments/{attached['id']}")
    assert artist.get(content).status_code == 404


def test_a_comment_or_file_of_another_task_is_refused_and_an_unknown_one_not_found(admin: Client) -> None:
    entity = factories.entity(admin, factories.production(admin)["id"])
    here, there = factories.task(admin, entity), factories.task(admin, entity, "Rigging")
    wip = status(admin, "Work In Progress")
    comment, other = say(admin, here, wip, "Here"), say(admin, there, wip, "There")
    file = {"file": ("a.txt", b"a", "text/plain")}
    (attached,) = admin.ok_post(f"/actions/tasks/{there['id']}/comments/{other['id']}/add-attachment", files=file)
    comments = f"/data/tasks/{here['id']}/comments"
    reply = admin.ok_post(f"/data/tasks/{there['id']}/comments/{other['id']}/reply", {"text": "yes"})
    for comment_id, code in ((other["id"], 403), (here["id"], 404)):
        assert admin.post(f"{comments}/{comment_id}/reply", {"text": "no"}).status_code == code
        assert admin.delete(f"{comments}/{comment_id}/reply/{reply['id']}").status_code == code
        assert admin.delete(f"{comments}/{comment_id}/attachments/{attached['id']}").status_code == code
        adding = f"/actions/tasks/{here['id']}/comments/{comment_id}/add-attachment"
        assert admin.post(adding, files=file).status_code == code
    assert admin.delete(f"{comments}/{comment['id']}/attachments/{attached['id']}").status_code == 403
    assert admin.delete(f"{comments}/{comment['id']}/attachments/{here['id']}").status_code == 404
    assert admin.get(f"/data/attachment-files/{attached['id']}/file/a.txt").content == b"a"


def test_a_removed_author_deletes_no_more(admin: Client) -> None:
    artist = factories.hire(admin, "user")
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    comment = say(artist, task, status(admin, "Work In Progress"))
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    assert artist.delete(f"/data/tasks/{task['id']}/comments/{comment['id']}").status_code == 403
    assert artist.delete(f"/data/comments/{comment['id']}").status_code == 403


def test_lists_of_a_production_are_narrowed_by_role(admin: Client) -> None:
    client, vendor, artist = (factories.hire(admin, role) for role in ("client", "vendor", "user"))
    show = factories.production(admin, client, vendor, artist)
    mine, other = (factories.task(admin, factories.entity(admin, show["id"]), estimation=60) for _ in range(2))
    admin.ok_put(f"/data/tasks/{mine['id']}", {"assignees": [vendor.id]})
    wip = status(admin, "Work In Progress")
    say(vendor, mine, wip), say(client, other, wip, "Red?")
    tasks, news = f"/data/projects/{show['id']}/tasks", f"/data/projects/{show['id']}/news"
    assert [row["id"] for row in vendor.ok_get(tasks)] == [mine["id"]]
    assert {row["estimation"] for row in client.ok_get(tasks)} == {0}
    assert len(artist.ok_get(tasks, params={"page": 1})["data"]) == 2
    assert client.get(news).status_code == 403
    assert [row["task_id"] for row in vendor.ok_get(news)["data"]] == [mine["id"]]
    assert artist.ok_get(news, params={"limit": 1})["nb_pages"] == 2
    assert [row["object_id"] for row in artist.ok_get(f"/data/projects/{show['id']}/comments")] == [mine["id"]]
    for name, value in (("limit", "-1"), ("page", "0"), ("after", "x"), ("person_id", "x"), ("only_preview", "2")):
        assert artist.get(news, params={name: value}).status_code == 400, name
    first = artist.get(tasks)
    again = {"If-None-Match": first.headers["etag"]}
    assert artist.get(tasks, headers=again).status_code == 304
    assert artist.get(tasks, params={"page": 1}, headers=again).status_code == 200
    admin.ok_put(f"/data/tasks/{other['id']}", {"priority": 1})
    assert artist.get(tasks, headers=again).status_code == 200


def test_previews_go_on_comments_of_the_task_that_the_caller_sees(admin: Client) -> None:
    client, artist, manager = (factories.hire(admin, role) for role in ("client", "user", "manager"))
    show = factories.production(admin, client, artist, manager)
    asset = factories.entity(admin, show["id"])
    task, other = factories.task(admin, asset, assignees=[artist.id]), factories.task(admin, asset, "Rigging")
    wip = status(admin, "Work In Progress")
    inside, question = say(artist, task, wip, "Inside"), say(client, task, wip, "Red?")
    path = f"/actions/tasks/{task['id']}/comments"
    assert admin.post(f"/actions/tasks/{other['id']}/comments/{inside['id']}/add-preview", {}).status_code == 404
    assert client.post(f"{path}/{inside['id']}/add-preview", {}).status_code == 403
    assert artist.post(f"{path}/{question['id']}/add-preview", {}).status_code == 403
    held = artist.ok_post(f"{path}/{inside['id']}/add-preview", {})
    one = f"{path}/{inside['id']}/preview-files/{held['id']}"
    assert client.post(one, {}).status_code == client.delete(one).status_code == 403
    assert artist.post(one, {}).status_code == 201
    assert artist.delete(one, params={"force": "true"}).status_code == 403
    manager.ok_delete(one, params={"force": "true"})


def test_an_edit_names_nobody_who_may_not_see_the_comment(admin: Client) -> None:
    client, artist = factories.hire(admin, "client"), factories.hire(admin, "user")
    show = factories.production(admin, client, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = say(admin, task, status(admin, "Work In Progress"), "Look")
    everybody = "Look " + " ".join(f"@{who.person['full_name']}" for who in (client, artist))
    admin.ok_put(f"/data/comments/{comment['id']}", {"text": everybody})
    (notices,) = admin.ok_get("/data/notifications", params={"comment_id": comment["id"]})
    assert (notices["person_id"], notices["notification_type"]) == (artist.id, "mention")
    for key in ({"pinned": True}, {"checklist": [{"text": "a", "checked": True}]}):
        admin.ok_put(f"/data/comments/{comment['id']}", key)
    (still,) = admin.ok_get("/data/notifications", params={"comment_id": comment["id"]})
    assert still == notices, "nobody is told again"


def test_a_comment_dated_in_the_second_of_the_last_one_comes_after_it(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    done, wip = status(admin, "Done"), status(admin, "Work In Progress")
    for status_id in (done, wip, done, wip):
        last = say(admin, task, status_id, created_at="2024-01-02T12:00:00")
    path = f"/data/tasks/{task['id']}"
    assert admin.ok_get(f"{path}/comments")[0]["id"] == last["id"]
    live = admin.ok_get(path)
    admin.ok_delete(f"{path}/comments/{say(admin, task, wip)['id']}")
    worked_out = admin.ok_get(path)
    for row in ("task_status_id", "done_date", "real_start_date", "retake_count", "last_comment_date"):
        assert worked_out[row] == live[row], row
    older = say(admin, task, done, created_at="2024-01-01T12:00:00")
    assert admin.ok_get(path)["task_status_id"] == wip, f"{older['created_at']} is the past"


def test_vendors_get_their_tasks_and_hours_of_an_entity_only(admin: Client) -> None:
    vendor, artist = factories.hire(admin, "vendor"), factories.hire(admin, "user")
    show = factories.production(admin, vendor, artist, is_bot_collaboration_enabled=True)
    asset = factories.entity(admin, show["id"])
    mine = factories.task(admin, asset, assignees=[vendor.id, artist.id])
    free = factories.task(admin, asset, "Rigging")
    for who in (vendor, artist):
        who.ok_post(f"/actions/tasks/{mine['id']}/time-spents/2024-01-02/persons/{who.id}", {"duration": 10})
    for task, expected in ((mine, 1), (free, 0)):
        path = f"/data/entities/{asset['id']}/task-types/{task['task_type_id']}/tasks"
        assert (len(vendor.ok_get(path)), len(artist.ok_get(path))) == (expected, 1)
    hours = f"/data/entities/{asset['id']}/time-spents"
    assert [row["person_id"] for row in vendor.ok_get(hours)] == [vendor.id]
    assert len(artist.ok_get(hours)) == 2
    assert vendor.ok_get(f"/actions/tasks/{mine['id']}/time-spents")["total"] == 10


def test_related_tasks_are_those_the_caller_sees_on_each_production(admin: Client) -> None:
    vendor, artist, client = person(admin, "vendor"), person(admin, "user"), person(admin, "user")
    show = factories.production(admin, vendor, artist)
    factories.join(admin, show["id"], client, "client")
    asset = factories.entity(admin, show["id"])
    mine = factories.task(admin, asset, assignees=[vendor.id, artist.id])
    free = factories.task(admin, asset, "Rigging", estimation=60)

    def related(who: Client, to: Client, task: dict[str, Any]) -> Any:
        answer = who.get(f"/data/persons/{to.id}/related-tasks/{task['task_type_id']}")
        return [row["estimation"] for row in answer.json()] if answer.status_code == 200 else answer.status_code

    assert (related(artist, vendor, mine), related(artist, vendor, free)) == ([0], [60])
    assert (related(vendor, vendor, mine), related(vendor, vendor, free)) == ([0], [])
    assert related(vendor, artist, mine) == 403
    assert related(client, artist, free) == [0], "blank, by the role on the production"
    assert related(artist, factories.hire(admin), free) == 403, "a bot has no list of tasks"


def test_of_a_hidden_comment_clients_get_the_pictures_and_nothing_else(admin: Client) -> None:
    client = factories.hire(admin, "client")
    show = factories.production(admin, client)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    more = {"links": ["https://a.b"], "checklist": [{"text": "a", "checked": False}]}
    comment = say(admin, task, status(admin, "Work In Progress"), f"Secret @{client.person['full_name']}", **more)
    path = f"/data/tasks/{task['id']}/comments"
    admin.ok_post(f"{path}/{comment['id']}/ack")
    admin.ok_post(f"{path}/{comment['id']}/reply", {"text": "Secret too"})
    assert client.ok_get(path) == []
    shown = admin.ok_post(f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-preview", {})
    (seen,) = client.ok_get(path)
    assert [row["id"] for row in seen["previews"]] == [shown["id"]]
    for key in ("text", "links", "checklist", "replies", "mentions", "department_mentions", "acknowledgements"):
        assert not seen[key], key
    admin.ok_put(f"/data/preview-files/{shown['id']}", {"validation_status": "rejected"})
    assert client.ok_get(path) == []
