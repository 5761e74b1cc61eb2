"""Ids: those of new rows grow with the time, but where binaries are stored by them."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.ids import id_of, ids_in_order, new_id
from tests import factories
from tests.client import Client
from tests.media.publishing import comment_on, place


@given(count=st.integers(1, 5000))
def test_ids_that_are_made_together_are_in_order(count: int) -> None:
    made = ids_in_order(count)
    ids = [UUID(bytes=made[start : start + 16]) for start in range(0, len(made), 16)]
    assert len(set(ids)) == count
    assert ids == sorted(ids)
    assert {(row_id.version, row_id.variant) for row_id in ids} == {(7, RFC_4122)}


def test_an_id_is_after_those_of_the_milliseconds_before() -> None:
    first = new_id()
    while (later := new_id()).bytes[:6] == first.bytes[:6]:
        pass
    assert later > first


@given(row_id=st.uuids())
def test_an_id_is_read_in_all_its_spellings(row_id: UUID) -> None:
    for text in (str(row_id), str(row_id).upper(), row_id.hex, f"{{{row_id}}}", row_id.urn):
        assert id_of(text) == row_id


def test_only_rows_with_files_have_random_ids(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = comment_on(admin, admin, task["id"])
    preview = place(admin, task["id"], comment["id"])
    with_files = (show, preview, admin.ok_get("/data/organisations")[0])
    assert {UUID(row["id"]).version for row in with_files} == {4}
    assert {UUID(row["id"]).version for row in (task, comment)} == {7}
