"""Every reference of every generic table, given the id of a row of another production: refused, nothing changed."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pegbar.core.data import belonging
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import metadata
from pegbar.core.data.writes import Reference, references
from tests import factories
from tests.client import Client, unique
from tests.server import Server
from tests.whole.bodies import RESOURCES, value_for
from tests.whole.rows import Rows

_KINDS = ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept")
#: What a new row must name though its column may be null.
_REQUIRED = {"project_id", "entity_id", "task_type_id", "object_id"}


def written(verb: str) -> list[Any]:
    """The references to rows of productions that a verb writes."""
    found = []
    for resource in RESOURCES:
        names = getattr(resource.writes, verb)
        for key, reference in references(resource).items():
            if key in names and not (verb == "create" and resource.path == "/data/persons"):
                found.append(pytest.param(resource, reference, id=f"{resource.path.removeprefix('/data/')} {key}"))
    return found


class Place:
    """A production with a row of every table."""

    def __init__(self, admin: Client, connection: psycopg.Connection) -> None:
        show = factories.production(admin)
        asset = factories.entity(admin, show["id"])
        task = factories.task(admin, asset)
        someone = admin.ok_post("/data/persons", {"first_name": "Ann", "last_name": unique("Other"), "is_bot": True})
        given = {"project": show["id"], "entity": asset["id"], "task": task["id"], "person": someone["id"]}
        for kind in _KINDS:
            if not admin.ok_get("/data/entity-types", params={"name": kind}):
                admin.ok_post("/data/entity-types", {"name": kind})
            given[kind.lower()] = factories.entity(admin, show["id"], kind)["id"]
        self.rows = Rows(connection, given)
        # A second asset and its task, for what must not be the row itself.
        self.other = factories.entity(admin, show["id"])["id"]

    def of(self, table: Any) -> str:
        return str(self.rows.of(table))


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True, row_factory=dict_row) as made:
        yield made


@pytest.fixture(scope="module")
def here(admin: Client, connection: psycopg.Connection) -> Place:
    return Place(admin, connection)


@pytest.fixture(scope="module")
def there(admin: Client, connection: psycopg.Connection) -> Place:
    return Place(admin, connection)


def everything(connection: psycopg.Connection, resource: Resource) -> Any:
    """The rows of a table and of the links of its relations."""
    tables = {resource.table, *(each.link for each in resource.relations)}
    return {
        table.name: connection.execute(f'SELECT * FROM "{table.name}" ORDER BY {table.name}::text').fetchall()
        for table in tables
    }


def body_for(resource: Resource, here: Place) -> dict[str, Any]:
    """A body that makes a row of a production."""
    body: dict[str, Any] = {}
    owners = belonging.owners(resource.table)
    for name in resource.writes.create:
        column = resource.table.c.get(name)
        if column is None:
            continue
        target = belonging.target_of(column)
        if target is not None and (not column.nullable or name in _REQUIRED or column in owners):
            body[name] = here.of(target)
        elif target is None and not column.nullable:
            body[name] = value_for(column)
    return body


def value_of(reference: Reference, there: Place) -> Any:
    row_id = there.of(reference.target)
    return row_id if reference.relation is None else [row_id]


@pytest.mark.parametrize(("resource", "reference"), written("update"))
def test_no_update_refers_to_another_production(
    resource: Resource, reference: Reference, here: Place, there: Place, admin: Client, connection: psycopg.Connection
) -> None:
    row_id, before = here.of(resource.table), everything(connection, resource)
    answer = admin.put(f"{resource.path}/{row_id}", {reference.key: value_of(reference, there)})
    assert answer.status_code == 400, answer.text
    assert reference.key in answer.json()["message"]
    assert everything(connection, resource) == before


@pytest.mark.parametrize(("resource", "reference"), written("create"))
def test_no_create_refers_to_another_production(
    resource: Resource, reference: Reference, here: Place, there: Place, admin: Client, connection: psycopg.Connection
) -> None:
    body = {**body_for(resource, here), reference.key: value_of(reference, there)}
    # The production of a task is its entity's; that of a row without a `project_id`, that of what it refers to first.
    names = (
        ["entity_id"] if resource.path == "/data/tasks" else [each.name for each in belonging.owners(resource.table)]
    )
    decides = next((name for name in names if name in body), None) == reference.key
    others = [key for key in references(resource) if key in body and key != reference.key]
    if decides and not others:
        pytest.skip("it says to which production the row belongs")
    before = everything(connection, resource)
    answer = admin.post(resource.path, body)
    assert answer.status_code == 400, answer.text
    named = [reference.key, *(others if decides else ())]
    assert any(key in answer.json()["message"] for key in named), answer.text
    assert everything(connection, resource) == before


def test_every_reference_into_a_production_is_known() -> None:
    """A new foreign key to a row of a production is a reference, or says why it is none."""
    for table in metadata.tables.values():
        for column in table.columns:
            for foreign in column.foreign_keys:
                target = foreign.column.table
                if belonging.belongs(target) and column not in belonging.references(table):
                    assert column.info.get("visits"), f"{table.name}.{column.name}"
