"""Names in a text: mentions of people and departments, hashtags of task types. Source: spec tasks, "Parsing the text".

A name counts when nothing that could belong to it follows: the end, a space, punctuation or a new line.
"""

import re
from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")


def named(text: str, mark: str, names: Iterable[tuple[K, str]], *, any_case: bool = False) -> list[K]:
    """The keys of the names that stand in the text after a mark, in the order given; of two names the longer counts."""
    known = [(key, name.lower() if any_case else name) for key, name in names if name]
    if not known or mark not in text:
        return []
    longest_first = sorted({name for _, name in known}, key=len, reverse=True)
    pattern = re.escape(mark) + "(" + "|".join(re.escape(name) for name in longest_first) + r")(?!\w)"
    found = set(re.findall(pattern, text.lower() if any_case else text))
    return [key for key, name in known if name in found]
