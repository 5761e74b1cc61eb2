"""What this process logged lately, kept in memory until it is written down for whoever looks after the server.

A line is kept without what it must not tell: values under names that mean a secret, tokens and passwords in texts.
"""

import re
import sys
import traceback
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: Lines that are kept at most, the latest ones; characters of a line, of a value beside it and of a traceback.
MOST_LINES = 1000
_LONGEST, _LONGEST_VALUE, _LONGEST_TRACE = 2000, 300, 6000

#: Names of values that are never kept. `text` is the text of a mail: it may hold a link that sets a password.
_SECRET_NAME = re.compile(r"passw|secret|token|cookie|authoriz|credential|\bkey\b|_key\b|code\b|^text$", re.IGNORECASE)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), "…"),  # a signed token
    (re.compile(r"(://[^/\s:@]*):[^@\s]+@"), r"\1:…@"),  # a password in an address
    (
        re.compile(
            r"""((?:password|passwd|secret|token|authorization|api[_-]?key|access[_-]?key)["']?\s*[:=]\s*)"""
            r"""(?:bearer\s+)?(?:"[^"]*"|'[^']*'|[^\s,;&]+)""",
            re.IGNORECASE,
        ),
        r"\1…",
    ),
    (re.compile(r"\b(bearer)\s+\S+", re.IGNORECASE), r"\1 …"),
)
_OURS = frozenset({"event", "level", "timestamp", "exc_info", "stack_info", "_record", "_from_structlog"})


@dataclass(frozen=True)
class Line:
    """A line of the log."""

    at: datetime  #: UTC
    level: str
    text: str
    values: dict[str, str]
    trace: str


_lines: deque[Line] = deque(maxlen=MOST_LINES)


def without_secrets(text: str) -> str:
    """A text with tokens and passwords in it blotted out."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _values(event: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: without_secrets(str(value))[:_LONGEST_VALUE]
        for name, value in event.items()
        if name not in _OURS and not _SECRET_NAME.search(name)
    }


def _trace(exc_info: Any) -> str:
    """A traceback without the values of variables, its end when it is long."""
    error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
    if not isinstance(error, BaseException):
        return ""
    return without_secrets("".join(traceback.format_exception(error)).rstrip())[-_LONGEST_TRACE:]


def keep(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep a line and pass it on: one of the processors of all logs (logs.py)."""
    _lines.append(
        Line(
            datetime.now(UTC).replace(tzinfo=None),
            str(event.get("level", level)),
            without_secrets(str(event.get("event", "")))[:_LONGEST],
            _values(event),
            _trace(event.get("exc_info")),
        )
    )
    return event


def taken() -> list[Line]:
    """The lines kept since the last time; they are kept no longer."""
    lines: list[Line] = []
    while _lines:
        lines.append(_lines.popleft())
    return lines


def give_back(lines: Sequence[Line]) -> None:
    """Keep lines that could not be written down, the latest that there is room for beside those that came since."""
    room = MOST_LINES - len(_lines)
    _lines.extendleft(reversed(lines[-room:] if room else ()))


def forget() -> None:
    """Keep none of a process that this one was made from."""
    _lines.clear()
