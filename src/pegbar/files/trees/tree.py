"""What a file tree holds, read and checked. Source: spec media, "File tree JSON".

    {"<mode>": {"mountpoint": str, "root": str,
                "folder_path": {"<kind>": template, "style": str},
                "file_name": {"<kind>": template, "style": str}}}

A template is text with tokens, `<Token>` or `<Token.field>`. A place in a tree is written with slashes, such as
`working/folder_path/shot/<Shto>`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Section = Literal["folder_path", "file_name"]
SECTIONS: tuple[Section, ...] = ("folder_path", "file_name")
KINDS = ("shot", "sequence", "scene", "episode", "asset", "instance", "instance_asset")
TOKEN = re.compile(r"<([\w.]*)>")

_NAMED = frozenset({"name", "id"})
_SHORT = _NAMED | {"short_name"}
_ANY = _SHORT | {"number"}
#: The tokens, and the fields that what they stand for has. A field that is none of these four means the name.
FIELDS: Mapping[str, frozenset[str]] = {
    "Project": _NAMED,
    "Task": _NAMED,
    "TaskType": _SHORT,
    "Department": _NAMED,
    "Shot": _NAMED,
    "Scene": _NAMED,
    "Asset": _NAMED,
    "AssetType": _SHORT,
    "Sequence": _NAMED,
    "Episode": _NAMED,
    "TemporalEntity": _NAMED,
    "TemporalEntityType": _SHORT,
    "Software": _SHORT,
    "OutputType": _SHORT,
    "Instance": _ANY,
    "Representation": _ANY,
    "Name": _ANY,
    "OutputFile": _ANY,
    "WorkingFile": _ANY,
    "Version": _ANY,
    "Revision": _ANY,
}


class MalformedTree(Exception):
    """A tree from which a path cannot be made; the message names the place in it."""


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place of a tree."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


@dataclass(frozen=True)
class Token:
    """A token of a template."""

    name: str
    field: str

    @property
    def text(self) -> str:
        """As a problem names it."""
        return f"<{self.name}>" if self.field == "name" else f"<{self.name}.{self.field}>"


def read_token(inside: str) -> Token:
    """The token written between two angle brackets."""
    name, _, field = inside.partition(".")
    return Token(name, field if field in _ANY else "name")


def fault_of(token: Token) -> str | None:
    """What is wrong with a token wherever it stands; None when nothing is."""
    fields = FIELDS.get(token.name)
    if fields is None:
        return f"Unknown data type: {token.name}. Known are {', '.join(FIELDS)}."
    if token.field not in fields:
        return f"{token.name} has no {token.field}, it has {', '.join(sorted(fields))}."
    return None


def tokens_of(template: str) -> list[Token]:
    """The tokens of a template, in their order."""
    return [read_token(match[1]) for match in TOKEN.finditer(template)]


def modes_of(tree: Any) -> list[str]:
    """The names of the modes of a tree. Raises MalformedTree."""
    if tree is None:
        raise MalformedTree("No tree can be found for this production: set its file_tree.")
    if not isinstance(tree, dict):
        raise MalformedTree("The file tree of this production is no JSON object.")
    return list(tree)


class Mode:
    """One mode of a tree, checked as far as it is used. Raises MalformedTree."""

    def __init__(self, tree: Any, name: str) -> None:
        if name not in modes_of(tree):
            raise MalformedTree(f"Mode {name} cannot be found in the file tree; it has {', '.join(tree) or 'none'}.")
        self.name = name
        self._parts = tree[name]
        if not isinstance(self._parts, dict):
            raise MalformedTree(f"{name}: a mode is a JSON object.")

    def root(self, sep: str) -> str:
        """Where all paths of the mode start, with the separator after it."""
        mountpoint, root = self._text("mountpoint"), self._text("root")
        return f"{mountpoint}{sep}{root}{sep}" if root else f"{mountpoint}{sep}"

    def _text(self, key: str) -> str:
        if key not in self._parts:
            raise MalformedTree(f"{self.name}/{key}: Can't find given mode's {key}.")
        value = self._parts[key]
        if not isinstance(value, str):
            raise MalformedTree(f"{self.name}/{key}: a text is needed here.")
        return value

    def section(self, section: Section) -> dict[str, Any]:
        """The templates of folders or of file names."""
        templates = self._parts.get(section)
        if not isinstance(templates, dict):
            raise MalformedTree(f"{self.name}/{section}: there is no such JSON object.")
        return templates

    def template(self, section: Section, kind: str) -> str:
        """The template of a kind."""
        template = self.section(section).get(kind)
        if template is None:
            raise MalformedTree(f"{self.name}/{section}/{kind}: there is no template for this kind.")
        if not isinstance(template, str):
            raise MalformedTree(f"{self.name}/{section}/{kind}: a template is a text.")
        return template

    def kinds(self) -> list[str]:
        """The kinds that have a template for their folders."""
        return [kind for kind, template in self.section("folder_path").items() if kind != "style" and template]

    def styled(self, section: Section, text: str) -> str:
        """A text in the style of a section."""
        style = self.section(section).get("style")
        if style == "uppercase":
            return text.upper()
        return text.lower() if style == "lowercase" else text


def check(tree: Any) -> list[Problem]:
    """All that is wrong with a tree; nothing when every template of it can make a path."""
    if not isinstance(tree, dict):
        return [Problem("", "A file tree is a JSON object whose keys are modes.")]
    if not tree:
        return [Problem("", "The tree has no mode; clients use working, output and preview.")]
    return [problem for mode, parts in tree.items() for problem in _check_mode(mode, parts)]


def _check_mode(mode: str, parts: Any) -> Iterator[Problem]:
    if not isinstance(parts, dict):
        yield Problem(mode, "A mode is a JSON object.")
        return
    for key in ("mountpoint", "root"):
        if not isinstance(parts.get(key), str):
            yield Problem(f"{mode}/{key}", "A text is needed here.")
    for section in SECTIONS:
        templates = parts.get(section)
        if not isinstance(templates, dict):
            yield Problem(f"{mode}/{section}", "A JSON object of templates by kind is needed here.")
            continue
        for kind, template in templates.items():
            yield from _check_template(f"{mode}/{section}/{kind}", kind, template)
    yield from _check_pairs(mode, parts)


def _check_template(place: str, kind: str, template: Any) -> Iterator[Problem]:
    if not isinstance(template, str):
        yield Problem(place, "A text is needed here.")
        return
    if kind == "style":
        return
    if kind not in KINDS:
        yield Problem(place, f"There is no such kind; the kinds are {', '.join(KINDS)}.")
    for token in tokens_of(template):
        fault = fault_of(token)
        if fault is not None:
            yield Problem(f"{place}/{token.text}", fault)


def _check_pairs(mode: str, parts: dict[str, Any]) -> Iterator[Problem]:
    """A kind needs both a folder and a file name."""
    folders, names = (parts.get(section) for section in SECTIONS)
    if isinstance(folders, dict) and isinstance(names, dict):
        for kind in (kind for kind in KINDS if (kind in folders) != (kind in names)):
            lacking = "file_name" if kind in folders else "folder_path"
            yield Problem(f"{mode}/{lacking}/{kind}", "There is no template for this kind, which has the other one.")
