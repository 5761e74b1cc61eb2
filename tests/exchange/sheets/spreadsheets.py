"""Productions that spreadsheets are sent to."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import requests

from tests.client import Client, unique
from tests.entities.shows import Show
from tests.factories import named


def csv_of(*rows: Sequence[object], delimiter: str = ";") -> str:
    """A CSV file as the web UI writes it: every cell quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()


def rows_of(answer: requests.Response) -> list[dict[str, Any]]:
    """The rows of an import that went well."""
    assert answer.status_code == 201, answer.text
    return list(answer.json())


def refusal_of(answer: requests.Response) -> tuple[str, int, int]:
    """What was wrong, in which line, and how many rows came before."""
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, True), answer.text
    return body["message"], body["line_number"], body["imported_rows"]


class Sheets(Show):
    """A production with task types of its own, and spreadsheets for it."""

    def __init__(self, admin: Client, *team: Client, shots: Iterable[str] = (), **more: Any) -> None:
        super().__init__(admin, *team, **more)
        self.task_types: dict[str, str] = {}
        for name in shots:
            self.use_task_type(name, "Shot")

    def use_task_type(self, name: str, for_entity: str) -> str:
        """Make a task type, named after the word, and use it; its name."""
        made = self.admin.ok_post(
            "/data/task-types", {"name": unique(name), "color": "#102030", "for_entity": for_entity}
        )
        priority = len(self.task_types) + 1
        link = {"project_id": self.id, "task_type_id": made["id"], "priority": priority}
        self.admin.ok_post("/data/task-type-links", link)
        self.task_types[name] = made["id"]
        return str(made["name"])

    def describe(self, name: str, kind: str, data_type: str = "string") -> None:
        """Add a metadata column."""
        body = {"name": name, "entity_type": kind, "data_type": data_type}
        self.admin.ok_post(f"{self.path}/metadata-descriptors", body)

    def send(self, kind: str, text: str | bytes, who: Client | None = None, **query: Any) -> requests.Response:
        """The answer to a file of assets, shots or edits."""
        file = {"file": (f"{kind}.csv", text, "text/csv")}
        return (who or self.admin).post(f"/import/csv/projects/{self.id}/{kind}", files=file, params=query)

    def report(self, kind: str, text: str | bytes, **query: Any) -> dict[str, Any]:
        """What a file would do."""
        answer = self.send(kind, text, dry_run="true", **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def tasks(self, entity_id: str) -> dict[str, dict[str, Any]]:
        """The tasks of an entity by the id of their type."""
        rows = self.admin.ok_get("/data/tasks", params={"entity_id": entity_id, "relations": "true"})
        return {row["task_type_id"]: row for row in rows}

    def comments(self, task: dict[str, Any]) -> list[str]:
        """What was said on a task, oldest first."""
        rows = self.admin.ok_get(f"/data/tasks/{task['id']}/comments")
        return [row["text"] for row in reversed(rows)]

    def status(self, name: str) -> str:
        """The id of a task status."""
        return str(named(self.admin, "task-status", name)["id"])
