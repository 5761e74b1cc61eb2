"""Settings as they are declared (`pegbar.config` declares them): read from an environment, described on a page."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")

TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
FALSE = frozenset({"n", "no", "f", "false", "off", "0"})


class InvalidSetting(ValueError):
    """An environment variable holds something its setting cannot take."""


def setting(default: Any, env: str, text: str, *, section: str, **limits: Any) -> Any:
    """Declare a setting; `env` may hold several names separated by spaces, the first one set wins.

    Limits: `choices`, `least`, `most` and `unsupported` values. A list has its `separator`, a semicolon unless given.
    """
    metadata = {"env": tuple(env.split()), "help": text, "section": section, **limits}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _parse(text: str, kind: Any, env: str, separator: str) -> Any:
    if kind is bool:
        if text.lower() in TRUE | FALSE:
            return text.lower() in TRUE
        raise InvalidSetting(
            f"{env}={text!r} is neither true nor false (use one of true, false, yes, no, on, off, 1, 0)"
        )
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise InvalidSetting(f"{env}={text!r} is not a number") from None
    if kind == list[str]:
        return [part.strip() for part in text.split(separator) if part.strip()]
    return kind(text)


def _check(value: Any, limits: Mapping[str, Any], env: str) -> Any:
    """The value within its setting's limits, or InvalidSetting saying them."""
    if "choices" in limits:
        value = value.lower()
        if value not in limits["choices"]:
            raise InvalidSetting(f"{env}={value!r} is not one of {', '.join(limits['choices'])}")
    if value in limits.get("unsupported", ()):
        raise InvalidSetting(f"{env}={str(value).lower()} is not supported")
    if "least" in limits and value < limits["least"]:
        raise InvalidSetting(f"{env}={value} is below {limits['least']}")
    if "most" in limits and value > limits["most"]:
        raise InvalidSetting(f"{env}={value} is above {limits['most']}")
    return value


def read(settings: type[S], environment: Mapping[str, str]) -> S:
    """The settings that an environment describes. Raises InvalidSetting naming the variable and its value."""
    kinds, values = get_type_hints(settings), {}
    for declared in fields(settings):
        limits = declared.metadata
        for env in limits["env"]:
            if text := environment.get(env, ""):
                value = _parse(text, kinds[declared.name], env, limits.get("separator", ";"))
                values[declared.name] = _check(value, limits, env)
                break
    return settings(**values)


#: Not a setting: how a command tells its processes which variables it set itself, and from what.
_SET_BY_COMMANDS = "PEGBAR_SET_BY_COMMANDS"


def note_origin(environment: MutableMapping[str, str], variable: str, origin: str) -> None:
    """Take note of where the value of a variable came from, when a command sets it for the processes it starts."""
    noted = _origins(environment) | {variable: origin}
    environment[_SET_BY_COMMANDS] = ";".join(f"{name}={text}" for name, text in noted.items())


def _origins(environment: Mapping[str, str]) -> dict[str, str]:
    pairs = (part.partition("=") for part in environment.get(_SET_BY_COMMANDS, "").split(";"))
    return {name: origin for name, _, origin in pairs if origin}


def _origin(variables: Sequence[str], environment: Mapping[str, str]) -> str:
    variable = next((name for name in variables if environment.get(name)), None)
    return "default" if variable is None else _origins(environment).get(variable, f"environment: {variable}")


@dataclass(frozen=True)
class Description:
    """A setting as it is documented."""

    variables: tuple[str, ...]
    kind: str
    default: str
    value: str
    help: str
    secret: bool
    origin: str  #: where the value comes from

    @property
    def masked(self) -> str:
        """The value as it may be shown."""
        return "••••" if self.secret and self.value else _PASSWORD.sub(r"\1:••••@", self.value)


_KINDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", list[str]: "list"}
#: A password in an address.
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^@\s]+@")
_SECRET = ("PASSWORD", "SECRET", "TOKEN", "DATABASE_URL", "_KEY")


def _shown(value: Any, kind: Any) -> str:
    if kind is bool:
        return str(value).lower()
    return ";".join(value) if isinstance(value, list) else str(value)


def described(
    current: "DataclassInstance", environment: Mapping[str, str] | None = None
) -> dict[str, list[Description]]:
    """Every setting by section, with its value in `current`, which was read from an environment."""
    kinds, fresh = get_type_hints(type(current)), type(current)()
    sections: dict[str, list[Description]] = {}
    for declared in fields(current):
        kind, limits = kinds[declared.name], declared.metadata
        choices = " or ".join(limits["choices"]) if "choices" in limits else ""
        sections.setdefault(limits["section"], []).append(
            Description(
                variables=limits["env"],
                kind=choices or _KINDS[kind],
                default=_shown(getattr(fresh, declared.name), kind),
                value=_shown(getattr(current, declared.name), kind),
                help=limits["help"],
                secret=any(word in limits["env"][0] for word in _SECRET) and kind is str,
                origin=_origin(limits["env"], environment or {}),
            )
        )
    return sections


def page(introduction: str, sections: Mapping[str, Sequence[Description]]) -> str:
    """The page of the settings, as Markdown: a table a section."""
    lines = [introduction]
    for section, rows in sections.items():
        lines += [f"## {section}", "", "| Variable | Default | Type | Meaning |", "|---|---|---|---|"]
        for row in rows:
            names = "<br>".join(f"`{name}`" for name in row.variables)
            default = f"`{row.default}`" if row.default else ""
            lines.append(f"| {names} | {default} | {row.kind} | {row.help.replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines)
