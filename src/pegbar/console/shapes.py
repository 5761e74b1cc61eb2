"""What the routes of the console answer, for their documentation."""

from typing import Any

_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "text?": {"type": ["string", "null"]},
    "whole": {"type": "integer"},
    "whole?": {"type": ["integer", "null"]},
    "number": {"type": "number"},
    "yes": {"type": "boolean"},
    "yes?": {"type": ["boolean", "null"]},
    "any": {"type": "object"},
    "any?": {"type": ["object", "null"]},
    "texts": {"type": "array", "items": {"type": "string"}},
}


def _shape(**keys: str | dict[str, Any]) -> dict[str, Any]:
    """An object of these keys; a kind of the list above, or a schema."""
    properties = {name: _KINDS[kind] if isinstance(kind, str) else kind for name, kind in keys.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _several(shape: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": shape}


_NODE = _shape(host="text", process="whole", kind="text", version="text", started_at="text", seen_at="text")
_DISK = _shape(of="text", folder="text", free="whole", total="whole")
_QUEUE = _shape(job="text", todo="whole", doing="whole", failed="whole", oldest="number")
OVERVIEW = _shape(
    version="text",
    host="text",
    nodes=_several(_NODE),
    differing="texts",
    workers=_several(_shape(id="whole", seen_at="text", jobs="whole")),
    database="any",
    storage=_shape(backend="text", stored_bytes="whole", disks=_several(_DISK)),
    queue=_several(_QUEUE),
)

_JOB = _shape(
    id="whole",
    task_name="text",
    queue_name="text",
    status="text",
    attempts="whole",
    args="text",
    is_stopping="yes",
    last_change="text?",
    scheduled_at="text?",
    cause="text?",
    progress="whole?",
)
JOBS = _shape(counts="any", kinds="texts", jobs=_several(_JOB))
JOB_STATE = _shape(id="whole", status="text")
REMOVALS = _several(
    _shape(
        project_id="text",
        project_name="text",
        requested_by="text?",
        requested_at="text",
        removed="whole",
        total="whole",
        doing="text",
        last_error="text?",
    )
)
SESSIONS = _several(
    _shape(
        id="text",
        kind="text",
        person_id="text",
        name="text",
        email="text?",
        role="text",
        address="text?",
        agent="text?",
        started_at="text?",
        seen_at="text?",
        requests="whole",
        expires_at="text?",
        is_yours="yes",
    )
)
STORAGE = _shape(
    counted_at="text?",
    is_being_counted="yes",
    report="any?",
    history=_several(_shape(day="text", bytes="whole", database="whole")),
    movies="any",
)
COUNTING = _shape(is_being_counted="yes")
MAILS = _shape(
    enabled="yes",
    server="text",
    refused=_several(_shape(at="text", recipient="text", subject="text", reason="text")),
    jobs=_several(_JOB),
)
SLOW = _shape(
    threshold="number",
    routes=_several(_shape(method="text", route="text", requests="whole", slowest="number", median="number")),
    requests=_several(
        _shape(at="text", method="text", route="text", status="whole", seconds="number", person="text?", host="text")
    ),
)
SETTINGS = _several(
    _shape(
        section="text",
        settings=_several(
            _shape(variable="text", value="text", default="text", origin="text", help="text", is_secret="yes")  # noqa: S106
        ),
    )
)
LOG = _several(
    _shape(
        number="whole",
        at="text",
        level="text",
        host="text",
        process="whole",
        kind="text",
        message="text",
        details="any",
        trace="text",
    )
)
