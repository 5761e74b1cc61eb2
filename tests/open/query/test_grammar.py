"""The grammar of queries, of any JSON whatever: a query, or a refusal that names a place."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import Refused
from pegbar.open.query import grammar
from pegbar.open.query.grammar import Comparison, Group, Related, parse, parse_query

_WORDS = st.sampled_from(
    [
        *grammar.OPERATORS,
        *grammar.RELATED,
        "and",
        "or",
        "logical_operator",
        "conditions",
        "filters",
        "DAY",
        "name",
        "-name",
    ]
)
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), _WORDS)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(_WORDS, st.text(max_size=3)), inner)
    ),
    max_leaves=20,
)
_DOCUMENTS = st.dictionaries(
    st.sampled_from(["filters", "fields", "sort", "limit", "cursor", "summaries", "grouping", "more"]), _JSON
)


@given(document=_DOCUMENTS)
def test_any_document_is_a_query_or_refused_by_name(document: dict[str, Any]) -> None:
    refused = None
    try:
        parse_query(document)
    except Refused as refusal:
        refused = refusal
    if refused is not None:
        (error,) = (refused.data or {})["errors"]
        assert error["field"].split(".")[0] in document
        assert refused.message.startswith(f"{error['field']}: ")


def test_an_operator_and_its_opposite_are_one_comparison() -> None:
    assert parse(["name", "is_not", "a"]) == Comparison("filters", ("name",), "is", "a", negated=True)
    assert parse(["name", "is", None]) == parse(["name", "is_null"])
    assert parse(["name", "is_not", None]) == parse(["name", "is_not_null", None])
    assert parse(["a.b", "not_in_last", [2, "WEEK"]]) == Comparison(
        "filters", ("a", "b"), "in_last", (2, "WEEK"), negated=True
    )


def test_a_list_is_a_group_of_which_all_hold() -> None:
    group = parse([["a", "is", 1], {"logical_operator": "or", "conditions": [["b", "is", 2]]}])
    assert isinstance(group, Group)
    assert [type(part) for part in group.conditions] == [Comparison, Group]
    nested = parse(["tasks", "none", [["priority", "is", 1], ["name", "is", "a"]]])
    assert isinstance(nested, Related)
    assert nested.negated


def test_what_follows_data_is_one_name() -> None:
    assert grammar.path_of("x", "entity.data.a.b") == ("entity", "data", "a.b")
    assert grammar.path_of("x", "entity.data") == ("entity", "data")


@pytest.mark.parametrize(
    ("filters", "place"),
    [
        ("name", "filters"),
        ([["name", "is", 1], ["name"]], "filters.1"),
        ([["name", "like", "x"]], "filters.0.1"),
        ([["name", "in", []]], "filters.0.2"),
        ([["name", "in", ["a", {}]]], "filters.0.2.1"),
        ([["name", "between", [1]]], "filters.0.2"),
        ([["due_date", "in_last", [0, "DAY"]]], "filters.0.2.0"),
        ([["due_date", "in_last", [1, "FORTNIGHT"]]], "filters.0.2.1"),
        ([["due_date", "in_calendar_week", True]], "filters.0.2"),
        ([["name", "is_null", 1]], "filters.0.2"),
        ([["a.b.c.d.e.f", "is", 1]], "filters.0.0"),
        ([["a..b", "is", 1]], "filters.0.0"),
        ([["name", "is", "a\0b"]], "filters.0.2"),
        ([["name", "is", "a" * 2001]], "filters.0.2"),
        ({"logical_operator": "xor", "conditions": []}, "filters.logical_operator"),
        ({"conditions": {}}, "filters.conditions"),
        ({"conditions": [], "path": 1}, "filters"),
        ([["tasks", "any", [["name", "is"]]]], "filters.0.2.0.2"),
        ([["name", "in", ["a"] * 2001]], "filters.0.2"),
        ([["name", "is", 1]] * 201, "filters.200"),
    ],
    ids=map(str, range(20)),
)
def test_a_refusal_names_its_place(filters: Any, place: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(filters)
    assert refused.value.message.startswith(f"{place}: ")


def test_conditions_are_nested_no_deeper_than_they_may() -> None:
    filters: Any = ["name", "is", 1]
    for _ in range(grammar.DEEPEST_GROUP + 1):
        filters = {"conditions": [filters]}
    with pytest.raises(Refused, match=re.escape("levels deep")):
        parse(filters)
