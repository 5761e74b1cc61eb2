r"""How clips are named after shots. Pure. Source: spec exchange, "EDL / OTIO import", Naming.

A convention is a regular expression with placeholders, `${project_name}_${sequence_name}-${shot_name}(_v\d+)?`. Only
the confined reader runs it: patterns may be made to take for ever.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

NAMES = ("project_name", "episode_name", "sequence_name", "shot_name")
_NEEDED = ("sequence_name", "shot_name")
IN_PROJECT = "${project_name}_${sequence_name}-${shot_name}"
IN_EPISODE = "${project_name}_${episode_name}-${sequence_name}-${shot_name}"
_LONGEST = 500
#: What XML cannot hold, and whatever is no character of a name elsewhere either.
_UNWRITABLE = re.compile("[^\t-\r\x1c- !-~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLACEHOLDER = re.compile(r"\$(?:\{([^{}]*)\}|([a-z_]+))")


class WrongConvention(ValueError):
    """A convention that names no shots."""


@dataclass(frozen=True)
class Convention:
    """A convention that was checked: it has the placeholders that name a shot and no other ones."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > _LONGEST:
            raise WrongConvention(f"it has more than {_LONGEST} characters")
        names = [braced or bare for braced, bare in _PLACEHOLDER.findall(self.text)]
        for name in names:
            if name not in NAMES:
                raise WrongConvention(f"${{{name[:40]}}} is none of {', '.join(f'${{{known}}}' for known in NAMES)}")
        for name in _NEEDED:
            if name not in names:
                raise WrongConvention(f"it has no ${{{name}}}, so that clips tell no shot")

    def filled(self, names: Mapping[str, str]) -> str:
        """The name of a clip of a shot: the text with these in place of the placeholders."""
        return _PLACEHOLDER.sub(lambda match: names.get(match[1] or match[2], ""), self.text)

    def pattern(self, names: Mapping[str, str]) -> str:
        """The regular expression, with a group by the name of each placeholder: word characters, or the name itself.

        `names` are those that are known, as of the production, which may hold spaces.
        """
        grouped: set[str] = set()

        def group(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name in grouped:
                return f"(?P={name})"
            grouped.add(name)
            known = re.escape(plain(names.get(name, "")))
            return rf"(?P<{name}>\w*|{known})" if known else rf"(?P<{name}>\w*)"

        return _PLACEHOLDER.sub(group, self.text)


def plain(name: str) -> str:
    """A name as every format can hold it: in one line, without control characters, with composed characters."""
    return " ".join(_UNWRITABLE.sub("", unicodedata.normalize("NFC", name)).split())


def key(name: str, *, match_case: bool) -> str:
    """What two names have in common that are the same: the way characters are composed and spaced does not count."""
    return plain(name) if match_case else plain(name).casefold()


def without_extension(name: str) -> str:
    """A name without what follows its last dot, which is not its first character."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem.strip(".") else name
