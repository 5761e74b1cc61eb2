"""Rows that tests need, made through the API by an administrator."""

from typing import Any

from tests.client import Client, unique


def hire(admin: Client, role: str = "user", **more: Any) -> Client:
    """Somebody of a role, as a client of the API (a bot has its token from birth)."""
    row = admin.ok_post(
        "/data/persons", {"first_name": "Bo", "last_name": unique(role), "role": role, "is_bot": True, **more}
    )
    return Client(admin.api, row["access_token"], row)


def production(admin: Client, *team: Client, **more: Any) -> dict[str, Any]:
    """A production with a team."""
    made: dict[str, Any] = admin.ok_post("/data/projects", {"name": unique("Show"), **more})
    for member in team:
        join(admin, made["id"], member)
    return made


def join(manager: Client, project_id: str, member: Client, role: str | None = None) -> None:
    """Put somebody in a team, with a role there."""
    manager.ok_post(f"/data/projects/{project_id}/team", {"person_id": member.id})
    if role is not None:
        manager.ok_put(f"/data/projects/{project_id}/team/{member.id}", {"role": role})


#: Rows of the default data set of each server, which tests leave as they are.
_defaults: dict[tuple[str, ...], dict[str, Any]] = {}


def named(admin: Client, path: str, name: str, **filters: str) -> dict[str, Any]:
    """A row of the default data set."""
    key = (admin.api, path, name, *map(str, sorted(filters.items())))
    if key not in _defaults:
        _defaults[key] = admin.ok_get(f"/data/{path}", params={"name": name, **filters})[0]
    return dict(_defaults[key])


def entity(admin: Client, project_id: str, kind: str = "Character", **more: Any) -> dict[str, Any]:
    """An asset, or a shot, sequence… with `kind`."""
    row = {"name": unique(kind), "project_id": project_id, "entity_type_id": named(admin, "entity-types", kind)["id"]}
    return dict(admin.ok_post("/data/entities", {**row, **more}))


def task(admin: Client, of: dict[str, Any], task_type: str = "Modeling", **more: Any) -> dict[str, Any]:
    """A task of an entity, to do."""
    row = {
        "name": "main",
        "project_id": of["project_id"],
        "entity_id": of["id"],
        "task_type_id": named(admin, "task-types", task_type)["id"],
        "task_status_id": named(admin, "task-status", "Todo")["id"],
    }
    return dict(admin.ok_post("/data/tasks", {**row, **more}))
