"""What imports do to many tasks at once: make them, assign them, comment them, in a few statements."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from pegbar.app import load_domains
from pegbar.core.data.database import Database, Transaction, statement_count
from pegbar.core.errors import BadRequest, NotFound
from pegbar.tasks.actions import assign_pairs
from pegbar.tasks.batches.actions import create_missing
from pegbar.tasks.comments.posting import NewComment, post_allowed, post_many
from pegbar.tasks.comments.subject import Wish, load_many
from pegbar.tasks.state import TaskState
from tests import factories
from tests.client import Client
from tests.server import Server
from tests.tasks.test_comments import status

load_domains()
T = TypeVar("T")
_LAST_JOB = text("SELECT coalesce(max(id), 0) FROM pegbar.procrastinate_jobs")
_JOBS = text("SELECT args FROM pegbar.procrastinate_jobs WHERE task_name = 'tasks.tell' AND id > :last ORDER BY id")


def in_one_go(
    server: Server, admin: Client, work: Callable[[Transaction], Awaitable[T]]
) -> tuple[T, int, list[dict[str, Any]]]:
    """What work of an administrator comes to, in how many statements, and what the jobs that tell of it are given."""

    async def run() -> tuple[T, int, list[dict[str, Any]]]:
        db = Database(server.database_url, size=1)
        await db.open()
        try:
            async with db.transaction(UUID(admin.id)) as tx:
                last = await tx.value(_LAST_JOB)
                counted: list[str] = []
                statement_count.set(counted)
                done = await work(tx)
                number = len(counted)
                await tx.flush()
                return done, number, await tx.column(_JOBS, last=last)
        finally:
            await db.close()

    return asyncio.run(run())


def events(admin: Client, project_id: str, name: str) -> list[dict[str, Any]]:
    params = {"project_id": project_id, "name": name, "limit": 100}
    return [row["data"] for row in reversed(admin.ok_get("/data/events/last", params=params))]


def test_missing_tasks_are_made_and_all_are_found(server: Server, admin: Client) -> None:
    show, other = factories.production(admin), factories.production(admin)
    assets = [factories.entity(admin, show["id"]) for _ in range(5)]
    stranger = factories.entity(admin, other["id"])
    types = [factories.named(admin, "task-types", name)["id"] for name in ("Modeling", "Rigging")]
    there = factories.task(admin, assets[0], "Modeling", name="second")
    pairs = [(UUID(row["id"]), UUID(type_id)) for row in (*assets, stranger) for type_id in types]
    (few, new), statements_of_few, _ = in_one_go(
        server, admin, lambda tx: create_missing(tx, UUID(show["id"]), pairs[:2])
    )
    assert new == {few[pairs[1]]}
    (all_of_them, new), statements, _ = in_one_go(
        server, admin, lambda tx: create_missing(tx, UUID(show["id"]), pairs * 2)
    )
    assert new == set(all_of_them.values()) - set(few.values())
    assert statements == statements_of_few
    assert set(all_of_them) == set(pairs[:-2]), "what lies elsewhere has no task here"
    assert all_of_them[pairs[0]] == UUID(there["id"])
    assert few.items() <= all_of_them.items()
    rows = {row["id"]: row for row in admin.ok_get("/data/tasks", params={"project_id": show["id"]})}
    assert {UUID(task_id) for task_id in rows} == set(all_of_them.values())
    made = rows[str(all_of_them[pairs[3]])]
    assert (made["name"], made["assigner_id"]) == ("main", admin.id)
    assert made["task_status_id"] == status(admin, "Todo")
    told = [row["task_id"] for row in events(admin, show["id"], "task:new")]
    assert sorted(told) == sorted(rows), "each once"


def test_new_tasks_are_written_in_the_state_to_which_a_comment_brings_them(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    asset = factories.entity(admin, show["id"])
    there = factories.task(admin, asset, "Modeling")
    pairs = [
        (UUID(asset["id"]), UUID(factories.named(admin, "task-types", name)["id"])) for name in ("Modeling", "Rigging")
    ]
    retake, at = UUID(status(admin, "Retake")), datetime(2031, 5, 6, 7, 8, 9, 123456)
    state = TaskState(retake, retake_count=1, real_start_date=at, last_comment_date=at)
    states = dict.fromkeys(pairs, state)
    (task_ids, _), _, _ = in_one_go(server, admin, lambda tx: create_missing(tx, UUID(show["id"]), pairs, states))
    modeling, rigging = (admin.ok_get(f"/data/tasks/{task_ids[pair]}") for pair in pairs)
    assert (modeling["id"], modeling["task_status_id"]) == (there["id"], there["task_status_id"]), "left as it is"
    assert (rigging["task_status_id"], rigging["retake_count"], rigging["end_date"]) == (str(retake), 1, None)
    assert rigging["real_start_date"] == rigging["last_comment_date"] == "2031-05-06T07:08:09"


def test_persons_are_added_to_tasks_without_a_word_to_them(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    tasks = [factories.task(admin, factories.entity(admin, show["id"])) for _ in range(4)]
    first, second = (
        admin.ok_post("/data/persons", {"first_name": "Al", "last_name": "Bo", "email": f"{uuid4()}@b.example"})
        for _ in range(2)
    )
    bot = factories.hire(admin, "user")
    admin.ok_put(f"/data/tasks/{tasks[0]['id']}", {"assignees": [first["id"]]})
    before = len(events(admin, show["id"], "task:assign"))
    pairs = [(UUID(row["id"]), UUID(who)) for row in tasks for who in (first["id"], second["id"], bot.id)]
    _, statements, jobs = in_one_go(server, admin, lambda tx: assign_pairs(tx, UUID(admin.id), pairs + pairs))
    assert jobs == []
    for row in tasks:
        after = admin.ok_get(f"/data/tasks/{row['id']}")
        assert sorted(after["assignees"]) == sorted([first["id"], second["id"], bot.id]), "bots too"
        assert after["assigner_id"] == admin.id
    new = [(row["task_id"], row["person_id"]) for row in events(admin, show["id"], "task:assign")[before:]]
    expected = [(str(task), str(who)) for task, who in pairs]
    assert new == expected[1:], "the first had it"
    team = admin.ok_get(f"/data/projects/{show['id']}/team")
    assert {first["id"], second["id"]} <= {row["id"] for row in team}
    notices = admin.ok_get(f"/data/projects/{show['id']}/notifications")
    assert {row["person_id"] for row in notices} <= {first["id"]}, "of the assignment before"
    _, again, _ = in_one_go(server, admin, lambda tx: assign_pairs(tx, UUID(admin.id), pairs[:1]))
    assert again <= statements <= again + 6, "the team takes some once"
    assert len(events(admin, show["id"], "task:assign")) == before + len(new)


def test_a_preview_account_is_assigned_to_nothing(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    account = admin.ok_post(f"/data/projects/{show['id']}/preview-account")
    pair = (UUID(task["id"]), UUID(account["id"]))
    with pytest.raises(BadRequest, match="preview account"):
        in_one_go(server, admin, lambda tx: assign_pairs(tx, UUID(admin.id), [pair]))
    assert admin.ok_get(f"/data/tasks/{task['id']}")["assignees"] == []


def test_one_job_tells_of_many_comments(server: Server, admin: Client) -> None:
    eager = factories.hire(admin, "user", notifications_enabled=True)
    show = factories.production(admin, eager)
    tasks = [factories.task(admin, factories.entity(admin, show["id"]), assignees=[eager.id])["id"] for _ in range(12)]

    async def say(tx: Transaction) -> list[UUID]:
        wishes = [Wish(UUID(task_id), None, UUID(admin.id), "go") for task_id in tasks]
        return await post_many(tx, [(subject, NewComment("go")) for subject in await load_many(tx, wishes)])

    comment_ids, statements, jobs = in_one_go(server, admin, say)
    assert len(set(comment_ids)) == 12
    assert statements == 3, "tasks are held, read and commented"
    (job,) = jobs
    assert len(set(job["notification_ids"])) == 12


def test_what_is_refused_may_be_passed_over(server: Server, admin: Client) -> None:
    show = factories.production(admin, max_retakes=1)
    tasks = [factories.task(admin, factories.entity(admin, show["id"])) for _ in range(2)]
    retake, wip = UUID(status(admin, "Retake")), UUID(status(admin, "Work In Progress"))
    wanted = [(tasks[0], retake), (tasks[1], wip), (tasks[0], wip), (tasks[0], retake), (tasks[0], None)]
    wishes = [Wish(UUID(task["id"]), status_id, UUID(admin.id), "") for task, status_id in wanted]

    async def say(tx: Transaction) -> list[UUID | None]:
        return await post_allowed(tx, [(subject, NewComment("")) for subject in await load_many(tx, wishes)])

    ids, _, _ = in_one_go(server, admin, say)
    assert [comment_id is None for comment_id in ids] == [False, False, False, True, False]
    after = admin.ok_get(f"/data/tasks/{tasks[0]['id']}")
    assert (after["task_status_id"], after["retake_count"]) == (str(wip), 1), "the last keeps what the one before gave"


def test_a_comment_on_what_is_not_there_is_told_by_its_id(server: Server, admin: Client) -> None:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    there, nobody = UUID(task["id"]), UUID(int=7)
    me = UUID(admin.id)
    for wish in (Wish(nobody, None, me, ""), Wish(there, nobody, me, ""), Wish(there, None, nobody, "")):
        with pytest.raises(NotFound, match=str(nobody)):
            in_one_go(server, admin, lambda tx, wish=wish: load_many(tx, [Wish(there, None, me, ""), wish]))
