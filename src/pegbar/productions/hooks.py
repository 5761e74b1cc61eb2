"""Where higher domains take part in the life of a production."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Transaction
from pegbar.core.hooks import Hook


@dataclass(frozen=True)
class SavedShow:
    """A TV show that was just created or changed."""

    tx: Transaction
    project_id: UUID


@dataclass(frozen=True)
class ChangedValues:
    """Values of a descriptor that moved or went, in the `data` of rows (`id`, `project_id`) of its kind."""

    tx: Transaction
    entity_type: str
    rows: Sequence[asyncpg.Record]


@dataclass(frozen=True)
class Parting:
    """Somebody who leaves the team of a production."""

    tx: Transaction
    project_id: UUID
    person_id: UUID


@dataclass(frozen=True)
class Pipeline:
    """A production whose task types, or their order, were just changed."""

    tx: Transaction
    project_id: UUID


#: A TV show was created or changed: see that it has an episode.
SHOW_SAVED: Hook[SavedShow] = Hook("a TV show was created or changed")

#: A descriptor was renamed or removed, and the `data` of rows changed with it: tell of those rows.
VALUES_CHANGED: Hook[ChangedValues] = Hook("the values of a descriptor changed")

#: Somebody left the team of a production: what keeps them informed about it ends.
TEAM_LEFT: Hook[Parting] = Hook("somebody left the team of a production")

#: The task types of a production, or their order, changed: work out again what depends on the order of the steps.
PIPELINE_CHANGED: Hook[Pipeline] = Hook("the task types of a production, or their order, changed")
