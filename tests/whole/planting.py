"""Secrets: a mark of its own in every column of every row, and the productions whose rows hold them.

A mark is a word, a number, a date or an id that stands nowhere else: met in an answer, it tells which column of which
row was shown. New tables and columns are planted by themselves.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Column, Date, Float, Integer, LargeBinary, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.app import load_domains
from pegbar.core.data.schema import choices_of, metadata

#: What any mark looks like, in an answer of any kind.
MARK = re.compile(
    rb"qz[0-9a-z]{4}|71\d{4}17|22\d\d-\d\d-\d\d|5ec2e700-0000-4000-8000-[0-9a-f]{12}"  # words, numbers, dates, ids
)
STUDIO = "studio"
_FIRST_DAY = date(2200, 1, 1)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
#: When hours were spent, people were away and signed in: what paths with a date ask for.
DAY = "2031-01-06"

#: Columns that hold what they must rather than a mark: their values mean something to the server, or are no secret.
PLAIN: dict[str, Any] = {
    "api_event.name": "asset:update",
    "comment.object_type": "Task",
    "chat.object_type": "Entity",
    "metadata_descriptor.entity_type": "Asset",
    "search_filter.list_type": "asset",
    "search_filter.entity_type": "Asset",
    "search_filter_group.list_type": "asset",
    "search_filter_group.entity_type": "Asset",
    "status_automation.entity_type": "asset",
    "custom_action.entity_type": "all",
    "task_type.for_entity": "Asset",
    "task_type.allow_timelog": True,
    "playlist.for_entity": "shot",
    "person.timezone": "Europe/Paris",
    "person.locale": "en_US",
    "person.country": "FR",
    "person.display_date_format": "YYYY-MM-DD",
    "person.active": True,
    "person.expiration_date": None,
    "person.preview_opened_at": None,
    "person.preview_open_until": None,
    "project.production_type": "tvshow",
    "project.fps": "25",
    "project.ratio": "16:9",
    "project.resolution": "1920x1080",
    "project.homepage": "assets",
    "project_template.production_type": "tvshow",
    "project_template.homepage": "assets",
    "project.max_retakes": 0,
    "project_task_type_link.is_client_visible": True,
    "preview_file.extension": "png",
    "preview_file.position": 1,
    "preview_background_file.extension": "hdr",
    "attachment_file.extension": "txt",
    "attachment_file.mimetype": "text/plain",
    "task.difficulty": 3,
    "asset_instance.active": True,
    "budget.currency": "EUR",
    "time_spent.date": DAY,
    "day_off.date": DAY,
    "day_off.end_date": DAY,
    "budget_entry.start_date": DAY,
    "desktop_login_log.date": DAY,
    "organisation.timesheets_locked": False,
    "task_status.is_artist_allowed": True,
    "task_status.is_client_allowed": True,
    "production_schedule_version.canceled": False,
    "subscription.entity_id": None,
    "notification.playlist_id": None,
    "notification.reply_id": None,
    "attachment_file.reply_id": None,
    "attachment_file.chat_message_id": None,
    "comment.preview_file_id": None,
    "comment.shotgun_id": None,
    "person.preview_project_id": None,
    "entity.parent_id": None,
    "entity.source_id": None,
    "entity.preview_file_id": None,
    "output_file.temporal_entity_id": None,
    "asset_instance.target_asset_id": None,
    "production_schedule_version.production_schedule_from": None,
    "project.from_schedule_version_id": None,
    "stored_file.bucket": "files",
    "data_import_error.source": "shotgun",
}
#: Columns of small numbers, whose values are no secret.
_NUMBERING = {"revision", "priority", "sort_order", "completion_rate", "revision_padding", "nb_occurences", "number"}
#: Columns of codes that are no secret and may be too short for a mark.
_CODES = {"color", "short_name", "file_extension", "icon", "currency"}


@dataclass(frozen=True)
class Secret:
    """What a mark stands for: a column (`id` for the row itself) of a row, which `label` tells from others."""

    table: str
    column: str
    place: str  #: the production, or the studio
    label: str
    row: UUID
    part: str = ""  #: of a column that holds several things

    def __str__(self) -> str:
        label = f":{self.label}" if self.label else ""
        part = f"/{self.part}" if self.part else ""
        return f"{self.table}{label}.{self.column}{part} of {self.place}"


class Ink:
    """Makes marks."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def word(self) -> str:
        number, word = 7919 * next(self._numbers) % 36**4, ""
        for _ in range(4):
            number, digit = divmod(number, 36)
            word += _DIGITS[digit]
        return f"qz{word}"

    def number(self) -> int:
        return 71_000_017 + 100 * next(self._numbers)

    def day(self) -> str:
        return (_FIRST_DAY + timedelta(days=next(self._numbers))).isoformat()

    def id(self) -> UUID:
        return UUID(f"5ec2e700-0000-4000-8000-{next(self._numbers):012x}")


class World:
    """Planted rows: their secrets by mark, and their ids by production, table and label."""

    def __init__(self, connection: psycopg.Connection) -> None:
        load_domains()
        self.connection, self.ink = connection, Ink()
        self.secrets: dict[str, Secret] = {}
        self.rows: dict[str, dict[str, dict[str, UUID]]] = defaultdict(lambda: defaultdict(dict))
        self._making: set[str] = set()

    def id(self, place: str, table: str, label: str = "") -> UUID:
        """A planted row."""
        return self.rows[place][table][label]

    def plant(self, place: str, name: str, label: str = "", /, **values: Any) -> UUID:
        """A row of a table with marks in all columns but these; its id."""
        table, row_id = metadata.tables[name], values.pop("id", None) or self.ink.id()
        self._making.add(name)
        row = {"id": row_id} if "id" in table.c else {}
        for column in table.columns:
            if column.name in values:
                row[column.name] = self._marked(values[column.name], table, column, place, label, row_id)
            elif column.name != "id":
                row[column.name] = self._value(table, column, place, label, row_id)
        self._insert(table, row)
        self._making.discard(name)
        self.rows[place][name].setdefault(label, row_id)
        self.secrets[str(row_id)] = Secret(name, "id", place, label, row_id)
        return row_id

    def put(self, place: str, name: str, label: str = "", /, **values: Any) -> UUID:
        """A row of one of Pegbar's own tables, with these columns alone: a mark for each `…`; its id."""
        table, row_id = metadata.tables[f"pegbar.{name}"], self.ink.id()
        marked = {key: self._marked(value, table, table.c[key], place, label, row_id) for key, value in values.items()}
        self._insert(table, {"id": row_id, **marked})
        self.rows[place][name][label] = row_id
        self.secrets[str(row_id)] = Secret(name, "id", place, label, row_id)
        return row_id

    def link(self, name: str, /, **values: Any) -> None:
        """A row of a table of links, without marks."""
        self._insert(metadata.tables[name], values)

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        row = {name: Jsonb(value) if isinstance(value, dict | list) and _is_json(table, name) else value
               for name, value in row.items()}  # fmt: skip
        columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
        known = [name for name in ("created_at", "updated_at") if name in table.c and name not in row]
        columns += "".join(f", {name}" for name in known)
        marks += ", now()" * len(known)
        self.connection.execute(f"INSERT INTO {table.fullname} ({columns}) VALUES ({marks})", list(row.values()))

    def mark(self, kind: str, table: str, column: str, place: str, label: str, row_id: UUID, part: str = "") -> Any:
        """A new mark for a column."""
        value = getattr(self.ink, kind)()
        self.secrets[str(value)] = Secret(table, column, place, label, row_id, part)
        return value

    def forget(self, row_id: UUID) -> None:
        """Marks of a row are no secrets: it is the caller's own."""
        self.secrets = {mark: secret for mark, secret in self.secrets.items() if secret.row != row_id}

    def _marked(self, value: Any, table: Table, column: Any, place: str, label: str, row_id: UUID) -> Any:
        """A given value, in which `…` stands for a mark (`…name` for one of a part with a name)."""
        if isinstance(value, str) and value.startswith("…"):
            return self.mark("word", table.name, column.name, place, label, row_id, value[1:])
        if isinstance(value, dict):
            return {key: self._marked(each, table, column, place, label, row_id) for key, each in value.items()}
        if isinstance(value, list):
            return [self._marked(each, table, column, place, label, row_id) for each in value]
        return str(value) if isinstance(value, UUID) and _is_json(table, column.name) else value

    def _value(self, table: Table, column: Column[Any], place: str, label: str, row_id: UUID) -> Any:
        spelled = f"{table.name}.{column.name}"
        if spelled in PLAIN:
            return PLAIN[spelled]
        for foreign in column.foreign_keys:
            return self._referred(table, column, foreign.column.table, place)
        if column.name in ("created_at", "updated_at"):
            return "2030-06-01"
        if (choices := choices_of(column)) and not isinstance(column.type, ARRAY):
            return column.default.arg if column.default is not None else choices[0]
        kind = _kind(column)
        if kind is None:
            return _unmarked(column)
        value = self.mark(kind, table.name, column.name, place, label, row_id)
        if column.name == "email":
            return f"{value}@example.com"
        if isinstance(column.type, JSONB):
            return {"note": value}
        return value.encode() if isinstance(column.type, LargeBinary) else value

    def _referred(self, table: Table, column: Column[Any], to: Table, place: str) -> UUID | None:
        for where in (place, STUDIO):
            found = self.rows[where].get(to.name)
            if found:
                return next(iter(found.values()))
        if to.name in self._making:
            assert column.nullable, f"{table.name}.{column.name} refers to what is being made"
            return None
        return self.plant(place if "project_id" in to.c else STUDIO, to.name)

    def sweep(self, place: str) -> None:
        """A row of each table that has none yet, if it has to do with a production (or with none, in the studio)."""
        for table in metadata.tables.values():
            missing = table.schema is None and "id" in table.c and table.name not in self.rows[place]
            if missing and (place == STUDIO) != _of_production(table):
                self.plant(place, table.name)


def _is_json(table: Table, name: str) -> bool:
    return isinstance(table.c[name].type, JSONB)


def _kind(column: Any) -> str | None:
    """Which mark a column can hold."""
    kind, name = column.type, column.name
    if isinstance(kind, String):
        return None if name in _CODES or (kind.length or 99) < 6 else "word"
    if isinstance(kind, JSONB | LargeBinary):
        return "word"
    if isinstance(kind, Integer | Float) and not isinstance(kind, Boolean):
        return None if name in _NUMBERING else "number"
    return "day" if isinstance(kind, Date | TIMESTAMP) else None


_short = (f"{number:x}" for number in count(1))


def _unmarked(column: Any) -> Any:
    kind = column.type
    if isinstance(kind, Boolean):
        return bool(column.default.arg) if column.default is not None else False
    if isinstance(kind, Integer | Float):
        return 1
    if isinstance(kind, Uuid | ARRAY):
        return None if column.nullable else []
    assert isinstance(kind, String), column
    return "#123456" if column.name == "color" else next(_short)[: kind.length or 10]


def _of_production(table: Table, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a table's rows belong to productions, by what it refers to."""
    if table.name in ("project", "chat"):
        return True
    if table.name in seen or table.name in ("person", "project_template", "organisation"):
        return False
    referred = (foreign.column.table for column in table.columns for foreign in column.foreign_keys)
    return any(_of_production(to, seen | {table.name}) for to in referred if to is not table)


def marks_in(data: bytes) -> Iterator[str]:
    """The marks of an answer, each once."""
    return iter({found.decode() for found in MARK.findall(data)})
