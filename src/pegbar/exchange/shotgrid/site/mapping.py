"""What becomes what: statuses, pipeline steps and fields of a ShotGrid site.

There is a default for each; a mapping file in TOML says otherwise. `--write-mapping` writes one with all that the site
has, so that nobody has to type a name. Source: docs/shotgrid.md.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pegbar.exchange.shotgrid.site.client import Row, SiteError

#: Kinds of rows whose own fields become columns of a production's boards, and the kind of entity that has them here.
WITH_FIELDS = ("Asset", "Shot", "Sequence", "Episode")
#: Kinds of rows that tasks hang on.
TASK_HOLDERS = ("Asset", "Shot", "Sequence", "Episode", "Scene")

#: ShotGrid's own statuses, by code, and the short names of those here that mean the same.
_STATUSES = {
    "wtg": "todo",
    "opn": "todo",
    "rdy": "ready",
    "ip": "wip",
    "actv": "wip",
    "rev": "wfa",
    "kick": "retake",
    "kickbk": "retake",
    "fin": "done",
    "apr": "done",
    "cmpt": "done",
    "clsd": "done",
}
#: Usual steps of each kind, in lowercase, and the task types here that are the same work.
_STEPS = {
    "Asset": {
        "art": "Concept",
        "design": "Concept",
        "concept art": "Concept",
        "model": "Modeling",
        "modelling": "Modeling",
        "rig": "Rigging",
        "surface": "Shading",
        "surfacing": "Shading",
        "lookdev": "Shading",
        "look dev": "Shading",
        "texture": "Shading",
    },
    "Shot": {
        "story": "Storyboard",
        "boards": "Storyboard",
        "lay": "Layout",
        "anm": "Animation",
        "anim": "Animation",
        "light": "Lighting",
        "lgt": "Lighting",
        "effects": "FX",
        "comp": "Compositing",
        "render": "Rendering",
        "roto": "Roto",
    },
}
# fmt: off
#: Fields that have a place of their own here, or none.
_NOT_COLUMNS = frozenset({
    "sg_sequence", "sg_scene", "sg_scenes", "sg_episode", "sg_cut_in", "sg_cut_out", "sg_cut_duration",
    "sg_status_list", "sg_asset_type", "sg_shot_type", "sg_latest_version", "sg_versions", "sg_uploaded_movie",
    "sg_tasks", "sg_published_files",
})
# fmt: on
#: How the kinds of ShotGrid's fields are entered here.
DATA_TYPES = {
    "text": "string",
    "number": "number",
    "float": "number",
    "percent": "number",
    "duration": "number",
    "currency": "number",
    "footage": "string",
    "timecode": "number",
    "list": "list",
    "status_list": "list",
    "checkbox": "boolean",
    "date": "date",
    "date_time": "string",
    "url": "url",
    "entity": "string",
    "multi_entity": "string",
    "tag_list": "string",
}
_LONGEST = {"statuses": 10, "steps": 40, "fields": 120}


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """A mapping file."""

    statuses: dict[str, str] = {}
    steps: dict[str, dict[str, str]] = {}
    fields: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Column:
    """A field that becomes a column of the boards."""

    field: str  #: in ShotGrid
    key: str  #: of its values here
    name: str
    data_type: str
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """What a site has that can be mapped."""

    statuses: Sequence[Row]
    steps: Sequence[Row]
    #: Of each kind of row, its fields (`Site.fields`).
    fields: Mapping[str, Mapping[str, Row]]

    @property
    def task_statuses(self) -> list[Row]:
        """The statuses that tasks may have."""
        listed = (self.fields.get("Task", {}).get("sg_status_list") or {}).get("values")
        return [row for row in self.statuses if not listed or row["code"] in listed]


@dataclass(frozen=True)
class SiteMapping:
    """What becomes what on one site."""

    #: The short name of the status, by its code in ShotGrid.
    statuses: Mapping[str, str]
    #: The task type of a step, by its id; of several steps for one task type the first stands for all.
    task_types: Mapping[int, str]
    #: The step that stands for a step. One that is left out has none.
    stands_for: Mapping[int, int]
    columns: Mapping[str, Sequence[Column]]
    #: What it was made of: when that changes, everything is compared again.
    digest: str = field(default="")


def read(path: Path) -> Document:
    """A mapping file. Raises SiteError naming what is wrong with it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Document)
    except OSError as error:
        raise SiteError(f"--mapping: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SiteError(f"--mapping: {path} is no mapping file: {error}") from None


def mapped(site: Contents, document: Document | None = None) -> SiteMapping:
    """The mapping of a site: what the file says, and the defaults for all else.

    Raises SiteError for a file that names what the site does not have.
    """
    document = document or Document()
    _check(site, document)
    statuses = {row["code"]: _status(row, document) for row in site.task_statuses}
    steps = {row["id"]: name for row in site.steps if (name := _task_type(row, document))}
    first: dict[tuple[str, str], int] = {}
    stands_for = {}
    for row in sorted(site.steps, key=lambda row: row["id"]):
        if row["id"] in steps:
            work = (row.get("entity_type") or "Asset", steps[row["id"]].lower())
            stands_for[row["id"]] = first.setdefault(work, row["id"])
    columns = {kind: list(_columns(kind, site.fields.get(kind, {}), document)) for kind in WITH_FIELDS}
    facts = [statuses, steps, {kind: [vars(column) for column in columns[kind]] for kind in WITH_FIELDS}]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:40]
    return SiteMapping(statuses, steps, stands_for, columns, digest)


def _status(row: Row, document: Document) -> str:
    code: str = row["code"]
    default = _STATUSES.get(code) or code[: _LONGEST["statuses"]]
    return document.statuses.get(code, default)


def _task_type(row: Row, document: Document) -> str:
    """The name of the task type of a step; empty when it is left out."""
    kind, code = row.get("entity_type") or "Asset", row["code"]
    if kind not in TASK_HOLDERS:
        return ""
    default: str = _STEPS.get(kind, {}).get(code.lower()) or code[: _LONGEST["steps"]]
    return document.steps.get(kind, {}).get(code, default)


def _column_name(kind: str, name: str, about: Row, document: Document) -> str:
    """The name of the column of a field; empty when it has none."""
    is_own = name.startswith("sg_") and name not in _NOT_COLUMNS and about["kind"] in DATA_TYPES
    default = about["label"][: _LONGEST["fields"]] if is_own else ""
    return document.fields.get(kind, {}).get(name, default)


def _columns(kind: str, fields: Mapping[str, Row], document: Document) -> Iterator[Column]:
    names: set[str] = set()
    for field_name, about in sorted(fields.items()):
        name = _column_name(kind, field_name, about, document)
        if not name:
            continue
        if name.lower() in names:
            name = f"{name[:80]} ({field_name[:35]})"
        names.add(name.lower())
        key = field_name if field_name.startswith("sg_") else f"sg_{field_name}"
        data_type = DATA_TYPES.get(about["kind"], "string")
        choices = [str(value) for value in about["values"]] if data_type == "list" else []
        yield Column(field_name, key, name, data_type, choices)


def _check(site: Contents, document: Document) -> None:
    steps = {(row.get("entity_type") or "Asset", row["code"]) for row in site.steps}
    codes = {row["code"] for row in site.statuses}
    wrong = [f"statuses.{code}: the site has no such status" for code in document.statuses if code not in codes]
    wrong += [f"statuses.{code}: a status cannot be left out" for code, name in document.statuses.items() if not name]
    for kind, names in document.steps.items():
        wrong += [f"steps.{kind}.{code}: the site has no such step" for code in names if (kind, code) not in steps]
    for kind, names in document.fields.items():
        known = site.fields.get(kind, {}) if kind in WITH_FIELDS else {}
        wrong += [f"fields.{kind}.{name}: the site has no such field" for name in names if name not in known]
    named = {"statuses": [document.statuses], "steps": document.steps.values(), "fields": document.fields.values()}
    for section, tables in named.items():
        most = _LONGEST[section]
        long = [name for names in tables for name in names.values() if len(name) > most]
        wrong += [f"{section}: {name!r} is longer than {most} characters" for name in long]
    if wrong:
        raise SiteError("--mapping: " + "; ".join(wrong[:10]))


# Writing one

_HEAD = """\
# What becomes what when this ShotGrid site is imported: pegbar import shotgrid --mapping {file}
# Left is ShotGrid, right is Pegbar. Lines that are as you want them may go: this is what happens without them.
"""
_STATUSES_HEAD = """\

# Code of a status = short name of the status here. What is not here yet is made, with ShotGrid's name and colour.
[statuses]
"""
_STEPS_HEAD = """
# Pipeline step = task type. What is not here yet is made. Several steps may become one task type; "" leaves out a step
# with its tasks.
"""
_FIELDS_HEAD = """
# Field = name of the column on the boards. "" leaves it out.
"""


def written(site: Contents, file: str) -> str:
    """A mapping file with all that a site has, as it is mapped without one."""
    empty = Document()
    lines = [_HEAD.format(file=file), _STATUSES_HEAD]
    lines += [_line(row["code"], _status(row, empty), row.get("name")) for row in site.task_statuses]
    lines.append(_STEPS_HEAD)
    for kind in TASK_HOLDERS:
        of_kind = [row for row in site.steps if (row.get("entity_type") or "Asset") == kind]
        lines += [f"[steps.{kind}]\n"] if of_kind else []
        lines += [_line(row["code"], _task_type(row, empty)) for row in of_kind]
    lines.append(_FIELDS_HEAD)
    for kind in WITH_FIELDS:
        fields = {
            name: about
            for name, about in sorted(site.fields.get(kind, {}).items())
            if about["kind"] in DATA_TYPES and name.startswith("sg_") and name not in _NOT_COLUMNS
        }
        lines += [f"[fields.{kind}]\n"] if fields else []
        lines += [_line(name, _column_name(kind, name, about, empty), about["kind"]) for name, about in fields.items()]
    return "".join(lines)


def _line(key: str, value: str, remark: Any = None) -> str:
    text = " ".join(str(remark).split()) if remark else ""
    return f"{_text(key)} = {_text(value)}{f'  # {text}' if text.isprintable() and text else ''}\n"


def _text(value: str) -> str:
    """A text as TOML writes it: like JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
