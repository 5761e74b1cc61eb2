"""Paths made from the templates of a file tree. Pure. Source: spec media, "File tree JSON", Algorithm.

The values of tokens are slugs, so that what is in a path is letters, digits and underscores whatever things are called.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pegbar.core.slugs import slug
from pegbar.files.trees.tree import TOKEN, MalformedTree, Mode, Section, Token, fault_of, read_token

#: What a path says where there is no episode.
NO_EPISODE = "e001"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

#: A thing of the database as the tokens need it: the fields of FIELDS it has, by name.
Thing = Mapping[str, Any]


class NothingThere(Exception):
    """A token stands for something that this entity or task lacks, such as the sequence of a shot without one."""


@dataclass(frozen=True)
class Facts:
    """What the tokens of a template stand for."""

    kind: str  #: of templates: shot, sequence, scene, episode, asset, instance or instance_asset
    project: Thing
    #: The entity, or what the instance sits in; its kind as entities have it ("Shot"), its type, and what is above it.
    entity: Thing
    entity_kind: str
    entity_type: Thing
    parent: Thing | None = None
    grandparent: Thing | None = None
    #: The instance's asset, else the entity; the type is None unless it is an asset.
    asset: Thing = field(default_factory=dict)
    asset_type: Thing | None = None
    instance: Thing | None = None
    task: Thing | None = None
    task_type: Thing | None = None
    department: Thing | None = None
    software: Thing | None = None
    output_type: Thing | None = None
    name: str = ""
    representation: str = ""
    revision: int = 0

    def at(self, revision: int) -> "Facts":
        """The same, of another revision."""
        return replace(self, revision=revision)


@dataclass(frozen=True)
class Path:
    """Where a file lies."""

    folder: str
    name: str

    def full(self, sep: str, extension: str = "") -> str:
        """Folder, name and extension (with its dot, if it has one)."""
        return f"{self.folder}{sep}{self.name}{extension}"


def sequence_name(value: str) -> str:
    """The name of a sequence as paths have it: `Seq1` is S001."""
    return "S" + value[3:].rjust(3, "0") if "Seq" in value else value


def folder_of(tree: Any, mode_name: str, facts: Facts, sep: str = "/") -> str:
    """The folder of a file. Raises MalformedTree, NothingThere."""
    mode = Mode(tree, mode_name)
    root = mode.root(sep)
    template = mode.template("folder_path", facts.kind)
    folder = _rendered(mode, "folder_path", template, facts, lambda text: mode.styled("folder_path", slug(text)))
    return root + folder.replace("/", sep)


def file_name_of(tree: Any, mode_name: str, facts: Facts) -> str:
    """The name of a file, without its extension. Raises MalformedTree, NothingThere."""
    mode = Mode(tree, mode_name)
    template = mode.template("file_name", facts.kind)
    name = _rendered(mode, "file_name", template, facts, slug)
    ids = _UUID.findall(name)
    name = mode.styled("file_name", slug(name))
    for item in ids:
        name = name.replace(mode.styled("file_name", slug(item)), item)
    return name


def path_of(tree: Any, mode_name: str, facts: Facts, sep: str = "/") -> Path:
    """The folder and name of a file. Raises MalformedTree, NothingThere."""
    return Path(folder_of(tree, mode_name, facts, sep), file_name_of(tree, mode_name, facts))


def _rendered(mode: Mode, section: Section, template: str, facts: Facts, write: Callable[[str], str]) -> str:
    """A template with each token replaced by its value; ids as they are, and what has no value by itself."""

    def replacement(match: re.Match[str]) -> str:
        token = read_token(match[1])
        fault = fault_of(token)
        if fault is not None:
            raise MalformedTree(f"{mode.name}/{section}/{facts.kind}/{token.text}: {fault}")
        try:
            value = _VALUES[token.name](facts, token)
        except LookupError:
            place = f"{mode.name}/{section}/{facts.kind}/{token.text}"
            raise MalformedTree(f"{place}: there is no {token.name} where this path is made.") from None
        if value is None:
            return match[0]
        return value if token.field == "id" and token.name not in _TEXTS else write(value)

    return TOKEN.sub(replacement, template)


def _field(thing: Thing, token: Token) -> str | None:
    value = thing[token.field]
    return None if value is None else str(value)


def _task(facts: Facts, token: Token) -> str | None:
    if facts.task is None:
        raise LookupError
    return _field(facts.task, token)


def _department(facts: Facts, token: Token) -> str | None:
    if facts.task_type is None:
        return ""
    if facts.department is None:
        raise NothingThere(f"The task type {facts.task_type['name']} has no department.")
    return _field(facts.department, token)


def _asset_type(facts: Facts, token: Token) -> str | None:
    if facts.asset_type is None:
        raise NothingThere(f"{facts.asset['name']} is no asset: it has no asset type.")
    return _field(facts.asset_type, token)


def _sequence(facts: Facts, token: Token) -> str | None:
    if facts.entity_kind == "Sequence":
        value = _field(facts.entity, token)
    elif facts.entity_kind in ("Shot", "Scene"):
        if facts.parent is None:
            raise NothingThere(f"{facts.entity['name']} has no sequence.")
        value = _field(facts.parent, token)
    else:
        return ""
    return None if value is None else sequence_name(value)


def _episode(facts: Facts, token: Token) -> str | None:
    above = {"Episode": facts.entity, "Sequence": facts.parent, "Shot": facts.grandparent, "Scene": facts.grandparent}
    episode = above.get(facts.entity_kind)
    return NO_EPISODE if episode is None else _field(episode, token)


def _lowered(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _output_type(facts: Facts, token: Token) -> str | None:
    if facts.output_type is None:
        raise LookupError
    value = _field(facts.output_type, token)
    return value if token.field == "id" else _lowered(value)


def _software(facts: Facts, token: Token) -> str | None:
    if facts.software is None:
        raise LookupError
    return _field(facts.software, token)


def _instance(facts: Facts, token: Token) -> str | None:
    if facts.instance is None:
        return ""
    name = facts.instance["name"]
    return name if token.field == "name" and name is not None else f"{facts.instance['number'] or 0:04d}"


def _name(facts: Facts, _: Token) -> str:
    return facts.name


def _revision(facts: Facts, _: Token) -> str:
    return f"{facts.revision:03d}"


#: The tokens that are texts, whatever field is written after them.
_TEXTS = frozenset({"Instance", "Representation", "Name", "OutputFile", "WorkingFile", "Version", "Revision"})
_VALUES: Mapping[str, Callable[[Facts, Token], str | None]] = {
    "Project": lambda facts, token: _field(facts.project, token),
    "Task": _task,
    "TaskType": lambda facts, token: "" if facts.task_type is None else _field(facts.task_type, token),
    "Department": _department,
    "Shot": lambda facts, token: _field(facts.entity, token),
    "Scene": lambda facts, token: _field(facts.entity, token),
    "Asset": lambda facts, token: _field(facts.asset, token),
    "AssetType": _asset_type,
    "Sequence": _sequence,
    "Episode": _episode,
    "TemporalEntity": lambda facts, token: _field(facts.entity, token),
    "TemporalEntityType": lambda facts, token: _lowered(_field(facts.entity_type, token)),
    "Software": _software,
    "OutputType": _output_type,
    "Instance": _instance,
    "Representation": lambda facts, _: facts.representation,
    "Name": _name,
    "OutputFile": _name,
    "WorkingFile": _name,
    "Version": _revision,
    "Revision": _revision,
}
