"""Gazu's studios."""

import gazu

from tests.client import Client, unique
from tests.gazu.conftest import Row


def test_studios(admin: Client, signed_in: Row) -> None:
    # Gazu has no function that makes one.
    made = admin.ok_post("/data/studios", {"name": unique("Studio"), "color": "#112233"})
    assert made["id"] in [row["id"] for row in gazu.studio.all_studios()]
    assert gazu.studio.get_studio(made["id"])["name"] == made["name"]
    assert gazu.studio.get_studio_by_name(made["name"])["id"] == made["id"]
    assert gazu.studio.update_studio({"id": made["id"], "color": "#445566"})["color"] == "#445566"
    gazu.studio.remove_studio(made)
    assert gazu.studio.get_studio_by_name(made["name"]) is None
