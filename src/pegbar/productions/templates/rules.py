"""What a project template is. Source: spec projects, "Project templates"; spec crud, "project-templates"."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import ApiError, BadRequest, Refused
from pegbar.productions.events import TEMPLATE_UPDATED
from pegbar.productions.tables import project_template, project_template_preview_background_file_link

#: The settings that a production and a template share.
SETTINGS = (
    "fps",
    "ratio",
    "resolution",
    "production_type",
    "production_style",
    "max_retakes",
    "is_clients_isolated",
    "is_preview_download_allowed",
    "is_set_preview_automated",
    "is_publish_default_for_artists",
    "is_single_preview_per_revision",
    "is_frame_in_numbering",
    "revision_padding",
    "homepage",
    "hd_bitrate_compression",
    "ld_bitrate_compression",
    "is_client_stats_visible",
    "is_client_task_list_visible",
    "is_client_task_panel_visible",
)
BACKGROUND = "default_preview_background_file_id"

TEMPLATE_ID = param("template_id")
_links = project_template_preview_background_file_link.c
BACKGROUNDS = select(_links.preview_background_file_id).where(_links.project_template_id == TEMPLATE_ID)


class UnknownTemplate(ApiError):
    """404 as clients of templates know it."""

    status = 404

    def __init__(self, message: str = "Project template not found") -> None:
        super().__init__(message)


def template_id_of(text: str) -> UUID:
    """The id of a template in a path; what is no id names none."""
    try:
        return UUID(text)
    except ValueError:
        raise UnknownTemplate from None


async def touch(tx: Transaction, template_id: UUID, **changes: Any) -> None:
    """Lock a template, mark it as changed and tell; 404 when there is none."""
    if not await tx.update(project_template, template_id, **changes):
        raise UnknownTemplate
    tx.emit(TEMPLATE_UPDATED, project_template_id=template_id)


async def prepare_template(change: Change) -> None:
    """A new template has a name; a style of null is the default one."""
    if change.before is not None:
        return
    document = dict(change.document)
    if document.get("name") is None or document["name"] == "":
        raise Refused("name is required.", field="name")
    if document.get("production_style") is None:
        document.pop("production_style", None)
    change.document = document


async def check_default_background(change: Change) -> None:
    """The default background is one of the template's."""
    backgrounds = change.relations.get("preview_background_files")
    if backgrounds is not None and BACKGROUND not in change.values and change.after(BACKGROUND) not in backgrounds:
        change.values[BACKGROUND] = None
    chosen = change.values.get(BACKGROUND)
    if chosen is None or not change.changes(BACKGROUND):
        return
    linked = backgrounds
    if linked is None and change.before is not None:
        linked = await change.tx.column(BACKGROUNDS, template_id=change.row_id)
    if chosen not in (linked or []):
        raise BadRequest(f"{BACKGROUND} is not among the preview background files of the template.")
