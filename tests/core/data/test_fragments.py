"""An expression about a row that was made text once is the same about each row that a statement names."""

from sqlalchemy import any_, func, select
from sqlalchemy.dialects import postgresql

from pegbar.core.data.compiled import Compiled
from pegbar.core.data.fragments import column_of, template
from pegbar.core.data.parameters import param
from pegbar.tasks.tables import comment, task


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_a_column_is_that_of_the_row() -> None:
    assert str(template(task.c.name, task).about("q7")) == "q7.name"
    assert str(column_of("q1", task.c.id)) == "q1.id"
    assert template(task.c.due_date, task).about("q7").type is task.c.due_date.type


def test_subqueries_lead_to_the_row_and_leave_others_alone() -> None:
    sibling = task.alias("sibling")
    said = select(comment.c.text).where(comment.c.object_id == task.c.id).correlate_except(comment).scalar_subquery()
    beside = select(sibling.c.name).where(sibling.c.entity_id == task.c.entity_id).correlate_except(sibling)
    expression = func.coalesce(said, beside.scalar_subquery())
    for row in ("q1", "q2"):
        text = _plain(str(template(expression, task).about(row)))
        assert f"comment.object_id = {row}.id" in text
        assert f"sibling.entity_id = {row}.entity_id" in text
        assert "pegbar_row" not in text
        assert "task.id" not in text


def test_constants_are_text_and_parameters_stay_to_be_given() -> None:
    expression = (
        (task.c.name == "it's") & (task.c.project_id == any_(param("project_ids"))) & task.c.priority.in_([1, 2])
    )
    condition = template(expression, task)
    ready = Compiled(select(condition.about("q1"), condition.about("q2")))
    assert ready.names.count("project_ids") == 1
    assert ready.required == {"project_ids"}
    assert ready.arguments({"project_ids": []}) == [[]]
    assert "q1.name = 'it''s'" in ready.sql
    assert "q2.priority IN (1, 2)" in ready.sql


def test_the_text_is_the_one_that_the_expression_has() -> None:
    expression = func.upper(task.c.name) + func.lower(task.c.description)
    whole = str(expression.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert _plain(str(template(expression, task).about("task"))) == f"({_plain(whole)})"
