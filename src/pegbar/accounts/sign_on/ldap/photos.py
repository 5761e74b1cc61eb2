"""Photos of a directory's people: shown by whoever makes pictures."""

from dataclasses import dataclass, field
from uuid import UUID

from pegbar.core.data.database import Database
from pegbar.core.hooks import Hook


@dataclass(frozen=True)
class NewPhoto:
    """A photo to show somebody with."""

    db: Database
    person_id: UUID
    content: bytes = field(repr=False)


#: Outside of transactions, since pictures take their time. Raises ApiError for what is no picture.
PHOTO: Hook[NewPhoto] = Hook("a directory has a new photo of somebody")
