"""References in an operation of a batch to what came of earlier ones.

A text that is wholly `$N` or `$N.key.key…` stands for the answer of operation N (from 0), or for a part of it: keys of
objects, and places (from 0) of lists. It may be any value of the body, a segment of the path, or a value of the query
string. A text that begins with `$$` stands for itself without the first `$`. All other texts stand for themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pegbar.core.errors import BadRequest

_REFERENCE = re.compile(r"\$(\d{1,4})((?:\.[^.]+)*)", re.DOTALL)

#: Tells the answer of an earlier operation.
Answers = Callable[[int], Any]


def resolved(value: Any, answers: Answers) -> Any:
    """A value of a body with what its references stand for. Raises BadRequest for one that stands for nothing."""
    if isinstance(value, str):
        return _text(value, answers)
    if isinstance(value, list):
        return [resolved(item, answers) for item in value]
    if isinstance(value, Mapping):
        return {key: resolved(item, answers) for key, item in value.items()}
    return value


def resolved_path(path: str, answers: Answers) -> str:
    """A path, with or without a query string, likewise: what a reference stands for is one segment or value."""
    if "$" not in path:
        return path
    address, mark, query = path.partition("?")
    segments = [_word(segment, unquote(segment), answers, safe="") for segment in address.split("/")]
    if "$" in query:
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, _word(value, value, answers, safe=None)) for name, value in pairs])
    return "/".join(segments) + mark + query


def numbers(value: Any) -> Iterator[int]:
    """The operations to whose answers a value of a body refers."""
    if isinstance(value, str):
        if match := _REFERENCE.fullmatch(value):
            yield int(match[1])
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from numbers(item)


def numbers_of_path(path: str) -> Iterator[int]:
    """The operations to whose answers a path refers."""
    if "$" in path:
        address, _, query = path.partition("?")
        for segment in address.split("/"):
            yield from numbers(unquote(segment))
        for _, value in parse_qsl(query, keep_blank_values=True):
            yield from numbers(value)


def _text(text: str, answers: Answers) -> Any:
    if not text.startswith("$"):
        return text
    if text.startswith("$$"):
        return text[1:]
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return text
    value = answers(int(match[1]))
    for key in match[2].split(".")[1:]:
        value = _part(value, key, text)
    return value


def _part(value: Any, key: str, reference: str) -> Any:
    if isinstance(value, Mapping) and key in value:
        return value[key]
    if isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    raise BadRequest(f"{reference}: the answer has no {key}.")


def _word(written: str, text: str, answers: Answers, *, safe: str | None) -> str:
    """A segment as it is written; quoted, where it was a reference."""
    if not text.startswith("$"):
        return written
    value = _text(text, answers)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadRequest(f"{text}: this is neither a text nor a number, as an address takes it.")
    return str(value) if safe is None else quote(str(value), safe=safe)
