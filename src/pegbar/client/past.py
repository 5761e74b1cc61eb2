"""What was, and how to get it back. Source: docs/open/history.md, undo.md, trash.md."""

from typing import Any, NamedTuple

from pegbar.client.calls import Call, Row, changing, reading


class Slice(NamedTuple):
    """Some of a list, and the cursor of the rest."""

    rows: list[Row]
    next: str | None


def changes(thing: str | None, row_id: str | None, cursor: str | None, filters: dict[str, Any]) -> Call[Slice]:
    """Changes of a row, or of a production."""
    path = "/open/v1/history" if row_id is None else f"/open/v1/history/{thing}/{row_id}"
    if row_id is None and thing is not None:
        filters = {**filters, "thing": thing}
    # `from` is a word of Python's own.
    params = {name.rstrip("_"): value for name, value in filters.items()}
    call = reading(path, cursor=cursor, limit=500, **params)
    return Call("GET", path, lambda answer: Slice(answer["data"], answer["cursor"]), call.params)


def as_it_was(thing: str, row_id: str, moment: str) -> Call[Row]:
    """A row as it was."""
    return reading(f"/open/v1/history/{thing}/{row_id}/at/{moment}")


def board(project_id: str, moment: str | None, kind: str) -> Call[list[Row]]:
    """A board as it was."""
    return reading(f"/open/v1/history/board/{project_id}", at=moment, kind=kind)


def undo(dry_run: bool, what: dict[str, Any]) -> Call[Row]:
    """Take changes back."""
    return changing("POST", "/open/v1/undo", {**what, "dry_run": dry_run})


def trash(cursor: str | None, filters: dict[str, Any]) -> Call[Slice]:
    """What was deleted."""
    call = reading("/open/v1/trash", cursor=cursor, **filters)
    return Call("GET", call.path, lambda answer: Slice(answer["entries"], answer["cursor"]), call.params)


def restore(trash_id: str, dry_run: bool) -> Call[Row]:
    """Bring something back."""
    return changing("POST", f"/open/v1/trash/{trash_id}/restore", {"dry_run": dry_run})
