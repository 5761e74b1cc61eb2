"""What is sent about output files. Source: spec media, "Output files of an entity"."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pegbar.core.data.filters import uuid_filter
from pegbar.core.http.body import Strict

_Separator = Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
_FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
#: As long as their columns.
_Representation = Annotated[str, msgspec.Meta(max_length=20)]
_Extension = Annotated[str, msgspec.Meta(max_length=10)]


class OutputPath(Strict):
    """The output file whose path is asked for."""

    output_type_id: UUID
    task_type_id: UUID
    name: _FileName = "main"
    mode: str = "output"
    revision: int = 0
    extension: str | None = None
    representation: str = ""
    separator: _Separator = "/"


class OutputNames(Strict):
    """The output files of which the next revision is asked for."""

    output_type_id: UUID
    task_type_id: UUID
    name: _FileName = "main"


class NewOutput(Strict):
    """An output file to make; a revision below 1 is the next one, and the person is the caller."""

    output_type_id: UUID
    task_type_id: UUID
    name: _FileName = "main"
    mode: str | None = None
    person_id: UUID | None = None
    working_file_id: str | None = None
    comment: str | None = ""
    revision: int = 0
    extension: _Extension = ""
    representation: _Representation = ""
    nb_elements: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 1
    sep: _Separator = "/"
    file_status_id: UUID | None = None

    @property
    def source_id(self) -> UUID | None:
        """The working file it was made from; what is no id names none."""
        try:
            return UUID(self.working_file_id or "")
        except ValueError:
            return None


class OutputFilter(msgspec.Struct):
    """Which output files of a list."""

    output_type_id: str | None = None
    task_type_id: str | None = None
    file_status_id: str | None = None
    representation: str | None = None
    name: str | None = None

    @property
    def params(self) -> dict[str, UUID | str | None]:
        """The parameters of a statement. Raises BadRequest for an id that is none."""
        ids = ("output_type_id", "task_type_id", "file_status_id")
        values = {name: getattr(self, name) for name in ids}
        chosen: dict[str, UUID | str | None] = {
            name: uuid_filter(text) if text else None for name, text in values.items()
        }
        return {**chosen, "representation": self.representation, "name": self.name}


class InstanceFilter(OutputFilter):
    """The same, and what the instance sits in."""

    temporal_entity_id: str | None = None


class TypeFilter(msgspec.Struct):
    """A representation; an empty one is one too."""

    representation: str | UnsetType = UNSET

    @property
    def chosen(self) -> str | None:
        """None for any."""
        return None if self.representation is UNSET else self.representation
