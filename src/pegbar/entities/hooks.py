"""Where higher domains take part in what happens to entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pegbar.core.database import Transaction
from pegbar.core.hooks import Hook


@dataclass(frozen=True)
class Removal:
    """Entities about to be removed for good. Their rows still exist; nothing may refer to them afterwards."""

    tx: Transaction
    entity_ids: Sequence[UUID]


#: Entities are about to be removed with all that belongs to them: whoever owns rows that refer to them deletes or
#: unlinks those, and emits the events of what goes. Orders: media -10, files -5, tasks 0, planning and review 10.
ENTITIES_REMOVED: Hook[Removal] = Hook("entities are removed with what belongs to them")
