"""A production takes a tree that the server ships. Source: spec media, "Worth fixing" (old Gazu releases)."""

from uuid import UUID

from pegbar.core.data.database import Json, Transaction
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import manager_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import post
from pegbar.files.trees.shipped import NAMES, shipped_tree
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.queries import project_row
from pegbar.productions.resources import projects
from pegbar.productions.tables import project


class ShippedTree(Strict):
    """A tree by its name."""

    tree_name: str


@post(
    "/actions/projects/{project_id:uuid}/set-file-tree",
    access=manager_of("project_id"),
    status=200,
    events=(PROJECT_CHANGED,),
    returns=projects,
    errors=(400,),
)
async def set_file_tree(project_id: UUID, body: ShippedTree, tx: Transaction) -> Json:
    """Give a production one of the file trees that the server ships, `default` or `simple`."""
    tree = shipped_tree(body.tree_name)
    if tree is None:
        message = f"tree_name: there is no tree {body.tree_name[:40]!r}; there are {', '.join(NAMES)}."
        raise BadRequest(message, field="tree_name")
    await tx.update(project, project_id, file_tree=tree)
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return await project_row(tx, project_id)
