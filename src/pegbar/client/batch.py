"""Many changes as one, written as a block.

    with pegbar.batch() as batch:
        shot = batch.post(f"/data/projects/{project_id}/shots", {"name": "SH010", "sequence_id": sequence_id})
        batch.post("/data/tasks", {"entity_id": shot["id"], …})
    print(shot.answer["id"])

Nothing is sent before the block ends; when it raises, nothing is sent at all. What comes of an operation is known
behind the block, and may be referred to within it.
"""

from collections.abc import Mapping
from typing import Any

from pegbar.client.calls import Call, changing


class Reference(str):
    """Stands for a part of what an earlier operation answers, in a body or in a path."""

    __slots__ = ()


class Step:
    """An operation. `step["id"]` stands for the id in its answer; `answer` is known when the batch is done."""

    def __init__(self, index: int, method: str, path: str, body: Any) -> None:
        self.index, self.method, self.path, self.body = index, method, path, body
        self.answer: Any = None

    def __getitem__(self, path: str) -> Reference:
        """A key of the answer, or several with dots."""
        return Reference(f"${self.index}.{path}")

    @property
    def sent(self) -> dict[str, Any]:
        """The operation as it is sent."""
        body = {} if self.body is None else {"body": _escaped(self.body)}
        return {"method": self.method, "path": self.path, **body}


class Batch:
    """Operations in their order. `results` when it is done."""

    def __init__(self, *, dry_run: bool = False) -> None:
        self.steps: list[Step] = []
        self.dry_run = dry_run

    def get(self, path: str) -> Step:
        return self._add("GET", path, None)

    def post(self, path: str, body: Any = None) -> Step:
        return self._add("POST", path, body)

    def put(self, path: str, body: Any = None) -> Step:
        return self._add("PUT", path, body)

    def delete(self, path: str) -> Step:
        return self._add("DELETE", path, None)

    def _add(self, method: str, path: str, body: Any) -> Step:
        self.steps.append(Step(len(self.steps), method, path, body))
        return self.steps[-1]

    def call(self) -> Call[None]:
        """All of it as one call."""
        sent = changing(
            "POST", "/open/v1/batch", {"operations": [step.sent for step in self.steps], "dry_run": self.dry_run}
        )
        return Call(sent.method, sent.path, self._take, body=sent.body, key=sent.key)

    def _take(self, answer: Any) -> None:
        for step, result in zip(self.steps, answer["results"], strict=True):
            step.answer = result["body"]


def _escaped(value: Any) -> Any:
    """A body in which a text that only looks like a reference stands for itself."""
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, str):
        return f"${value}" if value.startswith("$") else value
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return value
