"""What a path is about, by the templates of a file tree. Pure. Source: spec media, guess-from-path.

From "Worth fixing": names are compared by their slugs, which is what paths are made of. A folder that is made of one
plain token, with text around it or not, is understood; other folders must be the same as in the template.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pegbar.core.slugs import slug
from pegbar.files.trees.rendering import NO_EPISODE, sequence_name
from pegbar.files.trees.tree import TOKEN, Mode, modes_of


@dataclass(frozen=True)
class Match:
    """A template that a path fits: its kind, and the value of each token in the order of the template."""

    kind: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """Something that a token may stand for."""

    id: str
    name: str
    type_id: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True)
class Tasked:
    """A task, as a path may name it."""

    id: str
    name: str
    entity_id: str
    task_type_id: str


@dataclass(frozen=True)
class Catalogue:
    """What there is to find: the studio's types, and what is in the production."""

    project: Row
    entity_types: list[Row] = field(default_factory=list)
    task_types: list[Row] = field(default_factory=list)
    departments: list[Row] = field(default_factory=list)
    output_types: list[Row] = field(default_factory=list)
    #: By kind: Asset, Shot, Sequence, Scene, Episode; and all of them for TemporalEntity.
    entities: Mapping[str, list[Row]] = field(default_factory=dict)
    tasks: list[Tasked] = field(default_factory=list)


def matches(tree: Any, path: str, sep: str) -> Iterator[Match]:
    """The templates that a path fits, mode by mode. Raises MalformedTree."""
    for mode_name in modes_of(tree):
        mode = Mode(tree, mode_name)
        styled = mode.styled("folder_path", path)
        root = mode.styled("folder_path", mode.root(sep))
        if not styled.startswith(root):
            continue
        folders = styled[len(root) :].split(sep)
        for kind in mode.kinds():
            template = mode.template("folder_path", kind)
            values = _values(template, folders, lambda text, mode=mode: mode.styled("folder_path", text))  # type: ignore[misc]
            if values:
                yield Match(kind, values)


def _values(template: str, folders: list[str], styled: Callable[[str], str]) -> dict[str, str] | None:
    """The value of each token; None when a folder is not as the template has it."""
    values: dict[str, str] = {}
    for pattern, folder in zip(template.split("/"), folders, strict=False):
        tokens = [token for token in TOKEN.finditer(pattern) if "." not in token[1]]
        if len(tokens) != 1:
            if styled(pattern) != folder:
                return None
            continue
        prefix, suffix = styled(pattern[: tokens[0].start()]), styled(pattern[tokens[0].end() :])
        if len(folder) < len(prefix) + len(suffix) or not (folder.startswith(prefix) and folder.endswith(suffix)):
            return None
        value = folder[len(prefix) : len(folder) - len(suffix)].replace("_", " ")
        values.setdefault(tokens[0][1], value)
    return values


def resolved(match: Match, catalogue: Catalogue) -> dict[str, str]:
    """`{"Template": kind, "<Token>": id or value}`: tokens from the left, as far as each is known."""
    known: dict[str, str] = {}
    for name, value in match.values.items():
        resolve = _RESOLVERS.get(name)
        result = None if resolve is None else resolve(catalogue, known, value)
        if result is None:
            if name == "Episode" and slug(value) == NO_EPISODE and "Project" in known:
                continue  # what paths say where there is no episode
            break
        known[name] = result
    return {"Template": match.kind, **known}


Resolver = Callable[[Catalogue, Mapping[str, str], str], str | None]


def _named(rows: list[Row], value: str, written: Callable[[str], str] = str) -> str | None:
    """The id of the first row whose name makes this value."""
    wanted = slug(value)
    return next((row.id for row in rows if slug(written(row.name)) == wanted), None)


def _entity(catalogue: Catalogue, kind: str, known: Mapping[str, str], value: str, *, below: str = "") -> str | None:
    """An entity of a kind in the production, below what a token before it stands for."""
    if "Project" not in known:
        return None
    rows = catalogue.entities.get(kind, [])
    if below in known:
        rows = [row for row in rows if row.parent_id == known[below]]
    return _named(rows, value, sequence_name if kind == "Sequence" else str)


def _typed(catalogue: Catalogue, kind: str, known: Mapping[str, str], of_type: str, value: str) -> str | None:
    if "Project" not in known or of_type not in known:
        return None
    rows = [row for row in catalogue.entities.get(kind, []) if row.type_id == known[of_type]]
    return _named(rows, value)


def _shot(catalogue: Catalogue, known: Mapping[str, str], value: str) -> str | None:
    return _entity(catalogue, "Shot", known, value, below="Sequence") if "Sequence" in known else None


def _task(catalogue: Catalogue, known: Mapping[str, str], value: str) -> str | None:
    subject = known.get("Shot") or known.get("Scene") or known.get("Asset")
    if subject is None or "Project" not in known or "TaskType" not in known:
        return None
    wanted = slug(value)
    for task in catalogue.tasks:
        if (task.entity_id, task.task_type_id) == (subject, known["TaskType"]) and slug(task.name) == wanted:
            return task.id
    return None


def _version(_: Catalogue, __: Mapping[str, str], value: str) -> str | None:
    return str(int(value)) if value.isascii() and value.isdigit() and int(value) else None


_RESOLVERS: Mapping[str, Resolver] = {
    "Project": lambda catalogue, _, value: _named([catalogue.project], value),
    "AssetType": lambda catalogue, _, value: _named(catalogue.entity_types, value),
    "TemporalEntityType": lambda catalogue, _, value: _named(catalogue.entity_types, value, str.lower),
    "TaskType": lambda catalogue, _, value: _named(catalogue.task_types, value),
    "Department": lambda catalogue, _, value: _named(catalogue.departments, value),
    "OutputType": lambda catalogue, _, value: _named(catalogue.output_types, value, str.lower),
    "Asset": lambda catalogue, known, value: _typed(catalogue, "Asset", known, "AssetType", value),
    "TemporalEntity": lambda catalogue, known, value: _typed(catalogue, "all", known, "TemporalEntityType", value),
    "Episode": lambda catalogue, known, value: _entity(catalogue, "Episode", known, value),
    "Sequence": lambda catalogue, known, value: _entity(catalogue, "Sequence", known, value, below="Episode"),
    "Scene": lambda catalogue, known, value: _entity(catalogue, "Scene", known, value, below="Sequence"),
    "Shot": _shot,
    "Task": _task,
    "Name": lambda _, __, value: value,
    "Representation": lambda _, __, value: value,
    "Version": _version,
}
