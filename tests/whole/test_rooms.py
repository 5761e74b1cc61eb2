"""Every feature has the same rooms, and each room holds what its name says (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

_SOURCE = Path(__file__).parents[2] / "src" / "pegbar"
_ROUTES = sorted(_SOURCE.rglob("routes.py"))
#: What writes statements.
_SQL = {"select", "insert", "update", "delete", "text", "bindparam", "param", "sql", "literal_column"}


def test_routes_have_one_name() -> None:
    assert [str(path.relative_to(_SOURCE)) for path in _SOURCE.rglob("*_routes.py")] == []
    assert len(_ROUTES) > 30


@pytest.mark.parametrize("path", _ROUTES, ids=lambda path: str(path.relative_to(_SOURCE)))
def test_routes_hold_no_sql(path: Path) -> None:
    """They parse, ask for leave, call and answer; statements are in queries.py and actions.py."""
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    statements = {
        name
        for name in imported
        if name.startswith(("sqlalchemy", "pegbar.core.data.parameters")) and name.rpartition(".")[2] in _SQL
    }
    assert statements == set()
