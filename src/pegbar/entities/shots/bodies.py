"""Bodies of the routes of shots, sequences, episodes and scenes. Source: spec shots, "Request bodies"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.core.http.body import Strict

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
#: A whole number, or one written as text.
Whole = int | Annotated[str, msgspec.Meta(pattern=r"^\s*[+-]?\d{1,10}\s*$")]
Metadata = dict[str, Any]


class NewShot(Strict):
    """A shot to make."""

    name: Name
    sequence_id: UUID | None = None
    data: Metadata | None = None
    nb_frames: Whole | None = None
    description: str | None = None


class NewSequence(Strict):
    """A sequence to make."""

    name: Name
    episode_id: UUID | None = None
    description: str | None = ""
    data: Metadata | None = None


class NewEpisode(Strict):
    """An episode to make; a status that does not exist is `running`."""

    name: Name
    status: str | None = "running"
    description: str | None = ""
    data: Metadata | None = None


class NewScene(Strict):
    """A scene to make."""

    name: Name
    sequence_id: UUID | None = None


class ShotChanges(Strict):
    """What is checked of a changed shot before its columns are."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    data: Metadata | msgspec.UnsetType | None = msgspec.UNSET
    nb_frames: Whole | msgspec.UnsetType | None = msgspec.UNSET
    parent_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    canceled: bool | str | int | msgspec.UnsetType = msgspec.UNSET


class LinkedShot(Strict):
    """The shot to link to a scene."""

    shot_id: UUID
