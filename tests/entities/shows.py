"""Productions with sequences, shots and assets, and what happened in them."""

from typing import Any

import psycopg

from tests.client import Client, unique
from tests.factories import join, named, production
from tests.server import Server


class Show:
    """A production seen by an administrator."""

    def __init__(self, admin: Client, *team: Client, **more: Any) -> None:
        self.admin = admin
        self.row = production(admin, *team, **more)
        self.id: str = self.row["id"]
        self.path = f"/data/projects/{self.id}"

    def join(self, member: Client, role: str | None = None) -> Client:
        join(self.admin, self.id, member, role)
        return member

    def episode(self, name: str | None = None) -> dict[str, Any]:
        return dict(self.admin.ok_post(f"{self.path}/episodes", {"name": name or unique("E")}))

    def sequence(self, episode: dict[str, Any] | None = None, name: str | None = None) -> dict[str, Any]:
        body = {"name": name or unique("SQ"), "episode_id": episode and episode["id"]}
        return dict(self.admin.ok_post(f"{self.path}/sequences", body))

    def shot(self, sequence: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        body = {"name": unique("SH"), "sequence_id": sequence and sequence["id"], **more}
        return dict(self.admin.ok_post(f"{self.path}/shots", body))

    def asset(self, kind: str = "Character", **more: Any) -> dict[str, Any]:
        type_id = named(self.admin, "entity-types", kind)["id"]
        body = {"name": unique(kind), **more}
        return dict(self.admin.ok_post(f"{self.path}/asset-types/{type_id}/assets/new", body))

    def cast(self, into: dict[str, Any], *assets: dict[str, Any], count: int = 1) -> None:
        parts = [{"asset_id": row["id"], "nb_occurences": count} for row in assets]
        self.admin.ok_put(f"{self.path}/entities/{into['id']}/casting", parts)

    def casting(self, of: dict[str, Any]) -> list[str]:
        return [part["asset_id"] for part in self.admin.ok_get(f"{self.path}/entities/{of['id']}/casting")]

    def read(self, entity: dict[str, Any], who: Client | None = None) -> dict[str, Any]:
        return dict((who or self.admin).ok_get(f"/data/entities/{entity['id']}"))


def happened(server: Server, project_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a production, in order."""
    with psycopg.connect(server.database_url) as connection:
        rows = connection.execute(
            "SELECT name, payload::jsonb FROM pegbar.outbox WHERE project_id = %s ORDER BY position", [project_id]
        ).fetchall()
    return [(name, payload) for name, payload in rows]
