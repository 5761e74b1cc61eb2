"""Teams of productions. Spec projects, "team"."""

from tests.client import Client
from tests.factories import hire, join, production


def test_a_team_gains_and_loses_members(admin: Client) -> None:
    show, artist = production(admin), hire(admin)
    assert admin.ok_get(f"/data/projects/{show['id']}")["team"] == []
    join(admin, show["id"], artist, "supervisor")
    assert admin.ok_get(f"/data/projects/{show['id']}")["team"] == [artist.id]
    assert artist.ok_get(f"/data/projects/{show['id']}")["id"] == show["id"]
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    assert artist.get(f"/data/projects/{show['id']}").status_code == 403
