"""What a path is about. Source: spec media, "POST /data/entities/guess-from-path"."""

from typing import Annotated
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import post
from pegbar.files import access
from pegbar.files.guess import actions


class KnownPath(Strict):
    """A path of a production."""

    project_id: UUID
    file_path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    sep: Annotated[str, msgspec.Meta(min_length=1, max_length=8)] = "/"


async def _guess(body: KnownPath, db: Database) -> list[dict[str, str]]:
    return await actions.guess(db, body.project_id, body.file_path, body.sep)


@post("/data/entities/guess-from-path", access=access.GUESSES, status=200, errors=(400,))
async def guess_from_path(body: KnownPath, db: Database) -> list[dict[str, str]]:
    """What a path is about, by each template of the file tree that it fits: ids by token."""
    return await _guess(body, db)


@post("/data/entities/guess_from_path", access=access.GUESSES, status=200, errors=(400,))
async def guess_from_path_by_its_old_name(body: KnownPath, db: Database) -> list[dict[str, str]]:
    """The same, by the name that Gazu calls it."""
    return await _guess(body, db)
