"""What takes changes back is a pure function: properties of it, on rows in memory."""

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pegbar.open.undo.plan import Entry, Row, plan

Rows = dict[Row, dict[str, Any]]
_IDS = ("a", "b", "c")
_VALUES = st.one_of(
    st.none(), st.integers(0, 2), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2), max_size=3)
)
_COLUMNS = st.fixed_dictionaries({"name": _VALUES, "data": _VALUES})
_STEPS = st.lists(
    st.tuples(st.sampled_from(_IDS), st.sampled_from(("write", "write", "write", "delete")), _COLUMNS), max_size=8
)
_START = st.dictionaries(st.sampled_from(_IDS), _COLUMNS)


def run(rows: Rows, steps: list[tuple[str, str, dict[str, Any]]]) -> list[Entry]:
    """Change the rows; the history of it, as the triggers write it."""
    entries = []
    for row_id, verb, values in steps:
        row = ("thing", row_id)
        current = rows.get(row)
        if verb == "delete":
            if current is not None:
                entries.append(Entry(row, "D", rows.pop(row), {}))
        elif current is None:
            rows[row] = dict(values)
            entries.append(Entry(row, "I", {}, {}))
        elif changed := [name for name in values if values[name] != current[name]]:
            old, new = ({name: side[name] for name in changed} for side in (current, values))
            rows[row] = {**current, **values}
            entries.append(Entry(row, "U", old, new))
    return entries


def take_back(rows: Rows, entries: list[Entry], since: dict[Row, list[str]] | None = None) -> bool:
    """Whether it was taken back: nothing changes else."""
    made = plan(entries, rows, since or {})
    if made.obstacles:
        return False
    for row in made.deletes:
        del rows[row]
    for row, values in made.updates.items():
        rows[row] = {**rows[row], **values}
    for row, document in made.inserts.items():
        assert row not in rows
        rows[row] = dict(document)
    return True


def _rows(start: dict[str, dict[str, Any]]) -> Rows:
    return {("thing", row_id): dict(values) for row_id, values in start.items()}


@given(_START, _STEPS)
def test_alone_changes_are_taken_back_exactly(start: dict[str, dict[str, Any]], steps: list[Any]) -> None:
    rows = _rows(start)
    before = deepcopy(rows)
    assert take_back(rows, run(rows, steps))
    assert rows == before


@given(_START, _STEPS, _STEPS)
def test_what_others_did_since_stays_or_stands_in_the_way(
    start: dict[str, dict[str, Any]], steps: list[Any], others: list[Any]
) -> None:
    rows = _rows(start)
    before = deepcopy(rows)
    entries = run(rows, steps)
    became = deepcopy(rows)
    since: dict[Row, list[str]] = {}
    for entry in run(rows, others):
        since.setdefault(entry.row, []).extend(entry.new)
    then = deepcopy(rows)
    if not take_back(rows, entries, since):
        assert rows == then
        return
    touched = {entry.row for entry in entries}
    for row in then.keys() - touched:
        assert rows[row] == then[row]
    for row in touched & rows.keys() & before.keys() & became.keys() & then.keys():
        for name, value in then[row].items():
            if before[row][name] == became[row][name]:
                assert rows[row][name] == value, "what was not changed is as others left it"
            elif value == became[row][name]:
                assert rows[row][name] == before[row][name]
