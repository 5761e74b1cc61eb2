"""Letting what was deleted go for good, as a manager does who cannot wait."""

from tests.client import Client


def purge(who: Client, thing_id: str) -> None:
    """Purge the entry of a thing that was deleted."""
    (entry,) = who.ok_get("/open/v1/trash", params={"thing_id": thing_id})["entries"]
    who.ok_delete(f"/open/v1/trash/{entry['id']}")
