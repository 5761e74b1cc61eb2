"""Concepts and their folders, declared. Source: spec entities, "Concepts"."""

from dataclasses import replace

from sqlalchemy import ColumnElement, select

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import Wire
from pegbar.core.http.access import not_client, staff_of
from pegbar.entities import boards, rules
from pegbar.entities.boards import TASKS, Board
from pegbar.entities.concepts.actions import NewConcept, create_concept
from pegbar.entities.kinds import CONCEPT, FOLDER, kind_json
from pegbar.entities.listing import BY_NAME, Listed
from pegbar.entities.regular import OR_CANCELS, Creation, Lists, Page, Regular
from pegbar.entities.shapes import CONCEPT_LINKS, DATA, LINKED_IDS, frames, row_of_kind, with_project
from pegbar.entities.tables import entity, entity_concept_link
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project

FOLDERS = Listed(FOLDER, row_of_kind(FOLDER), order=BY_NAME)

_TASKS = (
    *("id", "duration", "due_date", "end_date", "entity_id", "estimation", "last_comment_date", "nb_assets_ready"),
    *("priority", "real_start_date", "retake_count", "start_date", "task_status_id", "task_type_id", "data"),
    *("is_subscribed", "assignees"),
)
_BOARD = Board(
    CONCEPT,
    row_of_kind(CONCEPT).but(
        **frames(entity.c.data),
        data=DATA,
        preview_file_status=preview_file.c.status,
        project_name=project.c.name,
        entity_concept_links=CONCEPT_LINKS,
        **TASKS,
    ),
    _TASKS,
    with_project.outerjoin(preview_file, preview_file.c.id == entity.c.preview_file_id),
    from_data=frames,
)
#: A concept alone: the row of the board, and the rest of the entity.
_ALONE = replace(_BOARD, row=Wire({**row_of_kind(CONCEPT), **LINKED_IDS, **_BOARD.row}))
#: Entities of any kind, concepts mostly, as what they refer to shows them.
LINKED = replace(_BOARD, kind=None, row=_BOARD.row.but(type=kind_json()), task_keys=(*_TASKS, "assigner_id"))
#: What refers to an entity.
REFERS: ColumnElement[bool] = entity.c.id.in_(
    select(entity_concept_link.c.entity_in_id).where(entity_concept_link.c.entity_out_id == param("linked_id"))
)


_staff = staff_of("project_id")

CONCEPTS = Regular(
    CONCEPT,
    sees=rules.sees(CONCEPT, "concept_id") & not_client,
    lists=Lists(Listed(CONCEPT, row_of_kind(CONCEPT).but(project_name=project.c.name), with_project, BY_NAME)),
    lister=rules.lists_concepts,
    everywhere=True,
    assigned=True,
    in_project=Listed(CONCEPT, row_of_kind(CONCEPT), order=BY_NAME),
    project_lister=_staff,
    page=Page(boards.page(_ALONE), "A concept with its tasks and what it is linked to.", of_board=True),
    board=_BOARD,
    creates=Creation(NewConcept, _staff, create_concept),
    removes=OR_CANCELS,
)
