"""What is sent about working files. Source: spec media, "Working files"."""

from typing import Annotated
from uuid import UUID

import msgspec

from pegbar.core.http.body import Strict

Separator = Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]


class WorkingPath(Strict):
    """The working file whose path is asked for; revision 0 is the next one."""

    name: str = "main"
    mode: str = "working"
    software_id: UUID | None = None
    comment: str | None = None
    revision: int = 0
    sep: Separator = "/"


class NewWorkingFile(Strict):
    """A working file to make; revision 0 is the next one, and the person is the caller."""

    name: FileName
    description: str | None = None
    mode: str = "working"
    comment: str | None = ""
    person_id: UUID | None = None
    software_id: UUID | None = None
    revision: int = 0
    sep: Separator = "/"


class NewComment(Strict):
    """What is said about a working file."""

    comment: Annotated[str, msgspec.Meta(min_length=1)]


class WorkingFilter(msgspec.Struct):
    """Which working files of an entity."""

    task_id: str | None = None
    name: str | None = None
    relations: bool = False
