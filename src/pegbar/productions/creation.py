"""The rules of a production's own row. Source: spec crud, "projects"; spec projects, "Neighbour CRUD routes"."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import any_, select

from pegbar.accounts.standing import open_status
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import BadRequest, NotFound
from pegbar.media.tables import preview_background_file
from pegbar.productions.descriptors.everywhere import copy_shared_descriptors
from pegbar.productions.hooks import PIPELINE_CHANGED, SHOW_SAVED, Pipeline, SavedShow
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project_preview_background_file_link
from pegbar.productions.templates import applying
from pegbar.studio.tables import project_status

_RESOLUTION = re.compile(r"(\d{3,4})?x\d{3,4}", re.ASCII)

_KNOWN_BACKGROUNDS = select(preview_background_file.c.id).where(preview_background_file.c.id == any_(param("ids")))
_PREVIEW_ACCOUNTS = select(person.c.id).where(
    person.c.id == any_(param("ids")), person.c.preview_project_id.is_not(None)
)
_LINKED_BACKGROUNDS = select(project_preview_background_file_link.c.preview_background_file_id).where(
    project_preview_background_file_link.c.project_id == PROJECT_ID
)


async def ensure_open_status(tx: Transaction) -> UUID:
    """The id of the status Open, created when it is missing."""
    status_id: UUID | None = await tx.value(open_status)
    if status_id is None:
        await tx.insert_many(project_status, [{"name": "Open", "color": "#000000"}], skip_existing=True)
        status_id = await tx.value(open_status)
    assert status_id is not None
    return status_id


async def prepare_project(change: Change) -> None:
    """A new production takes what the caller leaves out from its template; a style of null is the default one."""
    if change.before is not None:
        return
    document = dict(change.document)
    template_id = document.get("project_template_id")
    if template_id is not None:
        document["project_template_id"] = to_uuid(template_id, "project_template_id")
        document |= await applying.settings_for(change.tx, document["project_template_id"], document)
    if document.get("production_style") is None:
        document.pop("production_style", None)
    change.document = document


async def check_project(change: Change) -> None:
    """Refuse a resolution, bitrate or background that cannot be; give a new production its status."""
    check_resolution(change)
    check_bitrates(change)
    await _check_backgrounds(change)
    if change.relations.get("team") and await change.tx.column(_PREVIEW_ACCOUNTS, ids=change.relations["team"]):
        raise BadRequest("team: a preview account belongs to the team of its own production only.")
    if change.before is None and change.values.get("project_status_id") is None:
        change.values["project_status_id"] = await ensure_open_status(change.tx)


def check_resolution(change: Change) -> None:
    """`1920x1080`, `x1080`, or nothing."""
    resolution = change.values.get("resolution")
    if change.changes("resolution") and resolution and not _RESOLUTION.fullmatch(resolution):
        raise BadRequest(f"resolution: {resolution!r} is neither WIDTHxHEIGHT nor xHEIGHT.")


def check_bitrates(change: Change) -> None:
    """The bitrates of movies that a write changes."""
    names = [name for name in ("hd_bitrate_compression", "ld_bitrate_compression") if change.changes(name)]
    for name in names:
        check_bitrate(name, change.document.get(name))
    hd = change.after("hd_bitrate_compression")
    ld = change.after("ld_bitrate_compression")
    if names and ld is not None:
        check_pair(hd, ld)


def check_bitrate(name: str, value: Any) -> None:
    """A bitrate is a whole number up to the one of high definition, or null."""
    highest = settings().movie_highdef_bitrate
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
        raise BadRequest(f"{name}: {value!r} is not a whole number from 1 to {highest}.")


def check_pair(hd: int | None, ld: int | None) -> None:
    """Low definition takes no more than high definition."""
    effective = min(hd or settings().movie_highdef_bitrate, settings().movie_highdef_bitrate)
    if ld is not None and ld > effective:
        raise BadRequest(f"ld_bitrate_compression: {ld} is more than high definition takes ({effective}).")


async def _check_backgrounds(change: Change) -> None:
    """Backgrounds exist, and the default one is among those of the production."""
    backgrounds = change.relations.get("preview_background_files")
    if backgrounds:
        known = set(await change.tx.column(_KNOWN_BACKGROUNDS, ids=backgrounds))
        for background_id in backgrounds:
            if background_id not in known:
                raise NotFound(f"There is no preview background file {background_id}.")
    name = "default_preview_background_file_id"
    if backgrounds is not None and name not in change.values and change.after(name) not in backgrounds:
        change.values[name] = None
    chosen = change.values.get(name)
    if chosen is None or not change.changes(name):
        return
    if backgrounds is None:
        backgrounds = []
        if change.before is not None:
            backgrounds = await change.tx.column(_LINKED_BACKGROUNDS, project_id=change.row_id)
        if "project_template_id" in change.document:
            backgrounds = backgrounds + await applying.backgrounds(change.tx, change.document["project_template_id"])
    if chosen not in backgrounds:
        raise BadRequest(f"{name} is not among the preview background files of the production.")


async def finish_project(change: Change) -> None:
    """What follows the row: the template's settings, the first episode of a show, the columns all productions share."""
    assert change.row_id is not None
    if change.before is None and change.document.get("project_template_id") is not None:
        await applying.apply_links(change.tx, change.document["project_template_id"], change.row_id)
    elif "task_types" in change.relations:
        await PIPELINE_CHANGED.run(Pipeline(change.tx, change.row_id))
    if change.after("production_type") == "tvshow":
        await SHOW_SAVED.run(SavedShow(change.tx, change.row_id))
    if change.before is None:
        await copy_shared_descriptors(change.tx, change.row_id)
