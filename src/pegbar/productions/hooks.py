"""Where higher domains take part in the life of a production."""

from dataclasses import dataclass
from uuid import UUID

from pegbar.core.database import Transaction
from pegbar.core.hooks import Hook


@dataclass(frozen=True)
class SavedShow:
    """A TV show that was just created or changed."""

    tx: Transaction
    project_id: UUID


@dataclass(frozen=True)
class Removal:
    """A production about to be deleted with everything in it."""

    tx: Transaction
    project_id: UUID


#: A TV show was created or changed: see that it has an episode.
SHOW_SAVED: Hook[SavedShow] = Hook("a TV show was created or changed")

#: A production is being deleted: delete what is in it. The order is that of foreign keys (the orders below).
PROJECT_REMOVED: Hook[Removal] = Hook("a production is being deleted with all its rows")

#: The orders of PROJECT_REMOVED: what refers to other rows goes before them.
REVIEW, MEDIA, FILES, TASKS, PLANNING, ENTITIES, WORKSPACE = range(10, 80, 10)
