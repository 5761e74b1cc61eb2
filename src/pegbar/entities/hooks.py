"""Where higher domains take part in what happens to entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.hooks import Hook


@dataclass(frozen=True)
class Removal:
    """Entities that are removed for good: nothing may refer to them afterwards."""

    tx: Transaction
    entity_ids: Sequence[UUID]


#: The rows of entities are gone: nothing that no foreign key holds may name them any more.
ENTITIES_GONE: Hook[Removal] = Hook("the rows of entities are gone")

#: Entities are about to be removed with all that belongs to them: whoever owns rows that refer to them deletes or
#: unlinks those, and emits the events of what goes. Orders: media -10, files -5, tasks 0, planning and review 10.
ENTITIES_REMOVED: Hook[Removal] = Hook("entities are removed with what belongs to them")
