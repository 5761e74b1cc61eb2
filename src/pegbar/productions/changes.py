"""The state of a production, for validators. Source: spec entities and shots, "Caching"; spec tasks."""

from typing import Any

from litestar import Request

from pegbar.accounts.tables import person
from pegbar.core.data import marks
from pegbar.core.http.access import Caller
from pegbar.productions.tables import project

#: Selects, beside the caller, what tells one state of the production in question and of the caller's subscriptions
#: from another (`Operation.along`).
STATE = marks.changes_of(project.c.id, person.c.id)


def tag(request: Request[Any, Any, Any], caller: Caller) -> str:
    """The validator of an answer about a production, for a route that is given STATE along with its caller."""
    return marks.tag_of(caller.along, request, caller.id, caller.role_here, sorted(map(str, caller.departments)))
