"""How many SQL statements a request takes: counted where it matters."""

import pytest

from tests import factories
from tests.client import Client, unique


def statements(answer: object) -> int:
    """The statements of an answer in debug mode."""
    return int(answer.headers["server-timing"].split('"')[1].split()[0])  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def member(admin: Client) -> Client:
    return factories.hire(admin, "user")


@pytest.fixture(scope="module")
def task(admin: Client, member: Client) -> dict[str, object]:
    show = factories.production(admin, member)
    return factories.task(admin, factories.entity(admin, show["id"]), assignees=[member.id])


def test_a_row_is_read_with_its_caller(member: Client, task: dict[str, object]) -> None:
    assert statements(member.get(f"/data/tasks/{task['id']}")) == 1
    assert statements(member.get(f"/data/tasks/{task['id']}?relations=false")) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/data/tasks",
        "/data/tasks?page=1",
        "/data/persons",
        "/data/entities?relations=true",
        "/data/projects",
        "/data/comments",
    ],
)
def test_a_listing_is_one_statement_besides_the_caller(admin: Client, task: dict[str, object], path: str) -> None:
    assert statements(admin.get(path)) == 2


def test_a_mutation_is_few(admin: Client) -> None:
    answer = admin.post("/data/departments", {"name": unique("Tin"), "color": "#000000"})
    # The caller, the row, its event, the answer.
    assert statements(answer) == 4
    # The caller, the row before, the update, its event, the answer.
    assert statements(admin.put(f"/data/departments/{answer.json()['id']}", {"archived": True})) == 5
