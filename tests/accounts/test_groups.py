"""What groups at a provider make of somebody: a role and departments."""

import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.accounts.sign_on.groups import ROLES_BY_RANK, GroupMapping, Standing, matches, read_mapping
from pegbar.environment import InvalidSetting

PRODUCERS = "CN=Producers,OU=Groups,DC=studio,DC=example"
MAPPING = read_mapping(
    {
        PRODUCERS: {"role": "manager", "departments": ["Production"]},
        "CN=IT,OU=Groups,DC=studio,DC=example": {"role": "admin"},
        "leads": {"role": "supervisor"},
        "layout-*": {"departments": ["Layout"]},
        "ou=*,dc=studio,dc=example": {"departments": ["Everybody"]},
    }
)
ANY_OF_IT = st.sampled_from([*MAPPING.grants, "layout-paris", "cn=leads,dc=x", "nothing", "OU=x,DC=studio,DC=example"])


@pytest.mark.parametrize(
    ("groups", "role", "departments"),
    [
        ([PRODUCERS], "manager", {"Production"}),
        (["cn = producers , ou=groups,dc=STUDIO,dc=example"], "manager", {"Production"}),
        ([r"CN=\50roducers,OU=Groups,DC=studio,DC=example"], "manager", {"Production"}),
        (["leads", PRODUCERS], "manager", {"Production"}),
        (["CN=Leads,OU=Anywhere,DC=studio,DC=example"], "supervisor", set()),
        (["LAYOUT-paris"], None, {"Layout"}),
        (["CN=layout-paris,DC=studio,DC=example", "leads"], "supervisor", {"Layout"}),
        (["OU=Paris,DC=Studio,DC=example"], None, {"Everybody"}),
        (["CN=IT,OU=Groups,DC=studio,DC=example"], "admin", set()),
    ],
)
def test_groups_give_the_highest_role_and_all_departments(
    groups: list[str], role: str | None, departments: set[str]
) -> None:
    standing = MAPPING.standing_of(groups)
    assert standing.role == role
    assert standing.departments == departments
    assert standing.managed == {"Production", "Layout", "Everybody"}


@pytest.mark.parametrize(
    "group",
    [
        "IT",
        "CN=IT,OU=Mine,DC=studio,DC=example",
        "CN=IT,OU=Groups,DC=studio,DC=example,DC=com",
        r"CN=IT\,OU=Groups,DC=studio,DC=example",
        "CN=IT+CN=x,OU=Groups,DC=studio,DC=example",
        "",
        "layout",
        "OU=x,OU=y,DC=studio",
    ],
)
def test_what_is_not_in_the_mapping_changes_nothing(group: str) -> None:
    assert MAPPING.standing_of([group]) == Standing()
    with_default = GroupMapping(MAPPING.grants, "vendor").standing_of([group])
    assert (with_default.role, with_default.departments) == ("vendor", frozenset())
    assert with_default.departments_after({"Layout", "By hand"}) == {"By hand"}


@pytest.mark.parametrize(
    ("groups", "default", "complaint"),
    [
        ({"*": {"role": "admin"}}, None, 'groups."*": a pattern'),
        ({"x": {"role": "boss"}}, None, 'groups."x"'),
        ({"x": {"rolle": "user"}}, None, "rolle"),
        ({"x": {"departments": "Layout"}}, None, "departments"),
        ({"x": "user"}, None, 'groups."x"'),
        ({" ": {"role": "user"}}, None, "no name"),
        ({}, "admin", "default_role"),
        ({}, "boss", "default_role"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_where(groups: dict[str, Any], default: Any, complaint: str) -> None:
    with pytest.raises(InvalidSetting, match=complaint.replace("*", r"\*")):
        read_mapping(groups, default)


@given(st.lists(ANY_OF_IT), ANY_OF_IT)
def test_another_group_never_takes_anything_away(groups: list[str], more: str) -> None:
    fewer, all_ = MAPPING.standing_of(groups), MAPPING.standing_of([*groups, more])
    assert fewer.departments <= all_.departments
    assert fewer.role is None or ROLES_BY_RANK.index(fewer.role) <= ROLES_BY_RANK.index(str(all_.role))


@given(st.lists(st.text(alphabet="cnoudit=,*\\ IT-2C"), max_size=4))
def test_any_names_are_read_and_none_makes_an_administrator(groups: list[str]) -> None:
    assert MAPPING.standing_of(groups).role != "admin"


@given(st.sets(st.sampled_from(["Layout", "Production", "FX"])), st.lists(ANY_OF_IT))
def test_departments_that_are_not_mapped_stay(before: set[str], groups: list[str]) -> None:
    after = MAPPING.standing_of(groups).departments_after(before)
    assert ("FX" in after) == ("FX" in before)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_star_is_any_text(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)
