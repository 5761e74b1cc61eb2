"""The JSON of share links and of comments as guests see them. Source: spec review, "Share links", "…/comments"."""

from sqlalchemy import Boolean, func, literal_column, select

from pegbar.accounts.shapes import SHORT
from pegbar.accounts.tables import person
from pegbar.core.data.wire import json_object, wire_of
from pegbar.review.sharing.tables import share_link
from pegbar.review.tables import playlist_share_link
from pegbar.tasks.comments.shapes import (
    ATTACHMENTS,
    ATTACHMENTS_WITH_REPLY,
    AUTHOR,
    COMMENT,
    EDITOR,
    REPLIES,
    STATUS_IN_SHORT,
    WITH_IDS,
)
from pegbar.tasks.tables import comment

_link = playlist_share_link

#: A link beside its own row, without its token: that is sealed (keys.py), and added to the answer.
LINK = wire_of(_link, "PlaylistShareLink", without=frozenset({"token", "password"})).but(
    has_password=func.nullif(_link.c.password, literal_column("''")).is_not(None),
    can_annotate=func.coalesce(share_link.c.can_annotate, _link.c.can_comment, type_=Boolean),
    can_download=func.coalesce(share_link.c.can_download, literal_column("true", Boolean), type_=Boolean),
    label=share_link.c.label,
)

_PERSON = (
    select(json_object(SHORT.but(is_guest=person.c.is_guest)))
    .where(person.c.id == comment.c.person_id)
    .correlate(comment)
    .scalar_subquery()
)
#: A comment in the list that guests read.
LISTED = COMMENT.but(
    person=_PERSON,
    editor=EDITOR,
    task_status=STATUS_IN_SHORT,
    attachment_files=ATTACHMENTS_WITH_REPLY,
    replies=REPLIES,
)
#: A comment as the answer to changing it.
CHANGED = WITH_IDS.but(attachment_files=ATTACHMENTS, person=AUTHOR, replies=REPLIES)
