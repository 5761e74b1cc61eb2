"""Routes of people. Source: spec crud, "persons"."""

from typing import Any

import msgspec

from pegbar.accounts import actions
from pegbar.accounts.resources import persons
from pegbar.core.access import Caller, admin
from pegbar.core.database import Transaction
from pegbar.core.routing import post


@post("/data/persons", access=admin, returns=persons, tag="Persons", events=(persons.events["new"],))
async def hire(tx: Transaction, caller: Caller, document: dict[str, Any]) -> Any:
    """Add a person; the answer for a bot holds its `access_token`."""
    person_id, token = await actions.hire(tx, caller, document)
    row: dict[str, msgspec.Raw] = msgspec.json.decode(
        await persons.read(tx, caller, person_id), type=dict[str, msgspec.Raw]
    )
    return row if token is None else {**row, "access_token": token}
