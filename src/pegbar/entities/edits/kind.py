"""Edits, declared. Source: spec entities, "Edits"."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, Text, func, select, true

from pegbar.core.data.wire import word
from pegbar.entities import boards, rules
from pegbar.entities.actions import Metadata, NewEntity
from pegbar.entities.boards import TASKS, Board, InEpisode
from pegbar.entities.kinds import EDIT, is_kind
from pegbar.entities.listing import BELOW, BY_NAME, ROOT, Listed
from pegbar.entities.queries import ENTITY_ID
from pegbar.entities.regular import OR_CANCELS, Creation, Lists, Page, Regular
from pegbar.entities.shapes import DATA, LINKED_IDS, below_episode, episode, row_of_kind, with_project
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.tasks.tables import task

_ROWS = Listed(EDIT, row_of_kind(EDIT), order=BY_NAME)
#: For vendors too: those who see an episode see all its edits.
EDITS_OF_EPISODE = replace(_ROWS, for_vendors=true())
EDITS_OF_EPISODE_WITH_RELATIONS = replace(EDITS_OF_EPISODE, wire=row_of_kind(EDIT).but(**LINKED_IDS))
#: Tasks of the edits of an episode.
TASKS_OF_EPISODE: ColumnElement[bool] = task.c.entity_id.in_(
    select(entity.c.id).where(entity.c.parent_id == ENTITY_ID, is_kind(EDIT))
)

_KEYS = (
    *("canceled", "data", "description", "entity_type_id", "episode_id", "episode_name", "id", "name", "parent_id"),
    *("preview_file_id", "project_id", "project_name", "source_id", "nb_entities_out", "tasks", "type"),
)
_TASKS = (
    *("id", "duration", "due_date", "entity_id", "end_date", "estimation", "last_comment_date"),
    *("last_preview_file_id", "nb_assets_ready", "priority", "real_start_date", "retake_count", "start_date"),
    *("task_status_id", "task_type_id", "data", "is_subscribed", "assignees"),
)
_BOARD = Board(
    EDIT,
    row_of_kind(EDIT)
    .but(
        data=DATA,
        episode_id=episode.c.id,
        episode_name=func.coalesce(episode.c.name, word(""), type_=Text),
        project_name=project.c.name,
        **TASKS,
    )
    .only(*_KEYS),
    _TASKS,
    below_episode,
    in_episode=InEpisode(BELOW, ROOT, "parent_id"),
)


class NewEdit(NewEntity):
    """An edit to make."""

    description: str | None = ""
    data: Metadata | None = None
    episode_id: UUID | None = None
    parent_id: UUID | None = None  #: the episode, as Gazu names it


EDITS = Regular(
    EDIT,
    sees=rules.sees(EDIT, "edit_id"),
    lists=Lists(Listed(EDIT, row_of_kind(EDIT).but(project_name=project.c.name), with_project, BY_NAME), ("", "/all")),
    lister=rules.lists_edits,
    everywhere=True,
    in_project=_ROWS,
    page=Page(boards.page(_BOARD), "An edit with its tasks.", of_board=True),
    board=_BOARD,
    creates=Creation(NewEdit),
    removes=OR_CANCELS,
)
