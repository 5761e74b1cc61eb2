"""Rules of saved searches and their groups. Source: spec user, "Saved searches" and "Worth fixing" 1, 2.

Sharing takes a manager of the production; asking for it without that right is no error, the row stays private. A
filter has the sharing of its group. Nobody names a production they have nothing to do with, or joins a group they do
not see. Changes of shared rows are told to the production, those of private ones to their owner.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Table

from pegbar.core.data.changes import Verb
from pegbar.core.data.database import Transaction
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.http.body import Strict
from pegbar.workspace.resources import search_filter_groups, search_filters
from pegbar.workspace.saved_searches import queries as searches
from pegbar.workspace.tables import search_filter, search_filter_group


def _text(longest: int, shortest: int = 0) -> msgspec.Meta:
    return msgspec.Meta(min_length=shortest, max_length=longest)


class _New(Strict, kw_only=True):
    name: Annotated[str, _text(200, 1)]
    list_type: Annotated[str, _text(80)] = "todo"
    entity_type: Annotated[str, _text(80)] | None = None
    project_id: UUID | None = None
    is_shared: bool | None = None
    department_id: UUID | None = None


class NewFilter(_New, kw_only=True):
    """A saved search; `query` is what the row has as `search_query`."""

    query: Annotated[str, _text(500, 1)]
    search_filter_group_id: UUID | None = None


class NewGroup(_New, kw_only=True):
    """A coloured section of a list of saved searches."""

    color: Annotated[str, _text(8)] | None = None


class _Changed(Strict, kw_only=True):
    name: Annotated[str, _text(200)] | None = None
    is_shared: bool | None = None
    project_id: UUID | None = None
    department_id: UUID | UnsetType | None = UNSET


class ChangedFilter(_Changed, kw_only=True):
    """Null leaves a key as it is, but takes the filter out of its department or group."""

    search_query: Annotated[str, _text(500)] | None = None
    search_filter_group_id: UUID | UnsetType | None = UNSET


class ChangedGroup(_Changed, kw_only=True):
    """Null leaves a key as it is, but takes the group out of its department."""

    color: Annotated[str, _text(8)] | None = None


async def save_filter(tx: Transaction, caller: Caller, new: NewFilter) -> UUID:
    """Keep a search of the caller's. Raises NotFound, Forbidden, and BadRequest for a group of another sharing."""
    values = await _new_row(tx, caller, new)
    if new.search_filter_group_id is not None:
        await _check_group(tx, caller, new.search_filter_group_id, caller.id, shared=values["is_shared"])
    more = {"search_query": new.query, "search_filter_group_id": new.search_filter_group_id}
    return await _insert(tx, search_filters, {**values, **more})


async def save_group(tx: Transaction, caller: Caller, new: NewGroup) -> UUID:
    """Make a group of the caller's. Raises NotFound, Forbidden."""
    return await _insert(tx, search_filter_groups, {**await _new_row(tx, caller, new), "color": new.color or ""})


async def change_filter(tx: Transaction, caller: Caller, filter_id: UUID, change: ChangedFilter) -> None:
    """Change a filter. Raises NotFound (also for others' rows), Forbidden, and BadRequest as `save_filter`."""
    before = await own_row(tx, caller, search_filter, filter_id)
    values = await _changed_row(tx, caller, before, change)
    if change.search_query is not None:
        values["search_query"] = change.search_query
    group_id, kept = change.search_filter_group_id, before["search_filter_group_id"]
    if isinstance(group_id, UnsetType):
        group_id = kept
    elif group_id != kept:
        values["search_filter_group_id"] = group_id
    if group_id is not None and values.keys() & {"is_shared", "search_filter_group_id"}:
        shared = values.get("is_shared", before["is_shared"])
        owner = before["person_id"]
        await _check_group(tx, caller, group_id, owner, shared=shared, joins=group_id != kept)
    if values:
        await tx.update(search_filter, filter_id, **values)
        _tell(tx, search_filters, "update", filter_id, dict(before), {**before, **values})


async def change_group(tx: Transaction, caller: Caller, group_id: UUID, change: ChangedGroup) -> None:
    """Change a group; its filters follow its sharing. Raises NotFound (also for others' rows), Forbidden."""
    before = await own_row(tx, caller, search_filter_group, group_id)
    values = await _changed_row(tx, caller, before, change)
    if change.color is not None:
        values["color"] = change.color
    if values:
        await tx.update(search_filter_group, group_id, **values)
        _tell(tx, search_filter_groups, "update", group_id, dict(before), {**before, **values})
    if "is_shared" in values:
        follow = searches.share_filters_of if values["is_shared"] else searches.unshare_filters_of
        await tx.execute(follow, group_id=group_id, now=utc_now())


async def remove_filter(tx: Transaction, caller: Caller, filter_id: UUID) -> None:
    """Delete a filter. Raises NotFound, also for others' rows."""
    before = await own_row(tx, caller, search_filter, filter_id)
    await tx.delete(search_filter, id=filter_id)
    _tell(tx, search_filters, "delete", filter_id, dict(before))


async def remove_group(tx: Transaction, caller: Caller, group_id: UUID) -> None:
    """Delete a group with its owner's filters; those of others stay. Raises NotFound, also for others' rows."""
    before = await own_row(tx, caller, search_filter_group, group_id)
    await tx.execute(searches.unlink_filters_of_others, group_id=group_id, now=utc_now())
    await tx.delete(search_filter, search_filter_group_id=group_id)
    await tx.delete(search_filter_group, id=group_id)
    _tell(tx, search_filter_groups, "delete", group_id, dict(before))


def _tell(tx: Transaction, resource: Resource, verb: Verb, row_id: UUID, *states: Mapping[str, Any]) -> None:
    """Tell of a row, which was and is as `states` say."""
    owner = None if any(state["is_shared"] for state in states) else states[-1]["person_id"]
    about = {f"{resource.table.name}_id": row_id}
    tx.emit(resource.events[verb], project_id=states[-1]["project_id"], to=owner, **about)


async def own_row(tx: Transaction, caller: Caller, table: Table, row_id: UUID) -> asyncpg.Record:
    """A row that the caller may change: their own, for administrators any. NotFound otherwise."""
    row = await tx.row(searches.locked[table], row_id=row_id)
    if row is None or not (caller.is_admin or row["person_id"] == caller.id):
        raise NotFound(f"There is no saved search or group {row_id} of yours.")
    return row


async def _insert(tx: Transaction, resource: Resource, values: Mapping[str, Any]) -> UUID:
    row_id = await tx.insert(resource.table, **values)
    assert row_id is not None
    _tell(tx, resource, "new", row_id, values)
    return row_id


async def _new_row(tx: Transaction, caller: Caller, new: _New) -> dict[str, Any]:
    """The columns that filters and groups have in common."""
    shared = False
    if new.project_id is not None:
        here = await _at(tx, caller, new.project_id)
        shared = bool(new.is_shared) and here.manages
        _check_concerned(here)
    await _check_department(tx, new.department_id)
    common = ("name", "list_type", "entity_type", "project_id", "department_id")
    return {**{key: getattr(new, key) for key in common}, "is_shared": shared, "person_id": caller.id}


async def _changed_row(tx: Transaction, caller: Caller, before: asyncpg.Record, change: _Changed) -> dict[str, Any]:
    """The changes to the columns that filters and groups have in common."""
    values: dict[str, Any] = {} if change.name is None else {"name": change.name}
    if not isinstance(change.department_id, UnsetType):
        await _check_department(tx, change.department_id)
        values["department_id"] = change.department_id
    shared = before["is_shared"] if change.is_shared is None else change.is_shared
    moves = change.project_id is not None and change.project_id != before["project_id"]
    there = None if change.project_id is None else await _at(tx, caller, change.project_id)
    if shared and (moves or not before["is_shared"]):
        # Who shares a row, or moves a shared one, manages the production that the request names.
        shared = there is not None and there.manages
    if moves and there is not None:
        _check_concerned(there)
        values["project_id"] = there.project_id
    if shared != before["is_shared"]:
        values["is_shared"] = shared
    return values


async def _at(tx: Transaction, caller: Caller, project_id: UUID) -> Caller:
    """The caller as they are on a production. Raises NotFound."""
    row = await tx.row(searches.place, project_id=project_id)
    if row is None:
        raise NotFound(f"There is no production {project_id}.")
    return msgspec.structs.replace(caller, project_id=project_id, in_team=row["in_team"], role_here=row["role_here"])


def _check_concerned(here: Caller) -> None:
    # Production managers plan for productions whose team they are not in yet.
    require(here.is_member or here.role == "manager", "A search is saved for a production whose team you are in.")


async def _check_department(tx: Transaction, department_id: UUID | None) -> None:
    if department_id is not None and not await tx.value(searches.known_department, department_id=department_id):
        raise NotFound(f"There is no department {department_id}.")


async def _check_group(
    tx: Transaction, caller: Caller, group_id: UUID, owner_id: UUID | None, *, shared: bool, joins: bool = True
) -> None:
    """The group is there, seen by who joins it, and shared as the filter is."""
    statement = searches.group_to_join(caller.role)
    group = await tx.row(statement, row_id=group_id, owner_id=owner_id)
    if group is None or (joins and not group["open_to_them"]):
        raise NotFound(f"There is no group {group_id} of yours or shared with you.")
    if group["is_shared"] != shared:
        raise BadRequest("A filter and its group must both be shared, or both be private: is_shared does not match.")
