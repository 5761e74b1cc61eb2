"""What is stored for working files goes with them. Source: spec crud, "working-files"."""

from collections.abc import AsyncIterator
from uuid import UUID

from pegbar.core.data.removal import Removal, going
from pegbar.core.storage import Address, mark_deleted
from pegbar.files.tables import working_file


@going(working_file)
async def drop_binaries(removal: Removal, file_ids: list[UUID]) -> AsyncIterator[None]:
    """The binaries of working files that go with a task or an entity are removed at once."""
    await mark_deleted(removal.tx, [Address("files", "working", file_id) for file_id in file_ids], force=True)
    yield
