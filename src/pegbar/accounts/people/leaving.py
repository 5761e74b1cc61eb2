"""Removing a person, with what is theirs when it is forced. Source: spec crud, "persons", DELETE."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Executable, bindparam, delete, or_, select, update

from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.tables import desktop_login_log, known_address, login_log, session_floor
from pegbar.core.database import Transaction
from pegbar.core.errors import Forbidden
from pegbar.core.events import api_event
from pegbar.core.hooks import Hook
from pegbar.core.resource import Change
from pegbar.core.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.files.tables import output_file, working_file
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project_person_link
from pegbar.tasks.tables import comment_acknoledgments, notification, subscription, task, task_person_link
from pegbar.workspace.tables import search_filter, search_filter_group


@dataclass(frozen=True)
class Departure:
    """Somebody about to be removed with all that is theirs."""

    change: Change
    person_id: UUID

    @property
    def tx(self) -> Transaction:
        """The transaction of the removal."""
        return self.change.tx


#: Runs before the links of the person go: higher domains remove the person's comments, time spents and the like.
LEAVING: Hook[Departure] = Hook("a person is removed with all that is theirs")

_PERSON = bindparam("leaver", type_=Uuid)
_THEIR_GROUPS = select(search_filter_group.c.id).where(search_filter_group.c.person_id == _PERSON)

#: Rows that go with the person, in this order.
_REMOVED: tuple[Executable, ...] = (
    delete(comment_acknoledgments).where(comment_acknoledgments.c.person == _PERSON),
    delete(api_event).where(api_event.c.user_id == _PERSON),
    delete(notification).where(or_(notification.c.person_id == _PERSON, notification.c.author_id == _PERSON)),
    delete(search_filter).where(search_filter.c.person_id == _PERSON),
    # What others put in their groups stays.
    update(search_filter)
    .where(search_filter.c.search_filter_group_id.in_(_THEIR_GROUPS))
    .values(search_filter_group_id=None),
    delete(search_filter_group).where(search_filter_group.c.person_id == _PERSON),
    delete(desktop_login_log).where(desktop_login_log.c.person_id == _PERSON),
    delete(login_log).where(login_log.c.person_id == _PERSON),
    delete(subscription).where(subscription.c.person_id == _PERSON),
    delete(project_person_link).where(project_person_link.c.person_id == _PERSON),
    delete(task_person_link).where(task_person_link.c.person_id == _PERSON),
    delete(session_floor).where(session_floor.c.person_id == _PERSON),
    delete(known_address).where(known_address.c.person_id == _PERSON),
)


def _forgotten(column: Column[UUID]) -> Executable:
    return update(column.table).where(column == _PERSON).values({column.name: None})


#: Rows that stay, without their author.
_FORGOTTEN: tuple[Executable, ...] = tuple(
    _forgotten(column)
    for column in (task.c.assigner_id, output_file.c.person_id, working_file.c.person_id, preview_file.c.person_id)
)


def avatar(person_id: UUID) -> Address:
    """Where the picture of a person is kept."""
    return Address("pictures", "thumbnails", person_id)


async def leave(change: Change) -> None:
    """What comes before the removal of a person. Raises Forbidden for oneself and for protected accounts."""
    assert change.before is not None
    person_id = change.before["id"]
    if person_id == change.caller.id:
        raise Forbidden("Nobody can delete their own account.")
    if is_protected(change.before["email"]):
        raise Forbidden("This account is protected: it cannot be deleted.")
    await mark_deleted(change.tx, [avatar(person_id)])
    if not change.force:
        return
    await LEAVING.run(Departure(change, person_id))
    for statement in (*_REMOVED, *_FORGOTTEN):
        await change.tx.execute(statement, leaver=person_id)
