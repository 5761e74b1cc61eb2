"""What holds for records of every kind."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from pegbar.core.data.database import Database
from pegbar.exchange.shotgrid.importing import Report, import_records
from tests.client import Client, unique
from tests.exchange.shotgrid import site
from tests.exchange.shotgrid.site import Show, link, refusal, row, rows, send
from tests.factories import hire
from tests.server import Server

#: In the order in which a studio moves.
KINDS = [
    *["persons", "projects", "project-connections", "episodes", "sequences", "scenes", "assets", "shots"],
    *["steps", "status", "tasks", "versions", "notes"],
]


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


def statements(answer: Any) -> int:
    match = re.search(r"(\d+) statements", answer.headers["server-timing"])
    assert match is not None
    return int(match[1])


def imported(server: Server, admin: Client, kind: str, *records: Any, **options: Any) -> Report:
    """What the import of records says."""

    async def run() -> Report:
        db = Database(server.database_url, size=1)
        await db.open()
        try:
            return await import_records(db, UUID(admin.id), kind, records, **options)
        finally:
            await db.close()

    return asyncio.run(run())


def test_only_studio_managers_import(admin: Client, anonymous: Client) -> None:
    manager = hire(admin, "manager")
    for path in [*KINDS, "projectconnections", "errors", *[f"remove/{name}" for name in ("shot", "asset", "note")]]:
        assert manager.post(f"/import/shotgun/{path}", []).status_code == 403
        assert anonymous.post(f"/import/shotgun/{path}", []).status_code == 401


@pytest.mark.parametrize("kind", [*KINDS, "projectconnections"])
def test_a_body_is_a_list_of_objects(admin: Client, kind: str) -> None:
    path = f"/import/shotgun/{kind}"
    assert admin.ok_post(path, []) == []
    for body in ({}, {"id": 1}, "records", 7, None):
        assert admin.post(path, body).status_code == (415 if body is None else 400)
    for record in (None, 7, "x", []):
        message, field = refusal(admin.post(path, [record]))
        assert (field, message) == ("0", "Record 0: A record must be an object.")
    assert admin.post(path, data="[]", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    ("kind", "key"),
    [("persons", "email"), ("projects", "sg_status"), ("assets", "sg_asset_type"), ("tasks", "step")],
)
def test_a_key_that_decides_about_a_record_must_be_there(admin: Client, show: Show, kind: str, key: str) -> None:
    records = {
        "persons": site.user(),
        "projects": site.project(),
        "assets": site.asset(show.project),
        "tasks": site.task(show.project, show.shot, show.step),
    }
    record = records[kind]
    del record[key]
    message, field = refusal(send(admin, kind, record))
    assert field == f"0.{key}"
    assert message == f"Record 0 (id {record['id']}): {key} is missing."


def test_a_record_without_one_of_its_other_keys_is_passed_over(admin: Client, show: Show) -> None:
    for kind, record, key in (
        ("persons", site.user(), "login"),
        ("projects", site.project(), "name"),
        ("episodes", site.named("Episode", show.project), "project"),
        ("shots", site.shot(show.project), "sg_cut_in"),
        ("shots", site.shot(show.project), "id"),
        ("steps", site.step(), "code"),
        ("versions", site.version(show.task), "sg_uploaded_movie"),
        ("notes", site.note(show.task, show.person), "created_at"),
    ):
        del record[key]
        assert rows(admin, kind, record) == [], (kind, key)


def test_what_does_not_fit_is_refused_by_place_and_key(admin: Client, show: Show) -> None:
    for kind, record, key in (
        ("persons", site.user(email="nobody"), "email"),
        ("persons", site.user(firstname=["Ema"]), "firstname"),
        ("persons", site.user(permission_rule_set="Manager"), "permission_rule_set"),
        ("projects", site.project(id="x"), "id"),
        ("projects", site.project(id=None), "id"),
        ("projects", site.project(id=10**12), "id"),
        ("projects", site.project(name="x" * 81), "name"),
        ("projects", site.project(sg_status="x" * 21), "sg_status"),
        ("episodes", site.named("Episode", show.project, project={"id": 7}), "project"),
        ("episodes", site.named("Episode", show.project, project="Grid"), "project"),
        ("episodes", site.named("Episode", show.project, code=None), "code"),
        (
            "scenes",
            site.named("Scene", show.project, sequence_sg_scenes_1_sequences={}),
            "sequence_sg_scenes_1_sequences",
        ),
        ("assets", site.asset(show.project, sg_asset_type="x" * 31), "sg_asset_type"),
        ("assets", site.asset(show.project, parents=7), "parents"),
        ("assets", site.asset(show.project, description="a\0b"), "description"),
        ("shots", site.shot(show.project, sg_cut_in="soon"), "sg_cut_in"),
        ("shots", site.shot(show.project, assets=[{"name": "Sheep"}]), "assets"),
        ("steps", site.step(color="blue"), "color"),
        ("steps", site.step(color="1,2,300"), "color"),
        ("status", site.status(code="longer than ten"), "code"),
        ("tasks", site.task(show.project, show.shot, show.step, due_date="soon"), "due_date"),
        ("tasks", site.task(show.project, show.shot, show.step, entity={"id": 7}), "entity"),
        ("versions", site.version(show.task, sg_uploaded_movie="a.mov"), "sg_uploaded_movie"),
        ("notes", site.note(show.task, show.person, created_at="yesterday"), "created_at"),
        ("notes", site.note(show.task, show.person, tasks=show.task), "tasks"),
    ):
        message, field = refusal(send(admin, kind, record))
        assert field == f"0.{key}", (kind, message)
        assert message.startswith("Record 0"), message


def test_the_first_refused_record_ends_the_import_and_those_before_it_are_kept(admin: Client, show: Show) -> None:
    codes = [unique("SH") for _ in range(7)]
    records = [site.shot(show.project, code=code, sg_sequence=link(show.sequence)) for code in codes]
    records[4]["code"] = codes[1]
    message, field = refusal(send(admin, "shots", *records))
    assert field == "4"
    assert message.startswith(f"Record 4 (id {records[4]['id']}): A row with the same name")
    assert codes[1] not in message
    assert "INSERT" not in message
    stored = {row["name"] for row in admin.ok_get(f"/data/projects/{show.project_id}/shots")}
    assert stored & set(codes) == set(codes[:4])
    records[4]["code"] = codes[4]
    assert [row["name"] for row in rows(admin, "shots", *records)] == codes


def test_a_value_that_does_not_fit_keeps_those_before_it_too(admin: Client, show: Show) -> None:
    good, bad, after = (site.named("Episode", show.project) for _ in range(3))
    bad["code"] = "x" * 161
    assert refusal(send(admin, "episodes", good, bad, after))[1] == "1.code"
    stored = {row["name"] for row in admin.ok_get(f"/data/projects/{show.project_id}/episodes")}
    assert good["code"] in stored
    assert after["code"] not in stored


def test_the_same_records_again_change_nothing(server: Server, admin: Client, show: Show) -> None:
    child = site.asset(show.project, parents=[link(show.asset)])
    member = site.user(department={"id": 1, "name": unique("Fur")})
    records = {
        "persons": [member],
        "projects": [site.project(sg_fps="25", sg_list=["a", {"b": 1}])],
        "project-connections": [site.connection(show.project, member)],
        "episodes": [site.named("Episode", show.project, description="One")],
        "sequences": [site.sequence(show.project)],
        "scenes": [site.named("Scene", show.project, sequence_sg_scenes_1_sequences=[link(show.sequence)])],
        "assets": [child],
        "shots": [site.shot(show.project, sg_lens="35mm", assets=[link(show.asset), link(child)])],
        "steps": [site.step()],
        "status": [site.status()],
        "tasks": [
            site.task(
                show.project, show.shot, show.step,
                cached_display_name="Again", start_date="2024-01-08", duration=90, sg_sort_order=4,
                task_assignees=[link(member)], created_by=link(member),
            )
        ],
        "versions": [site.version(show.task, sg_uploaded_movie={"name": "a.mov", "url": "https://example.com/a.mov"})],
        "notes": [site.note(show.task, show.person)],
    }  # fmt: skip
    assert list(records) == KINDS
    for kind, wanted in records.items():
        first = imported(server, admin, kind, *wanted)
        assert [outcome.what for outcome in first.outcomes] == ["created"], kind
        again = imported(server, admin, kind, *wanted)
        assert [outcome.what for outcome in again.outcomes] == ["unchanged"], kind
        assert again.ids == first.ids
        assert [outcome.shotgrid_id for outcome in again.outcomes] == [wanted[0]["id"]]


def test_a_row_that_does_not_change_keeps_its_date(admin: Client, show: Show) -> None:
    first = site.named("Episode", show.project)
    second = site.named("Episode", show.project)
    before = rows(admin, "episodes", first, second)
    second["description"] = "New"
    after = rows(admin, "episodes", first, second)
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert after[0] == before[0]
    assert after[1]["description"] == "New"


def test_a_record_that_comes_twice_is_one_row(admin: Client, show: Show) -> None:
    record = site.shot(show.project)
    first, second = rows(admin, "shots", record, {**record, "code": "Renamed"})
    assert first == second
    assert first["name"] == "Renamed"


def test_a_dry_run_says_what_would_be_and_keeps_nothing(server: Server, admin: Client, show: Show) -> None:
    known = site.named("Episode", show.project)
    row(admin, "episodes", known)
    changed = {**known, "description": "Changed"}
    new = site.named("Episode", show.project)
    lost = site.named("Episode", site.project())
    report = imported(server, admin, "episodes", known, changed, new, lost, dry_run=True)
    assert [outcome.what for outcome in report.outcomes] == ["unchanged", "changed", "created", "skipped"]
    assert report.outcomes[3].id is None
    assert lost["project"]["name"] in report.outcomes[3].reason
    assert report.counts == {"unchanged": 1, "changed": 1, "created": 1, "skipped": 1}
    stored = {item["name"]: item for item in admin.ok_get(f"/data/projects/{show.project_id}/episodes")}
    assert new["code"] not in stored
    assert stored[known["code"]]["description"] is None


def test_an_import_may_go_on_after_what_is_refused(server: Server, admin: Client, show: Show) -> None:
    taken = site.shot(show.project, sg_sequence=link(show.sequence))
    twin = {**site.shot(show.project, sg_sequence=link(show.sequence)), "code": taken["code"]}
    bad = site.shot(show.project, sg_cut_in="soon")
    last = site.shot(show.project)
    report = imported(server, admin, "shots", taken, twin, bad, 7, last, stop=False)
    assert [outcome.what for outcome in report.outcomes] == ["created", "refused", "refused", "refused", "created"]
    assert [outcome.key for outcome in report.outcomes] == ["", "", "sg_cut_in", "", ""]
    assert [outcome.shotgrid_id for outcome in report.outcomes] == [
        taken["id"], twin["id"], bad["id"], None, last["id"],
    ]  # fmt: skip
    assert all(outcome.reason for outcome in report.outcomes if outcome.what == "refused")


def test_imports_of_the_same_records_at_once_make_one_row_of_each(admin: Client, show: Show) -> None:
    shots = [site.shot(show.project) for _ in range(20)]
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: rows(Client(admin.api, admin.token), "shots", *shots), range(5)))
    assert len({tuple(row["id"] for row in answer) for answer in answers}) == 1
    names = [row["name"] for row in admin.ok_get(f"/data/projects/{show.project_id}/shots")]
    assert sorted(name for name in names if name in {shot["code"] for shot in shots}) == sorted(
        shot["code"] for shot in shots
    )


@pytest.mark.parametrize("kind", KINDS)
def test_many_records_take_as_many_statements_as_few(admin: Client, show: Show, kind: str) -> None:
    make = {
        "persons": site.user,
        "projects": site.project,
        "project-connections": lambda: site.connection(show.project, show.person),
        "episodes": lambda: site.named("Episode", show.project),
        "sequences": lambda: site.sequence(show.project),
        "scenes": lambda: site.named("Scene", show.project, sequence_sg_scenes_1_sequences=[link(show.sequence)]),
        "assets": lambda: site.asset(show.project, parents=[link(show.asset)]),
        "shots": lambda: site.shot(show.project, sg_sequence=link(show.sequence), assets=[link(show.asset)]),
        "steps": site.step,
        "status": site.status,
        "tasks": lambda: site.task(
            show.project, show.shot, show.step, cached_display_name=unique("Fur"), task_assignees=[link(show.person)]
        ),
        "versions": lambda: site.version(show.task),
        "notes": lambda: site.note(show.task, show.person),
    }[kind]
    few, many = [make() for _ in range(2)], [make() for _ in range(60)]
    if kind == "projects":
        many = many[:2]  # each gets the columns that all productions share
    first = statements(send(admin, kind, *few))
    assert statements(send(admin, kind, *many)) <= first
    assert statements(send(admin, kind, *many)) <= first
