"""A studio with something of everything, and the command that copies it."""

from dataclasses import dataclass, field
from typing import Any

from pegbar.core.storage import choice
from tests.client import Client, unique
from tests.command import Done, pegbar
from tests.factories import entity, hire, named, task
from tests.media.publishing import place, png, upload
from tests.server import ADMIN, Server

Row = dict[str, Any]


def command(name: str, other: Server, own: Server, *options: str) -> Done:
    """Run `pegbar sync NAME` on a server's folder, about another server."""
    # The tests are one process for several servers.
    choice.store.cache_clear()
    address = "--to" if name == "push" else "--from"
    try:
        return pegbar(
            *("sync", name, address, other.url, "--email", ADMIN[0], "--data", str(own.folder), *options),
            PEGBAR_SYNC_PASSWORD=ADMIN[1],
        )
    finally:
        choice.store.cache_clear()


@dataclass
class Show:
    """A production."""

    project: Row
    hero: Row
    sequence: Row
    shots: list[Row]
    tasks: list[Row]
    comments: list[Row]
    picture: Row
    document: Row
    attachment: Row
    playlist: Row


@dataclass
class World:
    """A studio."""

    admin: Client
    artist: Row
    supervisor: Client
    software: Row
    shows: list[Show] = field(default_factory=list)

    @classmethod
    def made(cls, admin: Client) -> "World":
        organisation = admin.ok_get("/data/organisations")[0]
        admin.ok_put(f"/data/organisations/{organisation['id']}", {"name": "The source", "hours_by_day": 7})
        animation = named(admin, "departments", "Animation")
        artist = admin.ok_post(
            "/data/persons",
            {
                "first_name": "Élise",
                "last_name": unique("Artist"),
                "email": f"{unique('elise').replace(' ', '')}@studio.example",
                "departments": [animation["id"]],
                "password": "a long password",
            },
        )
        admin.ok_post("/data/studios", {"name": unique("Annecy"), "color": "#00ff00"})
        software = admin.ok_post(
            "/data/softwares", {"name": unique("Blender"), "short_name": "bl", "file_extension": ".blend"}
        )
        admin.ok_post(f"/data/departments/{animation['id']}/software-licenses", {"software_id": software["id"]})
        world = cls(admin, artist, hire(admin, "manager"), software)
        admin.ok_post("/data/day-offs", {"date": "2024-03-03", "end_date": "2024-03-04", "person_id": artist["id"]})
        admin.post(f"/pictures/thumbnails/persons/{artist['id']}", files={"file": ("face.png", png(300, 200))})
        world.shows = [world.produce(), world.produce()]
        return world

    def name_of(self, show: Show) -> str:
        """What a production is called by now."""
        return str(self.admin.ok_get(f"/data/projects/{show.project['id']}")["name"])

    def produce(self) -> Show:
        """A production with something of everything."""
        admin, artist = self.admin, self.artist
        project = admin.ok_post("/data/projects", {"name": unique("Show")})
        path = f"/data/projects/{project['id']}"
        for person_id in (artist["id"], self.supervisor.id):
            admin.ok_post(f"{path}/team", {"person_id": person_id})
        admin.ok_put(f"{path}/team/{self.supervisor.id}", {"role": "supervisor"})
        animation = named(admin, "task-types", "Animation", for_entity="Shot")
        admin.ok_post(f"{path}/settings/task-types", {"task_type_id": animation["id"], "priority": 3})
        admin.ok_post(f"{path}/task-types/{animation['id']}/softwares", {"software_id": self.software["id"]})
        todo, wip = named(admin, "task-status", "Todo"), named(admin, "task-status", "Work In Progress")
        for status in (todo, wip):
            admin.ok_post(f"{path}/settings/task-status", {"task_status_id": status["id"]})
        descriptor = {"name": "Size", "entity_type": "Asset", "data_type": "string"}
        admin.ok_post(f"{path}/metadata-descriptors", descriptor)
        hero = entity(admin, project["id"], data={"size": "big"})
        sequence = admin.ok_post(f"{path}/sequences", {"name": "SQ01"})
        shots = [
            admin.ok_post(f"{path}/shots", {"name": name, "sequence_id": sequence["id"], "nb_frames": 48})
            for name in ("SH010", "SH020")
        ]
        for shot in shots:
            cast = [{"asset_id": hero["id"], "nb_occurences": 2}]
            admin.ok_put(f"{path}/entities/{shot['id']}/casting", cast)
        tasks = [task(admin, shot, "Animation", assignees=[artist["id"]]) for shot in shots]
        comments = [
            admin.ok_post(
                f"/actions/tasks/{made['id']}/comment",
                {
                    "task_status_id": wip["id"],
                    "comment": f"Look @{artist['first_name']} {artist['last_name']} ✓",
                    "checklist": [{"text": "the hand", "checked": False}],
                },
            )
            for made in tasks
        ]
        picture = place(admin, tasks[0]["id"], comments[0]["id"])
        assert upload(admin, picture["id"], png(64, 32)).status_code == 201
        admin.ok_put(f"/actions/preview-files/{picture['id']}/set-main-preview", {})
        document = place(admin, tasks[1]["id"], comments[1]["id"])
        assert upload(admin, document["id"], b"# a document\n" * 500, "notes.md").status_code == 201
        attach = f"/actions/tasks/{tasks[1]['id']}/comments/{comments[1]['id']}/add-attachment"
        attachment = admin.ok_post(attach, files={"file": ("notes é.txt", b"some notes")})[0]
        playlist = admin.ok_post(
            "/data/playlists",
            {
                "name": "Dailies",
                "project_id": project["id"],
                "shots": [{"entity_id": shots[0]["id"], "preview_file_id": picture["id"]}],
            },
        )
        spent = f"/actions/tasks/{tasks[0]['id']}/time-spents/2024-01-05/persons/{artist['id']}"
        admin.ok_post(spent, {"duration": 120})
        milestone = {"name": "Alpha", "date": "2024-02-02", "task_type_id": animation["id"]}
        admin.ok_post("/data/milestones", {**milestone, "project_id": project["id"]})
        budget = admin.ok_post(f"{path}/budgets", {"name": "First", "currency": "EUR"})
        entry = {"department_id": animation["department_id"], "person_id": artist["id"], "start_date": "2024-01-01"}
        more = {"months_duration": 3, "daily_salary": 100, "position": "artist", "seniority": "mid"}
        admin.ok_post(f"{path}/budgets/{budget['id']}/entries", {**entry, **more})
        saved = {"list_type": "asset", "name": "mine", "search_query": "hero", "project_id": project["id"]}
        admin.ok_post("/data/search-filters", {**saved, "person_id": admin.id})
        return Show(project, hero, sequence, shots, tasks, comments, picture, document, attachment, playlist)
