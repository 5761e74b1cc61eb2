"""References of a batch: what they stand for, and that nothing else is taken for one."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import BadRequest
from pegbar.open.batch.references import numbers, numbers_of_path, resolved, resolved_path

ANSWERS: list[Any] = [
    {"id": "a/b c", "number": 7, "nothing": None, "list": [{"id": "x"}, "y"], "$odd key": True},
    [1, 2],
    "text",
]


def answer(index: int) -> Any:
    return ANSWERS[index]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$0", ANSWERS[0]),
        ("$0.id", "a/b c"),
        ("$0.nothing", None),
        ("$0.list.0.id", "x"),
        ("$0.list.1", "y"),
        ("$0.$odd key", True),
        ("$1.1", 2),
        ("$2", "text"),
        ("$$0.id", "$0.id"),
        ("$$", "$"),
        ("$$$5", "$$5"),
        ("$5 a day", "$5 a day"),
        ("costs $0.id", "costs $0.id"),
        ("$", "$"),
        ("$.id", "$.id"),
        ("$0.", "$0."),
        ("$99999", "$99999"),
    ],
)
def test_a_text_is_a_reference_only_as_a_whole(text: str, value: Any) -> None:
    assert resolved({"a": [text]}, answer) == {"a": [value]}


@pytest.mark.parametrize("text", ["$0.other", "$1.2", "$1.-1", "$1.id", "$2.0", "$0.number.real", "$0.list.²"])
def test_a_reference_to_what_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(text)):
        resolved(text, answer)


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/data/tasks/$0.id", "/data/tasks/a%2Fb%20c"),
        ("/data/tasks/$0.number/$2?x=$0.id&y=1", "/data/tasks/7/text?x=a%2Fb+c&y=1"),
        ("/data/$$x/a%20b", "/data/%24x/a%20b"),
        ("/data/tasks?name=$$5", "/data/tasks?name=%245"),
    ],
)
def test_a_path_takes_references_as_segments_and_values(path: str, written: str) -> None:
    assert resolved_path(path, answer) == written


@pytest.mark.parametrize("reference", ["$0", "$0.nothing", "$1", "$0.list", "$0.$odd key"])
def test_an_address_takes_texts_and_numbers_only(reference: str) -> None:
    with pytest.raises(BadRequest, match="neither a text nor a number"):
        resolved_path(f"/data/tasks/{reference}", answer)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def escaped(value: Any) -> Any:
    """A document that stands for itself."""
    if isinstance(value, str):
        return f"${value}" if value.startswith("$") else value
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return {key: escaped(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(_JSON)
def test_what_is_escaped_stands_for_itself(value: Any) -> None:
    assert resolved(escaped(value), answer) == value
    assert list(numbers(escaped(value))) == []


@given(
    st.lists(st.text(st.sampled_from("ab$0. /%é"), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 9)
)
def test_a_part_of_any_answer_is_found_by_its_keys(keys: list[str], place: int) -> None:
    names = [key.replace(".", "-").replace("\n", "-") for key in keys]
    document: Any = "found"
    for name in reversed(names):
        document = {name: document}
    reference = f"${place}." + ".".join(names)
    assert resolved(reference, {place: document}.__getitem__) == "found"
    assert list(numbers([reference])) == [place]


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_segment_holds_any_text(text: str) -> None:
    path = resolved_path("/a/$3.id/b", {3: {"id": text}}.__getitem__)
    first, segment, last = path[1:].split("/")
    assert (first, unquote(segment), last) == ("a", text, "b")
    assert list(numbers_of_path("/a/$3.id/b?x=$4")) == [3, 4]
