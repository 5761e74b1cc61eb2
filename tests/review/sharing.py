"""A playlist that is shared, and who comes by its link."""

from dataclasses import dataclass
from typing import Any

import requests

from tests import factories
from tests.client import Client, unique
from tests.media.publishing import published


@dataclass
class Shared:
    """A production with one asset in a playlist and one beside it."""

    admin: Client
    show: dict[str, Any]
    asset: dict[str, Any]
    aside: dict[str, Any]
    task: dict[str, Any]
    task_aside: dict[str, Any]
    preview: dict[str, Any]  #: in the playlist
    older: dict[str, Any]  #: another revision of the same task
    hidden: dict[str, Any]  #: of the asset beside it
    playlist: dict[str, Any]

    @property
    def links(self) -> str:
        return f"/data/playlists/{self.playlist['id']}/share"

    def link(self, **more: Any) -> dict[str, Any]:
        return dict(self.admin.ok_post(self.links, more))

    def page(self, **more: Any) -> str:
        """The address of a new link's page."""
        return f"/shared/playlists/{self.link(**more)['token']}"

    def status(self, name: str = "Todo") -> str:
        return str(factories.named(self.admin, "task-status", name)["id"])


def share(admin: Client, **more: Any) -> Shared:
    show = factories.production(admin)
    asset, aside = (factories.entity(admin, show["id"]) for _ in range(2))
    task, task_aside = factories.task(admin, asset), factories.task(admin, aside)
    older, preview = (published(admin, admin, task["id"]) for _ in range(2))
    hidden = published(admin, admin, task_aside["id"])
    shots = [{"entity_id": asset["id"], "preview_file_id": preview["id"]}]
    row = {"name": unique("Review"), "project_id": show["id"], "for_entity": "asset", "shots": shots, **more}
    playlist = admin.ok_post("/data/playlists", row)
    return Shared(admin, show, asset, aside, task, task_aside, preview, older, hidden, playlist)


class Guest(Client):
    """Somebody at the page of a link, in a browser of their own."""

    def __init__(self, api: str, page: str, **names: str) -> None:
        super().__init__(api)
        self.page = page
        self.person = self.ok_post(f"{page}/guest", {"first_name": "Gil", **names})

    def say(self, task_id: str, status_id: str, text: str = "Nice", **more: Any) -> requests.Response:
        body = {"guest_id": self.id, "task_id": task_id, "task_status_id": status_id, "text": text, **more}
        return self.post(f"{self.page}/comments", body)

    def said(self, shared: Shared, text: str = "Nice") -> dict[str, Any]:
        answer = self.say(shared.task["id"], shared.status(), text)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def attach(self, comment_id: str, data: bytes = b"words", name: str = "note.txt", **more: Any) -> requests.Response:
        files = {"file-0": (name, data, more.pop("kind", "text/plain"))}
        form = {"guest_id": self.id, **more}
        return self.call("POST", f"{self.page}/comments/{comment_id}/attachments", data=form, files=files)

    def draw(self, preview_id: str, **changes: Any) -> requests.Response:
        body = {"guest_id": self.id, "preview_file_id": preview_id, **changes}
        return self.put(f"{self.page}/annotations", body)
