"""The studio and the productions in which secrets are planted.

Each production has an asset on which outsiders work (`reached`) and one on which they do not (`apart`), comments of all
kinds, columns for everybody, for clients and for one department, and links to the next production.
"""

from typing import Any
from uuid import UUID

from tests.whole.planting import DAY, STUDIO, World

#: Under view, foreign to nearly everybody, with isolated clients, under removal, closed.
VIEWED, FOREIGN, ISOLATED, REMOVED, CLOSED = "viewed", "foreign", "isolated", "removed", "closed"
SHOWS = (VIEWED, FOREIGN, ISOLATED, REMOVED, CLOSED)
#: Departments: of the task on which outsiders work, and of all the rest.
WOOD, STONE = "wood", "stone"
KINDS = ("Episode", "Sequence", "Shot", "Scene", "Edit", "Concept", "ConceptFolder")
_WITH_TASKS = ("Episode", "Sequence", "Shot", "Edit", "Concept")
_WITH_COLUMNS = ("Asset", "Shot", "Sequence", "Episode", "Edit")
#: Who may see the values of a column: everybody but clients, clients too, and of vendors those of a department.
COLUMNS = {"open": {}, "clients": {"for_client": True}, "department": {}}


def plant_studio(world: World) -> None:
    """What productions share."""
    for table in ("project_status", "entity_type"):
        for name, row_id in world.connection.execute(f"SELECT name, id FROM {table}"):
            world.rows[f"named {table}"][table][name] = row_id
    world.rows[STUDIO]["project_status"][""] = world.id("named project_status", "project_status", "Open")
    for department in (WOOD, STONE):
        world.plant(STUDIO, "department", department)
    world.plant(STUDIO, "entity_type", "asset")
    for kind in KINDS:
        known = world.rows["named entity_type"]["entity_type"]
        if kind not in known:
            known[kind] = world.plant(STUDIO, "entity_type", kind, name=kind)
    for label, kind, department in [
        (WOOD, "Asset", WOOD),
        (STONE, "Asset", STONE),
        *((kind, kind, STONE) for kind in _WITH_TASKS),
    ]:
        world.plant(
            STUDIO, "task_type", label, for_entity=kind, department_id=world.id(STUDIO, "department", department)
        )
    world.plant(STUDIO, "task_status", is_default=False)
    tokens = {name: world.mark("word", "organisation", name, STUDIO, "", UUID(int=0)) for name in
              ("chat_token_slack", "chat_webhook_mattermost", "chat_token_discord")}  # fmt: skip
    assign = ", ".join(f"{name} = %s" for name in tokens)
    row = world.connection.execute(f"UPDATE organisation SET {assign} RETURNING id", list(tokens.values())).fetchone()
    assert row is not None
    world.rows[STUDIO]["organisation"][""] = row[0]
    _trash(world, STUDIO)
    world.plant(STUDIO, "person", "idle")
    world.sweep(STUDIO)


def plant_show(world: World, place: str) -> None:
    """A production with all that belongs to one."""
    status = world.id("named project_status", "project_status", "Closed" if place == CLOSED else "Open")
    show = world.plant(place, "project", project_status_id=status, is_clients_isolated=place == ISOLATED)
    for label, role in {"crew": "user", "client": "client"}.items():
        person = world.plant(place, "person", label, role=role, email="…")
        world.plant(place, "project_person_link", label, project_id=show, person_id=person, role=None)
        world.plant(place, "day_off", label, person_id=person)
        world.plant(place, "desktop_login_log", label, person_id=person)
        world.plant(place, "login_log", label, person_id=person)
    world.link("department_link", person_id=_crew(world, place), department_id=world.id(STUDIO, "department", WOOD))
    for task_type in world.rows[STUDIO]["task_type"].values():
        world.plant(place, "project_task_type_link", project_id=show, task_type_id=task_type)
    _columns(world, place)
    _entities(world, place)
    for label in ("reached", "apart"):
        _files(world, place, label)
        _chat(world, place, label)
    _comments(world, place)
    _planning(world, place)
    _searches(world, place)
    _trash(world, place)
    _webhook(world, place)
    for label, for_client in {"internal": False, "clients": True}.items():
        shown = {"entity_id": world.id(place, "entity", "reached"), "preview_file_id": None}
        playlist = world.plant(place, "playlist", label, for_client=for_client, shots=[shown], episode_id=None)
        world.plant(place, "playlist_share_link", label, playlist_id=playlist)
        world.plant(place, "build_job", label, playlist_id=playlist)
    world.sweep(place)


def _crew(world: World, place: str) -> UUID:
    return world.id(place, "person", "crew")


def _columns(world: World, place: str) -> None:
    stone = world.id(STUDIO, "department", STONE)
    for kind in _WITH_COLUMNS:
        for label, more in COLUMNS.items():
            column = world.plant(
                place, "metadata_descriptor", label, entity_type=kind, field_name=f"f_{label}", choices=["…"],
                data_type="list", task_type_id=None, **more,
            )  # fmt: skip
            if label == "department":
                world.link("department_metadata_descriptor_link", metadata_descriptor_id=column, department_id=stone)


def _values() -> dict[str, str]:
    return {f"f_{label}": f"…{label}" for label in COLUMNS}


def _entities(world: World, place: str) -> None:
    """A tree of entities with a task on each, and two assets."""
    parent: dict[str, str] = {"Sequence": "Episode", "Shot": "Sequence", "Scene": "Sequence", "Edit": "Episode",
                              "Concept": "ConceptFolder"}  # fmt: skip
    types = world.rows["named entity_type"]["entity_type"]
    crew = _crew(world, place)
    for label in ("Episode", "Sequence", "Shot", "Scene", "Edit", "ConceptFolder", "Concept"):
        above = world.rows[place]["entity"].get(parent.get(label, ""))
        world.plant(
            place, "entity", label, entity_type_id=types[label], parent_id=above, created_by=crew, data=_values()
        )
    for label in ("reached", "apart", "shared"):
        world.plant(
            place, "entity", label, created_by=crew, data=_values(), is_shared=label == "shared",
            source_id=world.id(place, "entity", "Episode") if label == "apart" else None,
        )  # fmt: skip
    tasks = {"reached": ("reached", WOOD), "beside": ("reached", STONE), "apart": ("apart", STONE)}
    tasks |= {kind: (kind, kind) for kind in _WITH_TASKS}
    for label, (of, task_type) in tasks.items():
        task = world.plant(
            place, "task", label, entity_id=world.id(place, "entity", of), assigner_id=crew,
            task_type_id=world.id(STUDIO, "task_type", task_type),
        )  # fmt: skip
        world.link("task_person_link", task_id=task, person_id=crew)
        world.plant(place, "time_spent", label, task_id=task, person_id=crew)
        world.plant(place, "news", label, task_id=task, author_id=crew, comment_id=None, preview_file_id=None)
        world.plant(place, "subscription", label, task_id=task, person_id=crew, task_type_id=None)
    for label in ("Shot", "Edit", "reached", "apart"):
        world.plant(place, "entity_version", label, entity_id=world.id(place, "entity", label), data=_values())
    for out in ("reached", "apart", "shared"):
        for into in ("Shot", "Episode"):
            cast(world, place, out, place, into)
    world.link(
        "entity_concept_link", id=world.ink.id(), entity_in_id=world.id(place, "entity", "Concept"),
        entity_out_id=world.id(place, "entity", "apart"),
    )  # fmt: skip
    for label in ("reached", "apart"):
        instance(world, place, label, place)


def cast(world: World, place: str, out: str, where: str, into: str) -> None:
    """An asset of one production in a shot or episode of the same or another."""
    into_id, out_id = world.id(where, "entity", into), world.id(place, "entity", out)
    # A link belongs to where the asset is cast.
    label = f"{out} of {place} in {into}"
    world.plant(where, "entity_link", label, entity_in_id=into_id, entity_out_id=out_id, data={})


def instance(world: World, place: str, label: str, where: str) -> None:
    """An asset of a production in a scene and a shot of the same or another."""
    scene, shot = (world.id(where, "entity", kind) for kind in ("Scene", "Shot"))
    known = label if place == where else f"{label} in {where}"
    asset = world.id(place, "entity", label)
    made = world.plant(place, "asset_instance", known, asset_id=asset, scene_id=scene, entity_id=None)
    world.link("asset_instance_link", entity_id=shot, asset_instance_id=made)


def _files(world: World, place: str, label: str) -> None:
    task, entity = world.id(place, "task", label), world.id(place, "entity", label)
    of_task = {"task_id": task, "person_id": _crew(world, place)}
    working = world.plant(place, "working_file", label, entity_id=entity, **of_task)
    output = world.plant(
        place, "output_file", label, entity_id=entity, source_file_id=working, asset_instance_id=None,
        task_type_id=world.id(STUDIO, "task_type", WOOD),
    )  # fmt: skip
    drawn = [{"time": 0, "drawing": {"objects": [{"text": "…"}]}}]
    preview = world.plant(
        place, "preview_file", label, annotations=drawn, source_file_id=output, status="ready", **of_task
    )
    update = world.connection.execute
    update("UPDATE entity SET preview_file_id = %s WHERE id = %s", [preview, entity])
    update("UPDATE task SET last_preview_file_id = %s WHERE id = %s", [preview, task])


def _comments(world: World, place: str) -> None:
    crew, client = _crew(world, place), world.id(place, "person", "client")
    for label, task, author, for_client in [
        ("internal", "reached", crew, False),
        ("clients", "reached", crew, True),
        ("by a client", "reached", client, False),
        ("apart", "apart", crew, False),
        ("of a concept", "Concept", crew, False),
    ]:
        reply = {"id": str(world.ink.id()), "date": f"{DAY}T10:00:00", "person_id": str(author), "text": "…"}
        comment = world.plant(
            place, "comment", label, object_id=world.id(place, "task", task), person_id=author, editor_id=None,
            for_client=for_client, replies=[{**reply, "mentions": [], "department_mentions": []}],
            checklist=[{"text": "…", "checked": False}], links=None, data={},
        )  # fmt: skip
        world.plant(place, "attachment_file", label, comment_id=comment)
        about = {"task_id": world.id(place, "task", task), "author_id": author, "comment_id": comment}
        world.plant(place, "news", f"comment {label}", preview_file_id=None, **about)
        world.plant(place, "notification", label, person_id=crew, **about)
    # Clients get the picture of an internal comment, without its words.
    for label in ("clients", "internal"):
        shown = world.id(place, "preview_file", "reached")
        world.link("comment_preview_link", comment=world.id(place, "comment", label), preview_file=shown)


def _chat(world: World, place: str, label: str) -> None:
    crew = _crew(world, place)
    chat = world.plant(place, "chat", label, object_id=world.id(place, "entity", label))
    world.link("chat_participant", chat_id=chat, person_id=crew)
    message = world.plant(place, "chat_message", label, chat_id=chat, person_id=crew)
    world.plant(place, "attachment_file", f"chat {label}", comment_id=None, chat_message_id=message)


def _planning(world: World, place: str) -> None:
    task = world.id(place, "task", "reached")
    version = world.plant(place, "production_schedule_version")
    link = world.plant(
        place, "production_schedule_version_task_link", production_schedule_version_id=version, task_id=task
    )
    world.link(
        "production_schedule_version_task_link_person_link", production_schedule_version_task_link_id=link,
        person_id=_crew(world, place),
    )  # fmt: skip
    world.plant(place, "milestone")
    world.plant(place, "schedule_item", task_type_id=world.id(STUDIO, "task_type", WOOD), object_id=None)
    budget = world.plant(place, "budget")
    person, department = _crew(world, place), world.id(STUDIO, "department", WOOD)
    world.plant(
        place, "budget_entry", budget_id=budget, person_id=person, department_id=department, exceptions={"2031-02": "…"}
    )


def _searches(world: World, place: str) -> None:
    crew = _crew(world, place)
    for label in ("own", "shared"):
        mine: dict[str, Any] = {"person_id": crew, "is_shared": label == "shared", "department_id": None}
        group = world.plant(place, "search_filter_group", label, **mine)
        world.plant(place, "search_filter", label, search_filter_group_id=group, **mine)


def _trash(world: World, place: str) -> None:
    """Something that was deleted, in the trash and in the history; in the studio, something of no production."""
    show = world.rows[place]["project"].get("")
    table = "salary_scale" if show is None else "budget"
    entry = world.put(
        place, "trash", deleted_at=DAY, production_id=show, production_name="…", kind="…", name="…", state="whole",
        row_count=1, rows={table: 1}, doing="…", error="…",
    )  # fmt: skip
    gone = world.ink.id()
    name = world.mark("word", "trash", "name", place, "", entry, "contents")
    (change,) = world.connection.execute("SELECT nextval('pegbar.change_id')").fetchone() or (0,)
    world.link("pegbar.trash_change", change_id=change, trash_id=entry)
    world.link("pegbar.trash_thing", trash_id=entry, row_id=gone, table_name=table, kind="Thing", name=name)
    told = {"table_name": table, "row_id": gone, "project_id": show, "op": "D", "old": {"name": name}}
    world.link("pegbar.history", change_id=change, **told)


def _webhook(world: World, place: str) -> None:
    """A webhook that is paused, and what it sent once."""
    (seen,) = world.connection.execute("SELECT pg_current_snapshot()::text").fetchone() or ("",)
    webhook = world.put(
        place, "webhook", name="…", url="…", events=["*"], patterns=["%"], project_id=world.id(place, "project"),
        owner_id=None, filter={"thing": "…", "filters": []}, state="paused", reason="…", sealed_secret=b"", seen=seen,
    )  # fmt: skip
    delivery = world.put(
        place, "webhook_delivery", webhook_id=webhook, name="…", thing="…", body="…", status="delivered",
        expires_at="2131-01-06",
    )  # fmt: skip
    answer = world.mark("word", "webhook_delivery", "body", place, "", delivery, "answer")
    headers: dict[str, Any] = {"request_headers": {}, "response_headers": {}}
    about = {"webhook_delivery_id": delivery, "number": 1, "duration_ms": 1}
    world.link("pegbar.webhook_attempt", **about, **headers, response_body=answer, error="")


def tie(world: World, one: str, other: str) -> None:
    """Links from one production into another: assets cast there, instances, concepts."""
    for label in ("apart", "shared"):
        cast(world, one, label, other, "Shot")
        cast(world, one, label, other, "Episode")
    instance(world, one, "apart", other)
    for here, there in ((one, other), (other, one)):
        world.link(
            "entity_concept_link", id=world.ink.id(), entity_in_id=world.id(here, "entity", "Concept"),
            entity_out_id=world.id(there, "entity", "reached"),
        )  # fmt: skip
