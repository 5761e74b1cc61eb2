"""Failures that scripts note while they import. Source: spec exchange, `/import/shotgun/errors`."""

from typing import Any
from uuid import UUID

from pegbar.core.data.database import JSON_NULL, Json, Transaction
from pegbar.exchange.shotgrid import queries
from pegbar.exchange.tables import data_import_error


async def note(tx: Transaction, event_data: Any) -> Json:
    """Keep what a script says of a failure; the row."""
    error_id = await tx.insert(
        data_import_error, event_data=JSON_NULL if event_data is None else event_data, source="shotgun"
    )
    row = await tx.json_row(queries.error, error_id=error_id)
    assert row is not None
    return row


async def forget(tx: Transaction, error_id: UUID) -> bool:
    """Whether there was such a failure; it is forgotten."""
    return bool(await tx.execute(queries.forget_error, error_id=error_id))
