"""Removing a person, with what is theirs when it is forced. Source: spec crud, "persons", DELETE, "Worth fixing"."""

from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, delete, or_

from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.sign_on.tables import identity_link
from pegbar.accounts.tables import one_time_secret, person
from pegbar.core.data import history
from pegbar.core.data.changes import Change
from pegbar.core.data.parameters import param
from pegbar.core.data.removal import Gone, reaction, remove
from pegbar.core.errors import Forbidden
from pegbar.core.storage import Address, mark_deleted

_NAMES = param("names", ARRAY(Text))
_FORGET_SECRETS = delete(one_time_secret).where(
    or_(one_time_secret.c.subject == any_(_NAMES), one_time_secret.c.data["person_id"].astext == any_(_NAMES))
)


def avatar(person_id: UUID) -> Address:
    """Where the picture of a person is kept."""
    return Address("pictures", "thumbnails", person_id)


@reaction(one_time_secret.c.subject, one_time_secret.c.data)
async def forget_secrets(gone: Gone) -> None:
    """The codes, challenges and links of the person."""
    await gone.tx.execute(_FORGET_SECRETS, names=[str(person_id) for person_id in gone.ids])


async def leave(change: Change) -> None:
    """What comes before the removal of a person. Raises Forbidden for oneself and for protected accounts.

    Forced, whatever names them goes or forgets them, as its column declares.
    """
    assert change.before is not None
    person_id = change.before["id"]
    if person_id == change.caller.id:
        raise Forbidden("Nobody can delete their own account.")
    if is_protected(change.before["email"]):
        raise Forbidden("This account is protected: it cannot be deleted.")
    change.tx.deletes_for_good = True
    await mark_deleted(change.tx, [avatar(person_id)])
    await change.tx.delete(identity_link, person_id=person_id)
    if change.force:
        await remove(change.tx, person, [person_id], keep=True)


async def forget_changes(change: Change) -> None:
    """What the person did stays known, by nobody (core/data/history.py)."""
    await history.forget(change.tx, change.row(person))
