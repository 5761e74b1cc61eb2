"""Hiring, editing and leaving: the rules of people. Source: spec crud, "persons"; spec accounts, 8 and 11."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pegbar.accounts import tokens
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import person
from pegbar.core.access import Caller
from pegbar.core.database import Transaction


async def hire(tx: Transaction, caller: Caller, document: Mapping[str, Any]) -> tuple[UUID, str | None]:
    """Add a person; their id and, for a bot, the token it signs its requests with."""
    person_id = await persons.create(tx, caller, document)
    if not document.get("is_bot"):
        return person_id, None
    token, jti = tokens.api_token(person_id, is_bot=True, until=None)
    await tx.update(person, person_id, jti=jti)
    return person_id, token
