"""Who may do what with entities. Source: spec entities and spec shots, "Access rules"; spec crud, "entities"."""

from dataclasses import replace
from functools import lru_cache

from sqlalchemy import select

from pegbar.core.data.parameters import param
from pegbar.core.http.access import Caller, Place, Rule, at, entity_access, in_query, manager_of, member_of
from pegbar.entities.kinds import EPISODE, KINDS, is_kind
from pegbar.entities.tables import entity


@lru_cache
def the(kind: str, parameter: str) -> Place:
    """The entity of a kind that a path parameter names; another kind is not found."""
    row = select(entity.c.id.label("place_id")).where(entity.c.id == param("key"), is_kind(kind))
    return Place("entity", parameter, row)


def sees(kind: str, parameter: str) -> Rule:
    """Member of the entity's production and, for a vendor, with a task on it."""
    return entity_access(the(kind, parameter))


#: Any entity: member of its production and, for a vendor, with a task on it.
sees_entity = entity_access("entity_id")


def manages(kind: str, parameter: str) -> Rule:
    """Manager of the entity's production."""
    return manager_of(the(kind, parameter))


def belongs(kind: str, parameter: str) -> Rule:
    """Member of the entity's production."""
    return member_of(the(kind, parameter))


def _may_remove(caller: Caller) -> bool:
    return caller.manages or (caller.in_team and caller.created_entity)


def removes(place: Place) -> Rule:
    """Manager of the entity's production, or its creator while in the team."""
    return Rule("manager of the production, or creator of the entity in its team", _may_remove, place)


#: Whoever may change something of an entity; what a supervisor may, depends on the body (editing.py).
edits = Rule(
    "manager or supervisor of the production, or creator of the entity in its team",
    lambda caller: caller.supervises or (caller.in_team and caller.created_entity),
    at("entity", "instance_id"),
).further("supervisors change only metadata, within their departments")


def _asked_for(kind: str, parameter: str) -> Place:
    return replace(the(kind, parameter), in_query=True, otherwise=in_query("project", "project_id"))


def _is_member(caller: Caller) -> bool:
    return caller.is_member


#: Listings: members of the production asked for; without one, administrators.
lists_production = Rule(
    "member of the production asked for; without one, studio manager", _is_member, in_query("project", "project_id")
)


def lists_below(kind: str) -> Rule:
    """The same, where an entity of this kind names the production too."""
    return Rule(lists_production.text, _is_member, _asked_for(kind, KINDS[kind].key))


_project_or_episode = Place(
    "project",
    "project_id",
    in_query=True,
    otherwise=replace(the(EPISODE, "episode_id"), in_query=True),
)
#: Assets: members of the production asked for; without one, everybody gets those of their own.
lists_assets = Rule(
    "member of the production asked for",
    lambda caller: caller.project_id is None or caller.is_member,
    _project_or_episode,
)
#: Concepts: the same, for the studio's people.
lists_concepts = Rule(
    "member of the production asked for, neither vendor nor client",
    lambda caller: lists_assets.test(caller) and caller.role_here not in ("vendor", "client"),
    in_query("project", "project_id"),
)
#: Edits: like assets, but an episode names no production.
lists_edits = Rule(lists_assets.text, lists_assets.test, in_query("project", "project_id"))
