"""What travels between servers is derived from the tables: nothing is forgotten, nothing comes before what it names."""

import contextlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.app import load_domains
from pegbar.core.data import belonging
from pegbar.core.data.schema import metadata
from pegbar.core.errors import ApiError
from pegbar.exchange.sync.parts import part_of, parts
from pegbar.exchange.sync.staging import clean

load_domains()

#: What no API tells, or what is of one server only (docs/sync.md).
_STAYS = {
    *("api_event", "plugin", "data_import_error", "login_log", "desktop_login_log", "stored_file"),
    *("preview_file_storage_state", "entity_version", "playlist_share_link", "build_job"),
}


def test_every_table_of_a_studio_travels_or_is_known_to_stay() -> None:
    links = {link.table.name for part in parts() for link in part.links}
    tables = {table.name for table in metadata.tables.values() if table.schema is None}
    assert tables - links - {part.name for part in parts()} == _STAYS


def test_a_part_comes_after_what_it_names() -> None:
    done: set[str] = set()
    for part in parts():
        for column in part.references:
            target = belonging.target_of(column)
            assert target is not None
            assert target.name in done or column.name in part.late or part_of(target.name) is None, column
        done.add(part.name)


def test_only_references_that_may_be_empty_wait() -> None:
    assert all(part.table.c[name].nullable for part in parts() for name in part.late)


def test_secrets_do_not_travel() -> None:
    person = part_of("person")
    assert person is not None
    travels = {column.name for column in person.columns}
    assert travels.isdisjoint({"password", "totp_secret", "email_otp_secret", "fido_credentials", "otp_recovery_codes"})
    assert travels.isdisjoint({"jti", "totp_enabled", "fido_enabled"})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["task", "comment", "project", "person", "entity_link", "notification"])
@given(data=st.data())
def test_whatever_a_row_holds_it_is_taken_or_refused(name: str, data: Any) -> None:
    part = part_of(name)
    assert part is not None
    keys = [column.name for column in part.columns] + [link.key for link in part.links]
    row = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(keys, _JSON)) | _JSON)
    with contextlib.suppress(ApiError):
        kept = clean(part, row)
        assert isinstance(kept["id"], UUID)
        assert kept.keys() <= set(keys)
