"""Records of a studio in ShotGrid, and scripts that send them."""

import itertools
import random
from typing import Any

import requests

from tests.client import Client, unique

#: Numbers that no other test and no other run on the same database uses.
_numbers = itertools.count(random.randrange(1_000_000_000, 2_000_000_000))


def number() -> int:
    return next(_numbers)


def send(who: Client, kind: str, *records: Any) -> requests.Response:
    """The answer to records of a kind."""
    return who.post(f"/import/shotgun/{kind}", list(records))


def rows(who: Client, kind: str, *records: Any) -> list[dict[str, Any]]:
    """The rows that records of a kind became."""
    answer = send(who, kind, *records)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def row(who: Client, kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """The row that a record became."""
    (only,) = rows(who, kind, record)
    return only


def refusal(answer: requests.Response) -> tuple[str, str]:
    """The message of a refusal, and the place in the body that it is about."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    (error,) = body["data"]["errors"]
    assert error["message"] == body["message"]
    return body["message"], error["field"]


def link(record: dict[str, Any]) -> dict[str, Any]:
    """What other records say to name this one."""
    return {"type": record["type"], "id": record["id"], "name": record.get("name") or record.get("code")}


def user(**more: Any) -> dict[str, Any]:
    name = unique("ema").replace(" ", ".")
    return {
        "type": "HumanUser",
        "id": number(),
        "firstname": "Ema",
        "lastname": name,
        "email": f"{name}@example.com",
        "login": name,
        **more,
    }


def project(**more: Any) -> dict[str, Any]:
    return {"type": "Project", "id": number(), "name": unique("Grid"), "sg_status": "Open", **more}


def named(kind: str, show: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A record of something in a production that has a name and a description."""
    return {
        "type": kind,
        "id": number(),
        "code": unique(kind),
        "description": None,
        "project": link(show),
        **more,
    }


def sequence(show: dict[str, Any], **more: Any) -> dict[str, Any]:
    return named("Sequence", show, **{"episode": None, **more})


def asset(show: dict[str, Any], **more: Any) -> dict[str, Any]:
    return named("Asset", show, **{"sg_asset_type": "Character", **more})


def shot(show: dict[str, Any], **more: Any) -> dict[str, Any]:
    return named("Shot", show, **{"sg_sequence": None, "sg_cut_in": 1, "sg_cut_duration": 10, **more})


def step(**more: Any) -> dict[str, Any]:
    return {"type": "Step", "id": number(), "code": unique("Fur"), "color": "10,20,30", **more}


def status(**more: Any) -> dict[str, Any]:
    mine = number()
    return {"type": "Status", "id": mine, "name": unique("Ready"), "code": f"{mine % 10**9}", "bg_color": None, **more}


def task(show: dict[str, Any], of: dict[str, Any], work: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Task",
        "id": number(),
        "cached_display_name": "Fur",
        "project": link(show),
        "entity": link(of),
        "step": link(work),
        "created_by": None,
        "start_date": None,
        "due_date": None,
        "duration": None,
        "sg_sort_order": None,
        "sg_status_list": None,
        "task_assignees": [],
        **more,
    }


def version(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Version",
        "id": number(),
        "code": unique("v"),
        "description": None,
        "user": None,
        "sg_task": link(of),
        "sg_uploaded_movie": None,
        **more,
    }


def note(of: dict[str, Any], author: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Note",
        "id": number(),
        "content": "Slower",
        "created_at": "2024-02-03T10:20:30Z",
        "user": link(author),
        "tasks": [link(of)],
        **more,
    }


def connection(show: dict[str, Any], member: dict[str, Any]) -> dict[str, Any]:
    return {"type": "ProjectUserConnection", "id": number(), "project": link(show), "user": link(member)}


class Show:
    """A production that came from ShotGrid, with a shot and an asset, a step, and somebody."""

    def __init__(self, admin: Client) -> None:
        self.project, self.person, self.step = project(), user(), step(entity_type="Shot")
        self.sequence = sequence(self.project)
        self.asset = asset(self.project)
        self.shot = shot(self.project, sg_sequence=link(self.sequence))
        self.task = task(self.project, self.shot, self.step)
        for kind, name in (
            ("persons", "person"),
            ("projects", "project"),
            ("steps", "step"),
            ("sequences", "sequence"),
            ("assets", "asset"),
            ("shots", "shot"),
            ("tasks", "task"),
        ):
            setattr(self, f"{name}_id", row(admin, kind, getattr(self, name))["id"])

    project_id: str
    person_id: str
    step_id: str
    sequence_id: str
    asset_id: str
    shot_id: str
    task_id: str
