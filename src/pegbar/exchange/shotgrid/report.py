"""What became of the records of an import."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

#: `skipped`: it is none of those that are imported, or names what is not there. `refused`: it cannot be stored.
What = Literal["created", "changed", "unchanged", "skipped", "refused"]


@dataclass(frozen=True)
class Outcome:
    """What became of a record."""

    shotgrid_id: int | None  #: None when the record has none
    id: UUID | None  #: of the row here; of a connection that of its production; None when skipped or refused
    what: What
    reason: str = ""  #: why it was skipped or refused
    key: str = ""  #: the key of the record that a refusal is about, when it is about one


@dataclass(frozen=True)
class Report:
    """What became of each record, in their order; it ends with the refused one that stopped the import, if any did."""

    kind: str
    outcomes: Sequence[Outcome]

    @property
    def ids(self) -> list[UUID]:
        """The rows of the records that were imported, in their order."""
        return [outcome.id for outcome in self.outcomes if outcome.id is not None]

    @property
    def counts(self) -> Counter[What]:
        """How many records were created, changed, left, skipped and refused."""
        return Counter(outcome.what for outcome in self.outcomes)
