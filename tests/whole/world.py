"""A production with one of everything, the callers of the oracle, and a database that takes back whatever they write.

The rows are those that the oracle's README tells of. After they are made, a trigger on every table refuses each commit
that changed something: a request runs whole, its checks with it, and the next caller finds the world as it was.
"""

import http.client
import json
import re
from dataclasses import dataclass, field
from string import Template
from uuid import uuid4

import psycopg

from pegbar.files.trees.shipped import shipped_tree
from tests import factories
from tests.client import Client
from tests.media.publishing import png, published
from tests.review.sharing import Guest
from tests.server import Server
from tests.whole import oracle
from tests.whole.rows import Rows

#: The constraint that a commit is refused with.
KEPT = "the_world_is_kept"
DAY = "2031-01-05"
_PASSWORD = "a long password"
_KINDS = ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept")
#: Parameters that are no ids.
_PLAIN = {
    "day": DAY,
    "date": DAY,
    "year": "2031",
    "month": "1",
    "week": "1",
    "month_date": "2031-01",
    "provider_name": "keycloak",
    "extension": "png",
    "file_name": "note.txt",
    "consumer_name": "farm",
    "entity_type": "Character",
    "thing": "tasks",
    "moment": "2100-01-01",
}
#: Parameters that name a row of a table with another name.
_TABLES = {
    "asset_id": "entity",
    "asset_type_id": "entity_type",
    "version_id": "production_schedule_version",
    "file_id": "attachment_file",
    "link_id": "entity_link",
    "entry_id": "budget_entry",
    "error_id": "data_import_error",
    "filter_id": "search_filter",
    "filter_group_id": "search_filter_group",
    "temporal_entity_id": "shot",
}
#: Routes that want another row of a table than the rest.
_PLACES = {
    "POST /pictures/preview-files/{instance_id}": {"instance_id": "empty_preview_file"},
    "POST /open/v1/hooks/{token}": {"token": "incoming_token"},
    "GET /pictures/preview-background-files/{instance_id}.{extension}": {"extension": "background_extension"},
    "POST /actions/tasks/{task_id}/comments/{comment_id}/move": {"comment_id": "plain_comment"},
    "DELETE /data/projects/{instance_id}": {"instance_id": "closed_project"},
    "GET /data/files/{file_id}": {"file_id": "working_file"},
    "GET /open/v1/history/{thing}/{instance_id}": {"instance_id": "task"},
    "GET /open/v1/history/{thing}/{instance_id}/at/{moment}": {"instance_id": "task"},
    "DELETE /actions/persons/{person_id}/disable-two-factor-authentication": {"person_id": "newcomer"},
    "POST /console/api/jobs/{job_id}/retry": {"job_id": "failed_job"},
    "POST /console/api/jobs/{job_id}/cancel": {"job_id": "waiting_job"},
    "GET /console/assets/{name}": {"name": "console_file"},
}
#: And the routes of share links, which show a playlist of their own.
_SHARED = {
    "playlist_id": "shared_playlist",
    "preview_file_id": "shared_preview",
    "comment_id": "guest_comment",
    "attachment_file_id": "guest_file",
}
_FILES = {
    "note.txt": (b"A note", "text/plain"),
    "picture.png": (png(), "image/png"),
    # Kept as it is: nothing is made of it, so that asking costs little.
    "model.obj": (b"# nothing", "application/octet-stream"),
    "background.hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\x80\x80\x80\x80", "image/vnd.radiance"),
    "cut.edl": (
        b"TITLE: cut\n001  AX V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: P_E-SQ-SH\n",
        "text/plain",
    ),
    "people.csv": (b"First Name,Last Name,Email\nNew,Person,new@example.com\n", "text/csv"),
    "assets.csv": (b"Type,Name\nProp,New\n", "text/csv"),
    "shots.csv": (b"Episode,Sequence,Name\nE1,New,New\n", "text/csv"),
    "edits.csv": (b"Name,Description\nNew,New\n", "text/csv"),
    "casting.csv": (b"Parent,Name,Asset Type,Asset,Occurences\nA,B,C,D,1\n", "text/csv"),
    "estimations.csv": (b"Parent,Entity,Estimation\n", "text/csv"),
}
_BOUNDARY = "a-part-of-the-form"


@dataclass
class Person:
    """A caller: the tokens of a session, or of an API."""

    name: str
    id: str = ""
    access: str = ""
    refresh: str = ""


@dataclass
class World:
    """Where the callers ask, and who they are."""

    server: Server
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def place(self, line: oracle.Line) -> str:
        """The path of a line in this world."""
        special = _PLACES.get(line.route, _SHARED if "{token}" in line.path else {})

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in special:
                return self.ids[special[name]]
            if name == "instance_id":
                return self.ids[table_of(line.path)]
            if name == "day" and "{month}/{day}" in line.path:
                return "5"
            return (
                _PLAIN.get(name) or self.ids[name if name in self.ids else _TABLES.get(name, name.removesuffix("_id"))]
            )

        return re.sub(r"\{(\w+)\}", value, line.path)

    def request(self, line: oracle.Line) -> tuple[str, bytes, str]:
        """The path with its query, the body and its content type."""
        path, sent = self.place(line), oracle.bodies().get(line.route, "")
        if line.asked.startswith("?"):
            path += self.filled(line.asked)
        elif line.asked:
            sent = line.asked
        if sent.startswith("?"):
            path, sent = path + self.filled(sent), ""
        if sent.startswith("file="):
            return path, *_form(sent.removeprefix("file="))
        if line.method == "GET" or (line.method == "DELETE" and not sent):
            return path, b"", ""
        return path, self.filled(sent or "{}").encode(), "application/json"

    def filled(self, text: str) -> str:
        """A text with the ids it names."""
        return Template(text).substitute(self.ids)

    def ask(self, who: Person, line: oracle.Line) -> tuple[int, str]:
        """What the server answers this caller: status and text."""
        path, body, kind = self.request(line)
        token = who.refresh or who.access if line.path == "/auth/refresh-token" else who.access
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if kind:
            headers["Content-Type"] = kind
        for attempt in (1, 2):
            connection = self._connection = self._connection or http.client.HTTPConnection(
                "127.0.0.1", self.server.port
            )
            try:
                connection.request(line.method, f"/api{path}", body=body or None, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.read().decode(errors="replace")
            except (http.client.HTTPException, ConnectionError):
                # A connection that the server closed meanwhile.
                connection.close()
                self._connection = None
                if attempt == 2:
                    raise
        raise AssertionError


def table_of(path: str) -> str:
    """The table whose row `{instance_id}` names, by the word before it."""
    word = path.partition("/{instance_id}")[0].rpartition("/")[2].replace("-", "_")
    if word == "events":
        return "api_event"
    if word.endswith(("status", "news")):
        return word
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word.removesuffix("s")


def _form(name: str) -> tuple[bytes, str]:
    content, kind = _FILES[name]
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    return (
        f"--{_BOUNDARY}\r\n{head}".encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode(),
        f"multipart/form-data; boundary={_BOUNDARY}",
    )


def made(server: Server, admin: Client) -> World:
    """The world, with its database closed for changes."""
    world = World(server)
    _make_people(world, admin)
    _make_productions(world, admin)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        _make_rows(world, admin, connection)
        _make_preview_account(world, admin)
        admin.ok_put(f"/data/persons/{world.people['inactive'].id}", {"active": False})
        told = admin.put(f"/data/projects/{world.ids['project']}", {"description": "Told last"})
        world.ids["changed_request"] = told.headers["x-request-id"]
        _keep(connection)
    return world


def _make_people(world: World, admin: Client) -> None:
    for name, key in (("The department", "department"), ("Another department", "other_department")):
        world.ids[key] = admin.ok_post("/data/departments", {"name": name, "color": "#112233"})["id"]
    departments = {"supervisor": ["department"], "supervisor-other": ["other_department"]}
    departments |= {"assigned": ["department"], "vendor-assigned": ["department"]}
    for caller in oracle.callers():
        person = world.people[caller.name] = Person(caller.name)
        if not caller.role or caller.name == "preview":
            continue
        row = {"first_name": caller.name, "last_name": "Oracle", "role": caller.role}
        row |= {"departments": [world.ids[key] for key in departments.get(caller.name, [])]}
        row |= (
            {"is_bot": True} if caller.name == "bot" else {"email": f"{caller.name}@example.com", "password": _PASSWORD}
        )
        hired = admin.ok_post("/data/persons", row)
        person.id, person.access = hired["id"], hired.get("access_token", "")
        if caller.name != "bot":
            _sign_in(world, person, f"{caller.name}@example.com", _PASSWORD)
    newcomer = {"first_name": "New", "last_name": "Comer", "email": "newcomer@example.com"}
    world.ids["newcomer"] = admin.ok_post("/data/persons", newcomer)["id"]
    world.ids["person"] = world.people["assigned"].id
    world.ids["artist"] = world.people["artist"].id


def _sign_in(world: World, person: Person, email: str, password: str) -> None:
    answer = Client(world.server.api).ok_post("/auth/login", {"email": email, "password": password})
    person.id, person.access, person.refresh = answer["user"]["id"], answer["access_token"], answer["refresh_token"]


def _make_productions(world: World, admin: Client) -> None:
    show, other = factories.production(admin)["id"], factories.production(admin)["id"]
    world.ids |= {"project": show, "other_project": other}
    for caller in oracle.callers():
        person = world.people[caller.name]
        if not person.id or caller.role == "admin":
            continue
        admin.ok_post(f"/data/projects/{show if caller.team_role else other}/team", {"person_id": person.id})
        if caller.team_role and caller.team_role != caller.role:
            admin.ok_put(f"/data/projects/{show}/team/{person.id}", {"role": caller.team_role})
    task_type = {
        "name": "The task type",
        "color": "#112233",
        "for_entity": "Asset",
        "department_id": world.ids["department"],
    }
    world.ids["task_type"] = admin.ok_post("/data/task-types", task_type)["id"]
    world.ids["task_status"] = factories.named(admin, "task-status", "Todo")["id"]
    world.ids["entity_type"] = factories.named(admin, "entity-types", "Character")["id"]
    world.ids["organisation"] = admin.ok_get("/data/organisations")[0]["id"]
    for kind in _KINDS:
        # Some types are not in the default data set.
        if not admin.ok_get("/data/entity-types", params={"name": kind}):
            admin.ok_post("/data/entity-types", {"name": kind})
        world.ids[kind.lower()] = factories.entity(admin, show, kind)["id"]
    world.ids["entity"] = factories.entity(admin, show)["id"]
    deleted = factories.entity(admin, show)["id"]
    admin.ok_delete(f"/data/assets/{deleted}", params={"force": "true"})
    (entry,) = admin.ok_get("/open/v1/trash", params={"thing_id": deleted})["entries"]
    world.ids["trash"] = entry["id"]
    world.ids["other_entity"] = factories.entity(admin, show)["id"]
    world.ids["other_shot"] = factories.entity(admin, show, "Shot")["id"]
    closed = factories.named(admin, "project-status", "Closed")["id"]
    world.ids["closed_project"] = factories.production(admin, project_status_id=closed)["id"]
    folder = admin.ok_post(f"/data/projects/{show}/concept-folders", {"name": "Folder"})
    world.ids["concept_folder"] = folder["id"]


def _make_rows(world: World, admin: Client, connection: psycopg.Connection) -> None:
    ids = world.ids
    assignees = [world.people[name].id for name in ("assigned", "vendor-assigned")]
    for key in ("entity", *(kind.lower() for kind in _KINDS)):
        task_id = str(uuid4())
        ids.setdefault("task", task_id)
        connection.execute(
            "INSERT INTO task (id, name, project_id, task_type_id, task_status_id, entity_id, difficulty, priority,"
            " duration, estimation, created_at, updated_at)"
            " VALUES (%s, 'main', %s, %s, %s, %s, 3, 0, 0, 0, now(), now())",
            (task_id, ids["project"], ids["task_type"], ids["task_status"], ids[key]),
        )
        for person_id in assignees:
            connection.execute(
                "INSERT INTO task_person_link (task_id, person_id) VALUES (%s, %s)", (task_id, person_id)
            )
    given = {name: value for name, value in ids.items() if not name.startswith(("other_", "newcomer", "artist"))}
    rows = Rows(connection, given)
    # A second one of everything, in the other production.
    elsewhere = factories.entity(admin, ids["other_project"])
    there = {"project": ids["other_project"], "department": ids["other_department"], "entity": elsewhere["id"]}
    there |= {"task": factories.task(admin, elsewhere)["id"], "person": ids["newcomer"]}
    others = Rows(connection, there)
    ids |= {name: str(value) for name, value in rows.ids.items()}
    ids |= {f"other_{name}": str(value) for name, value in others.ids.items() if f"other_{name}" not in ids}
    _put_in_place(world, connection)
    _make_files(world, admin)
    _share(world, admin)
    _make_webhooks(world, admin, connection)


def _make_webhooks(world: World, admin: Client, connection: psycopg.Connection) -> None:
    """A webhook that sends nothing, what it sent once, and an incoming hook."""
    ids = world.ids
    row = {"url": "https://example.com/", "events": ["*"], "project_id": ids["project"]}
    ids["webhook"], ids["delivery"] = admin.ok_post("/open/v1/webhooks", row)["id"], str(uuid4())
    admin.ok_post(f"/open/v1/webhooks/{ids['webhook']}/pause")
    connection.execute(
        "INSERT INTO pegbar.webhook_delivery (id, webhook_id, name, thing, body, status, expires_at)"
        " VALUES (%s, %s, 'task:new', 'a task', '{}', 'delivered', now())",
        (ids["delivery"], ids["webhook"]),
    )
    incoming = admin.ok_post("/open/v1/incoming-hooks", {"name": "CI", "task_id": ids["task"]})
    ids |= {"incoming_hook": incoming["id"], "incoming_token": incoming["token"]}


def _share(world: World, admin: Client) -> None:
    """A playlist with a share link and a guest."""
    ids = world.ids
    entity = factories.entity(admin, ids["project"])
    task = factories.task(admin, entity)
    preview = published(admin, admin, task["id"])
    shots = [{"entity_id": entity["id"], "preview_file_id": preview["id"]}]
    row = {"name": "Shared", "project_id": ids["project"], "shots": shots}
    playlist = admin.ok_post("/data/playlists", row)["id"]
    link = admin.ok_post(f"/data/playlists/{playlist}/share", {})
    guest = Guest(admin.api, f"/shared/playlists/{link['token']}")
    comment = guest.say(task["id"], task["task_status_id"]).json()["id"]
    file = guest.attach(comment).json()["attachment_files"][0]["id"]
    ids |= {"shared_playlist": playlist, "shared_preview": preview["id"], "shared_task": task["id"]}
    ids |= {"token": link["token"], "guest": guest.id, "guest_secret": guest.person["guest_secret"]}
    ids |= {"guest_comment": comment, "guest_file": file, "shared_status": task["task_status_id"]}


def _put_in_place(world: World, connection: psycopg.Connection) -> None:
    """What the rows must be to each other beyond the foreign keys that filled them."""
    ids = world.ids
    for child, parent in (("shot", "sequence"), ("scene", "sequence"), ("sequence", "episode"), ("edit", "episode")):
        connection.execute("UPDATE entity SET parent_id = %s WHERE id = %s", (ids[parent], ids[child]))
    connection.execute("UPDATE entity SET source_id = %s WHERE id = %s", (ids["scene"], ids["shot"]))
    creator, maker = world.people["creator"].id, world.people["supervisor"].id
    connection.execute("UPDATE entity SET created_by = %s WHERE project_id = %s", (creator, ids["project"]))
    connection.execute("UPDATE playlist SET created_by = %s, episode_id = NULL WHERE id = %s", (maker, ids["playlist"]))
    connection.execute(
        "UPDATE metadata_descriptor SET entity_type = 'Asset', name = 'The column', field_name = 'the_column',"
        " task_type_id = NULL WHERE id = %s",
        (ids["metadata_descriptor"],),
    )
    ids["field_name"] = "the_column"
    ids["reply_id"] = str(uuid4())
    reply = {"id": ids["reply_id"], "date": f"{DAY}T00:00:00", "person_id": ids["person"], "text": "", "mentions": []}
    connection.execute(
        "UPDATE comment SET object_type = 'Task', text = 'internal', replies = %s WHERE id = %s",
        (json.dumps([reply]), ids["comment"]),
    )
    connection.execute(
        "UPDATE chat SET object_type = 'entity', object_id = %s WHERE id = %s", (ids["entity"], ids["chat"])
    )
    connection.execute(
        "INSERT INTO asset_instance_link (entity_id, asset_instance_id) VALUES (%s, %s)",
        (ids["shot"], ids["asset_instance"]),
    )
    ids["other_asset_instance"] = str(uuid4())
    connection.execute(
        "INSERT INTO asset_instance (id, asset_id, number) VALUES (%s, %s, 9)",
        (ids["other_asset_instance"], ids["entity"]),
    )
    ids["other_production_schedule_version"] = str(uuid4())
    connection.execute(
        "INSERT INTO production_schedule_version (id, name, project_id) VALUES (%s, 'Another', %s)",
        (ids["other_production_schedule_version"], ids["project"]),
    )
    ids["plain_comment"] = str(uuid4())
    connection.execute(
        "INSERT INTO comment (id, object_id, object_type, person_id, task_status_id, text, replies, checklist,"
        " created_at) VALUES (%s, %s, 'Task', %s, %s, 'internal', '[]', '[]', now())",
        (ids["plain_comment"], ids["task"], ids["person"], ids["task_status"]),
    )
    connection.execute("UPDATE data_import_error SET source = 'shotgun'")
    _make_work(world, connection)
    connection.execute("UPDATE person SET totp_enabled = true WHERE id = %s", (ids["newcomer"],))
    ids["other_task"] = str(uuid4())
    connection.execute(
        "INSERT INTO task (id, name, project_id, task_type_id, task_status_id, entity_id, difficulty)"
        " VALUES (%s, 'second', %s, %s, %s, %s, 3)",
        (ids["other_task"], ids["project"], ids["other_task_type"], ids["task_status"], ids["entity"]),
    )


def _make_work(world: World, connection: psycopg.Connection) -> None:
    """What the console is about: jobs, and somebody's session."""
    ids = world.ids
    for name, status in (("failed_job", "failed"), ("waiting_job", "todo")):
        (job_id,) = connection.execute(
            "INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
            " VALUES ('default', 'console.sweep', %s::pegbar.procrastinate_job_status, '2131-01-05') RETURNING id",
            [status],
        ).fetchone() or (0,)
        ids[name] = str(job_id)
    ids["session_id"], ids["console_file"] = str(uuid4()), "app.js"
    connection.execute(
        "INSERT INTO pegbar.session_use (session, person_id, kind, started_at, expires_at, seen_at, requests)"
        " VALUES (%s, %s, 'person', timezone('utc', now()), '2131-01-05', timezone('utc', now()), 1)",
        [ids["session_id"], ids["person"]],
    )


def _make_files(world: World, admin: Client) -> None:
    """Files behind the rows that stand for one: what is not there is 404, whoever asks."""
    ids, picture = world.ids, {"file": ("picture.png", png(), "image/png")}
    uploaded = admin.post(f"/pictures/preview-files/{ids['preview_file']}", files=picture)
    assert uploaded.status_code == 201, uploaded.text
    note = {"time": 0, "drawing": {"objects": [{"id": "a", "type": "circle", "radius": 9, "stroke": "red"}]}}
    admin.ok_put(f"/actions/preview-files/{ids['preview_file']}/update-annotations", {"additions": [note]})
    preview = {"name": "empty", "task_id": ids["task"], "person_id": ids["person"], "revision": 8}
    ids["empty_preview_file"] = admin.ok_post("/data/preview-files", preview)["id"]
    for kind, key in (("persons", "person"), ("organisations", "organisation"), ("projects", "project")):
        admin.post(f"/pictures/thumbnails/{kind}/{ids[key]}", files=picture)
    note = {"file": ("note.txt", b"A note", "text/plain")}
    added = admin.post(f"/actions/tasks/{ids['task']}/comments/{ids['comment']}/add-attachment", files=note)
    assert added.status_code == 201, added.text
    ids["attachment_file"] = added.json()[0]["id"]
    content, kind = _FILES["background.hdr"]
    admin.post(
        f"/pictures/preview-background-files/{ids['preview_background_file']}", files={"file": ("a.hdr", content, kind)}
    )
    ids["background_extension"] = "hdr"
    assigned = Client(admin.api, world.people["assigned"].access)
    assigned.ok_put("/open/v1/consumers/farm", {})
    ids["upload"] = assigned.post("/uploads", headers={"Upload-Length": "5"}).headers["Location"].rpartition("/")[2]
    admin.ok_put(f"/data/projects/{ids['project']}", {"file_tree": shipped_tree("simple")})
    scene = {"file": ("scene.blend", b"A scene", "application/octet-stream")}
    admin.ok_post(f"/data/working-files/{ids['working_file']}/file", files=scene)


def _make_preview_account(world: World, admin: Client) -> None:
    path = f"/data/projects/{world.ids['project']}/preview-account"
    account = admin.ok_post(path)
    admin.ok_put(path, {"is_open": True})
    _sign_in(world, world.people["preview"], account["email"], account["password"])


def _keep(connection: psycopg.Connection) -> None:
    """Refuse every commit that changes a row, after all of its request has run."""
    connection.execute(
        f"CREATE FUNCTION pegbar.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'"
        f" USING ERRCODE = 'check_violation', CONSTRAINT = '{KEPT}'; END $$"
    )
    tables = connection.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        " OR (schemaname = 'pegbar'"
        " AND tablename IN ('revoked_token', 'session_floor', 'one_time_secret', 'failed_attempt',"
        " 'upload', 'consumer', 'consumer_event'))"
    ).fetchall()
    for (table,) in tables:
        connection.execute(
            f"CREATE CONSTRAINT TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pegbar.keep()"
        )
