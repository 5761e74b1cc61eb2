"""Scripts are taken apart as PostgreSQL does, and each statement is known by whom it holds up."""

from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.data.migrations.plan import Step, _step, statements_of

_PART = st.sampled_from(
    ["SELECT 1", "'a;b'", "'it''s;'", '"odd;name"', "$$ x; y $$", "$b$ $$;$$ ; $b$", "-- c;\n", "/* ; */", "a.b"]
)


@given(st.lists(st.lists(_PART, min_size=1, max_size=4), max_size=6))
def test_semicolons_end_statements_only_where_they_are_none_of_a_text(parts: list[list[str]]) -> None:
    statements = [" ".join(words) for words in parts]
    bare = [" ".join(word for word in words if word[:2] not in ("--", "/*")) for words in parts]
    seen = [" ".join(statement.split()) for statement in statements_of(" ;".join(statements))]
    assert seen == [" ".join(statement.split()) for statement in bare if statement.strip()]


def _of(statement: str, made: set[str] | None = None) -> Step:
    return _step(statement, {"task": 1_000_000}, made or set())


def test_who_waits_for_what() -> None:
    for statement, waits, slow in (
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS x ON public.task (a)", "nobody", True),
        ('CREATE UNIQUE INDEX x ON "task" (a)', "writers", True),
        ("ALTER TABLE ONLY task ADD COLUMN a int", "everybody", False),
        ("ALTER TABLE task ALTER COLUMN a TYPE bigint", "everybody", True),
        ("ALTER TABLE task ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "everybody", False),
        ("ALTER TABLE task ADD CONSTRAINT c CHECK (a > 0)", "everybody", True),
        ("UPDATE task SET a = 1", "nobody", True),
        ("INSERT INTO pegbar.x SELECT * FROM task", "nobody", True),
        ("CREATE TRIGGER t AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION f()", "writers", False),
    ):
        step = _of(statement)
        assert (step.table, step.waits, step.seconds > 1) == ("task", waits, slow), statement
    assert _of("CREATE INDEX x ON fresh (a)", {"fresh"}).waits == "nobody"
    assert _of("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ UPDATE task SET a = 1 $$").table == ""
