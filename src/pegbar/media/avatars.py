"""Pictures of persons, productions and the organisation. Source: spec media, "Avatars"."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import Table, select

from pegbar.accounts.resources import persons
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import param
from pegbar.core.errors import MethodNotAllowed, NotFound
from pegbar.core.http.access import (
    Caller,
    Place,
    Rule,
    admin,
    anyone,
    at,
    authenticated,
    global_manager,
    manager_of,
    member_of,
)
from pegbar.core.http.downloads import Download, download
from pegbar.core.http.idempotency import STORES
from pegbar.core.http.routing import Reply, get, post
from pegbar.core.http.uploads import received_form
from pegbar.core.live.events import Event
from pegbar.core.storage import record, store
from pegbar.media import addresses
from pegbar.media.events import ORGANISATION_SET_THUMBNAIL, PERSON_SET_THUMBNAIL, PROJECT_SET_THUMBNAIL
from pegbar.media.pictures import AVATAR, rendered
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.tables import project
from pegbar.studio.resources import organisations
from pegbar.studio.tables import organisation

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, eq=False)
class Gallery:
    """A table whose rows have an avatar, where it is served, and what its change is told by."""

    table: Table
    path: str
    events: tuple[Event, ...]

    @property
    def has_avatar(self) -> Any:
        """Whether a row has an avatar."""
        return select(self.table.c.has_avatar).where(self.table.c.id == param("row_id"))

    @property
    def row(self) -> Place:
        """The row that the path names: 404 when there is none."""
        known = select(self.table.c.id.label("place_id")).where(self.table.c.id == param("key"))
        return Place("studio", "instance_id", known)


PERSONS = Gallery(person, "/pictures/thumbnails/persons", (persons.events["update"], PERSON_SET_THUMBNAIL))
ORGANISATIONS = Gallery(
    organisation, "/pictures/thumbnails/organisations", (organisations.events["update"], ORGANISATION_SET_THUMBNAIL)
)
PROJECTS = Gallery(project, "/pictures/thumbnails/projects", (PROJECT_CHANGED, PROJECT_SET_THUMBNAIL))

_HAS_AVATAR = {gallery: gallery.has_avatar for gallery in (PERSONS, ORGANISATIONS, PROJECTS)}


async def _show(request: AnyRequest, db: Database, gallery: Gallery, row_id: UUID) -> Download | Reply:
    if not await db.value(_HAS_AVATAR[gallery], row_id=row_id):
        raise NotFound("there is no avatar.")
    return await download(request, addresses.picture("thumbnails", row_id), kind="image/png")


async def show_as(
    db: Database, author_id: UUID | None, gallery: Gallery, row_id: UUID, source: Path, name: str
) -> None:
    """Make a picture the avatar of a row. Raises UnreadablePicture, Busy, NotFound."""
    async with rendered(source, (AVATAR,), holder=author_id, name=name) as picture:
        address = addresses.picture("thumbnails", row_id)
        size = await store().put(address, picture.files["thumbnails"])
    async with db.transaction(author_id) as tx:
        if not await tx.update(gallery.table, row_id, has_avatar=True):
            raise NotFound(f"There is no {gallery.table.name} {row_id}.")
        await record(tx, address, size)
        for event in gallery.events:
            tx.emit(event, **{f"{gallery.table.name}_id": row_id})


async def _take(request: AnyRequest, db: Database, caller: Caller, gallery: Gallery, row_id: UUID) -> dict[str, str]:
    async with received_form(request) as form:
        upload = form.file()
        await show_as(db, caller.id, gallery, row_id, upload.path, upload.name)
    return {"thumbnail_path": f"{gallery.path.removeprefix('/')}/{row_id}.png"}


def _declare(gallery: Gallery, *, shows: Rule, takes: Rule, takes_png: bool) -> None:
    """The routes of a gallery, with and without the extension."""
    plain, png = f"{gallery.path}/{{instance_id:uuid}}", f"{gallery.path}/{{instance_id:uuid}}.png"
    subject = gallery.table.name

    async def show(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
        return await _show(request, db, gallery, instance_id)

    async def take(instance_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Any:
        return await _take(request, db, caller, gallery, instance_id)

    async def refuse(instance_id: str) -> None:
        raise MethodNotAllowed(f"405 Method Not Allowed: send the avatar of {instance_id} to the address without .png.")

    for path in (plain, png):
        get(path, access=shows, summary=f"The avatar of a {subject}")(show)
        if path == png and not takes_png:
            refusal = f"Not an upload route: the avatar of a {subject} is sent to the address without .png"
            post(png.replace(":uuid", ":str"), access=anyone, summary=refusal, errors=(405,), hidden=True)(refuse)
        else:
            summary = f"Set the avatar of a {subject} (multipart field `file`)"
            declared: dict[str, Any] = {"events": gallery.events, "files": True, "errors": (400, 429)}
            post(path, access=takes, summary=summary, unkeyed=STORES, **declared)(take)


_oneself = Rule(
    "the person concerned, or studio manager",
    lambda caller: caller.is_admin or caller.subject_id == caller.id,
    PERSONS.row,
)
_declare(PERSONS, shows=authenticated, takes=_oneself, takes_png=True)
_declare(ORGANISATIONS, shows=authenticated, takes=Rule(admin.text, admin.test, ORGANISATIONS.row), takes_png=True)
_declare(
    PROJECTS,
    shows=global_manager | member_of(at("project", "instance_id")),
    takes=manager_of(at("project", "instance_id")),
    takes_png=False,
)
