"""What a batch is sent as, and how it is answered."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from pegbar.core.http.body import Strict

#: Operations of one batch.
MOST = 1000


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """An operation: by `method` and `path`, or by its name in OpenAPI (`operation`) with the `params` of its path."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    path: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    operation: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    params: dict[str, str | int] = {}
    body: Any | UnsetType = UNSET


class Batch(Strict):
    """Operations that are done in this order, all or none; none at all with `dry_run`."""

    operations: Annotated[list[Step], msgspec.Meta(min_length=1, max_length=MOST)]
    dry_run: bool = False


RESULTS = {
    "type": "object",
    "required": ["batch_id", "dry_run", "results"],
    "properties": {
        "batch_id": {"type": "string", "format": "uuid", "description": "Of its changes, in the history and to undo"},
        "dry_run": {"type": "boolean", "description": "Whether all of it was rolled back"},
        "results": {
            "type": "array",
            "description": "What each operation answers alone, in their order",
            "items": {
                "type": "object",
                "required": ["status", "body"],
                "properties": {"status": {"type": "integer"}, "body": {"description": "JSON; null for none"}},
            },
        },
    },
}
