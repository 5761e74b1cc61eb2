"""Incoming hooks: links by which programs post on a task as they would in a chat app.

Whoever has the token may post, and nothing else. The words are those of a bot of the link's own, which cannot sign in.
"""

import time
from uuid import UUID, uuid4

import msgspec

from pegbar.accounts.resources import persons
from pegbar.accounts.standing import as_text, is_going, written
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import String
from pegbar.core.data.values import check_text
from pegbar.core.errors import Conflict, InvalidBody, NotFound, TooManyRequests
from pegbar.core.http.access import Caller
from pegbar.open.webhooks import secrets
from pegbar.open.webhooks.incoming import queries
from pegbar.open.webhooks.incoming.shapes import NewIncomingHook
from pegbar.open.webhooks.tables import incoming_hook
from pegbar.tasks.comments.posting import NewComment, post
from pegbar.tasks.comments.subject import Wish, load

_LONGEST_NAME, _MOST_OF_TASK = 70, 20

_NUMBER = sql("SELECT count(*) FROM pegbar.incoming_hook WHERE task_id = :task_id")
_BOT = sql("SELECT bot_id FROM pegbar.incoming_hook WHERE id = :incoming_hook_id FOR UPDATE")


async def listed(db: Database, caller: Caller, task_id: UUID | None) -> Json:
    """The incoming hooks that somebody manages."""
    params = {} if task_id is None else {"task_id": task_id}
    return await db.json(queries.incoming_hooks(caller, of_task=task_id is not None), **params)


async def make(tx: Transaction, caller: Caller, body: NewIncomingHook) -> Json:
    """Add an incoming hook with its bot; it, with its token and address."""
    check_text("name", body.name)
    name = body.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidBody([("name", f"From 1 to {_LONGEST_NAME} characters.")])
    if await tx.value(_NUMBER, task_id=body.task_id) >= _MOST_OF_TASK:
        raise Conflict(f"There are {_MOST_OF_TASK} incoming hooks of this task already: delete one first.")
    token, hook_id = secrets.new_token(), uuid4()
    bot_id = await tx.insert(person, first_name=name, last_name="", role="user", is_bot=True, active=True)
    tx.emit(persons.events["new"], person_id=bot_id)
    hook = {"name": name, "token_hash": secrets.hashed(token), "task_id": body.task_id, "created_by": caller.id}
    await tx.insert(incoming_hook, id=hook_id, bot_id=bot_id, **hook)
    row: str = await tx.value(queries.one, incoming_hook_id=hook_id)
    secret = msgspec.json.encode({"token": token, "url": f"{settings().public_url}/api/open/v1/hooks/{token}"})
    return Json(row[:-1].encode() + b"," + secret[1:])


async def revoke(tx: Transaction, hook_id: UUID) -> None:
    """Delete an incoming hook: its link opens nothing any more; its bot and what it said stay."""
    bot_id = await tx.value(_BOT, incoming_hook_id=hook_id)
    if bot_id is None:
        raise NotFound(f"There is no incoming hook {hook_id}.")
    await tx.delete(incoming_hook, id=hook_id)
    await tx.update(person, bot_id, active=False)
    tx.emit(persons.events["update"], person_id=bot_id)


#: The row holds other messages of the link until the commit: two at once are counted one after the other.
_USE = sql(
    f"""
    UPDATE pegbar.incoming_hook h
       SET used_at = timezone('utc', now()), minute = date_trunc('minute', timezone('utc', now())),
           minute_count = CASE WHEN h.minute = date_trunc('minute', timezone('utc', now()))
                               THEN h.minute_count + 1 ELSE 1 END
      FROM task t
     WHERE h.token_hash = :token_hash AND h.is_active AND t.id = h.task_id
       AND NOT {as_text(is_going(written("t.project_id")))}
    RETURNING h.task_id, h.bot_id, h.minute_count
    """,  # noqa: S608 - a rule of ours
    token_hash=String,
)


async def say(tx: Transaction, token: str, text: str) -> UUID:
    """Post a message on the task of a link, with the status that it has; the comment. Raises NotFound, 429."""
    row = await tx.row(_USE, token_hash=secrets.hashed(token))
    if row is None:
        raise NotFound("There is no such incoming hook.")
    if row["minute_count"] > settings().incoming_per_minute:
        error = TooManyRequests("Too many messages within a minute. Try again later.")
        error.headers["retry-after"] = str(int(60 - time.time() % 60) + 1)
        raise error
    tx.author_id = row["bot_id"]
    wish = Wish(row["task_id"], None, row["bot_id"], text, hashtags=False)
    return await post(tx, await load(tx, wish), NewComment(text, copied=True))
