"""Routes of saved searches ("filters") and their groups. Source: spec user, "Saved searches"."""

from uuid import UUID

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, person_identity
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.workspace.resources import search_filter_groups, search_filters
from pegbar.workspace.saved_searches import actions, queries
from pegbar.workspace.saved_searches.actions import ChangedFilter, ChangedGroup, NewFilter, NewGroup

_FILTERS, _GROUPS, _TAG = "/data/user/filters", "/data/user/filter-groups", "Search filters"
_BY_PLACE = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}
#: Rows by their list, and there by the id of their production or `all`.
_LISTING = {"type": "object", "additionalProperties": _BY_PLACE}


@get(_FILTERS, access=person_identity, tag=_TAG, returns=_LISTING)
async def saved_filters(db: Database, caller: Caller) -> Json:
    """The saved searches that the caller sees: `{list_type: {project_id or "all": [filter]}}`."""
    statement = queries.filters_of(caller.role)
    return found(await db.json_row(statement))


@post(
    _FILTERS,
    access=person_identity,
    events=[search_filters.events["new"]],
    returns=queries.FILTER,
    tag=_TAG,
    errors=(400, 403, 404),
)
async def save_filter(body: NewFilter, tx: Transaction, caller: Caller) -> Json:
    """Save a search. It is shared when that is asked for and the caller manages the production."""
    filter_id = await actions.save_filter(tx, caller, body)
    return found(await tx.json_row(queries.one_filter, row_id=filter_id))


@put(
    _FILTERS + "/{filter_id:uuid}",
    access=person_identity,
    events=[search_filters.events["update"]],
    returns=queries.FILTER,
    tag=_TAG,
    errors=(400, 403, 404),
)
async def change_filter(filter_id: UUID, body: ChangedFilter, tx: Transaction, caller: Caller) -> Json:
    """Change a saved search of one's own; administrators change any."""
    await actions.change_filter(tx, caller, filter_id, body)
    return found(await tx.json_row(queries.one_filter, row_id=filter_id))


@delete(
    _FILTERS + "/{filter_id:uuid}",
    access=person_identity,
    events=[search_filters.events["delete"]],
    tag=_TAG,
    errors=(404,),
)
async def remove_filter(filter_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a saved search of one's own; administrators delete any."""
    await actions.remove_filter(tx, caller, filter_id)


@get(_GROUPS, access=person_identity, tag=_TAG, returns=_LISTING)
async def saved_groups(db: Database, caller: Caller) -> Json:
    """The groups that the caller sees, newest first: `{list_type: {project_id or "all": [group]}}`."""
    statement = queries.groups_of(caller.role)
    return found(await db.json_row(statement))


@post(
    _GROUPS,
    access=person_identity,
    events=[search_filter_groups.events["new"]],
    returns=queries.GROUP,
    tag=_TAG,
    errors=(400, 403, 404),
)
async def save_group(body: NewGroup, tx: Transaction, caller: Caller) -> Json:
    """Make a group of saved queries. It is shared when that is asked for and the caller manages the production."""
    group_id = await actions.save_group(tx, caller, body)
    return found(await tx.json_row(queries.one_group, row_id=group_id))


@get(_GROUPS + "/{filter_group_id:uuid}", access=person_identity, tag=_TAG, returns=queries.GROUP, errors=(404,))
async def saved_group(filter_group_id: UUID, db: Database, caller: Caller) -> Json:
    """A group of one's own; administrators read any."""
    statement = queries.own_group(caller.is_admin)
    return found(await db.json_row(statement, row_id=filter_group_id), "The group")


@put(
    _GROUPS + "/{filter_group_id:uuid}",
    access=person_identity,
    events=[search_filter_groups.events["update"]],
    returns=queries.GROUP,
    tag=_TAG,
    errors=(400, 403, 404),
)
async def change_group(filter_group_id: UUID, body: ChangedGroup, tx: Transaction, caller: Caller) -> Json:
    """Change a group of one's own (administrators any); its filters are shared as it is."""
    await actions.change_group(tx, caller, filter_group_id, body)
    return found(await tx.json_row(queries.one_group, row_id=filter_group_id))


@delete(
    _GROUPS + "/{filter_group_id:uuid}",
    access=person_identity,
    events=[search_filter_groups.events["delete"]],
    tag=_TAG,
    errors=(404,),
)
async def remove_group(filter_group_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a group of one's own (administrators any) with its owner's filters; those of others leave it."""
    await actions.remove_group(tx, caller, filter_group_id)
