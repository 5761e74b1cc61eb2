"""Every route × every kind of caller, compared with the rule the route declares.

What the caller is to the place in question (member, assignee, role on the team…) is known here by construction, the
server finds it out in SQL: the two must agree, and nobody gets further than the rule says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from pegbar.app import load_domains
from pegbar.core.access import Caller, Place, Token
from pegbar.core.routing import Operation
from tests import factories
from tests.client import Client, unique
from tests.server import Server
from tests.whole.rows import Rows

OPERATIONS = load_domains()
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
#: The table whose row a path parameter names, where it is not the parameter's own name.
_TABLES = {"asset_type_id": "entity_type", "asset_id": "entity", "instance_id": ""}
#: Kinds of entity with routes of their own; nobody is assigned to these.
_ENTITIES = ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept")


@dataclass
class Kind:
    """A kind of caller, and what they are to the rows of the test."""

    name: str
    client: Client | None
    facts: dict[str, Any]

    def caller(self, subject: UUID | None) -> Caller:
        assert self.client is not None
        person = self.client.person
        token = Token(sub=UUID(person["id"]), jti="", type="access", identity_type="bot", iat=0)
        role = person["role"]
        return Caller(id=UUID(person["id"]), role=role, token=token, is_bot=True, subject_id=subject, **self.facts)


@pytest.fixture(scope="module")
def rows(server: Server, admin: Client) -> Iterator[Rows]:
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity)
    someone = {"first_name": "Ann", "last_name": "Other", "email": f"{unique('ann').replace(' ', '.')}@example.com"}
    person = admin.ok_post("/data/persons", someone)
    given = {"project": show["id"], "entity": entity["id"], "task": task["id"], "person": person["id"]}
    for kind in _ENTITIES:
        # Some types are not in the default data set.
        if not admin.ok_get("/data/entity-types", params={"name": kind}):
            admin.ok_post("/data/entity-types", {"name": kind})
        given[kind.lower()] = factories.entity(admin, show["id"], kind)["id"]
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield Rows(connection, given)


@pytest.fixture(scope="module")
def kinds(server: Server, admin: Client, rows: Rows) -> list[Kind]:
    show = str(rows.ids["project"])
    made = [Kind("anonymous", None, {}), Kind("admin", factories.hire(admin, "admin"), {})]
    for role in ("client", "vendor", "user", "supervisor", "manager"):
        made.append(Kind(f"{role}, not of the team", factories.hire(admin, role), {}))
        member = factories.hire(admin, role)
        factories.join(admin, show, member)
        made.append(Kind(f"{role}, member", member, {"in_team": True}))
    promoted = factories.hire(admin, "user")
    factories.join(admin, show, promoted, "manager")
    made.append(Kind("user, manager here", promoted, {"in_team": True, "role_here": "manager"}))
    restricted = factories.hire(admin, "manager")
    factories.join(admin, show, restricted, "client")
    made.append(Kind("manager, client here", restricted, {"in_team": True, "role_here": "client"}))
    guest = factories.hire(admin, "client", is_guest=True)
    made.append(Kind("guest", guest, {}))
    assigned = factories.hire(admin, "vendor")
    factories.join(admin, show, assigned)
    assignees = {"assignees": [assigned.id]}
    admin.ok_put(f"/data/tasks/{rows.ids['task']}", assignees)
    made.append(
        Kind("vendor, assigned", assigned, {"in_team": True, "assigned_to_task": True, "assigned_to_entity": True})
    )
    return made


def row_for(operation: Operation, name: str, rows: Rows) -> UUID | None:
    """The row that a path parameter means."""
    table = _TABLES.get(name, name.removesuffix("_id"))
    if not table:
        table = getattr(getattr(operation.returns, "table", None), "name", "")
    return rows.ids.get(table)


def path_of(operation: Operation, rows: Rows) -> str | None:
    """The operation's path with ids of our rows; None when it takes something else."""
    path = operation.path
    for name, kind in _PARAMETER.findall(path):
        row = row_for(operation, name, rows) if name.endswith("_id") else None
        if row is None:
            return None
        path = path.replace(f"{{{name}:{kind}}}", str(row))
    return path


def facts_at(kind: Kind, place: Place) -> dict[str, Any]:
    """What the caller is where the rule looks: everything about our production, nothing about the studio."""
    if place.kind == "studio":
        return {}
    known = dict(kind.facts)
    if place.kind == "project" or place.parameter.removesuffix("_id").capitalize() in _ENTITIES:
        known = {name: known[name] for name in known if not name.startswith("assigned")}
    return known


def at_place(operation: Operation, kind: Kind, rows: Rows) -> Caller:
    """The caller with what they are where the rule looks."""
    place, subject = operation.access.place, None
    if place.parameter and not place.in_body and not place.in_query:
        subject = row_for(operation, place.parameter, rows)
    return Kind(kind.name, kind.client, {} if place.in_query else facts_at(kind, place)).caller(subject)


def expected(operation: Operation, kind: Kind, rows: Rows) -> bool:
    """Whether the declared rule lets this caller through."""
    rule = operation.access
    if rule.public:
        return True
    if kind.client is None:
        return False
    known = at_place(operation, kind, rows)
    return (rule.bots or not known.is_bot) and rule.test(known)


def empty_for(operation: Operation, kind: Kind, rows: Rows) -> bytes | None:
    """The empty answer that the rule has for this caller."""
    known = None if kind.client is None else at_place(operation, kind, rows)
    bot = known is None or (known.is_bot and not operation.access.bots)
    return None if bot or known is None else operation.access.empty_answer(known)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_a_route_lets_in_whom_its_rule_says(
    operation: Operation, kinds: list[Kind], rows: Rows, anonymous: Client
) -> None:
    path = path_of(operation, rows)
    if path is None:
        pytest.skip("its path takes something other than an id")
    if operation.access.opened_by == "refresh":
        pytest.skip("it is opened by another kind of token")
    body = {"project_id": str(rows.ids["project"]), "entity_id": str(rows.ids["entity"])}
    if operation.access.place.in_body:
        table = _TABLES.get(operation.access.place.parameter, operation.access.place.parameter.removesuffix("_id"))
        body[operation.access.place.parameter] = str(rows.ids[table])
    for kind in kinds:
        allowed = expected(operation, kind, rows)
        # Whom the rule lets through would change the rows that the next one needs.
        if allowed and operation.method != "GET":
            continue
        client = kind.client or anonymous
        answer = client.call(operation.method, path, json=None if operation.method == "GET" else body)
        if kind.client is None:
            assert answer.status_code == 401 or operation.access.public, path
            continue
        if (empty := empty_for(operation, kind, rows)) is not None:
            assert (answer.status_code, answer.content) == (200, empty), f"{kind.name}: {answer.text}"
        elif allowed and operation.access.narrowed:
            assert answer.status_code != 401, f"{kind.name}: {answer.text}"
        elif allowed:
            assert answer.status_code not in (401, 403), f"{kind.name}: {answer.text}"
        else:
            assert answer.status_code == 403, f"{kind.name}: {answer.status_code} {answer.text}"
        assert answer.status_code < 500, f"{kind.name}: {answer.text}"
