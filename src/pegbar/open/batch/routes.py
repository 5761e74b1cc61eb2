"""The route of batches. Source: issue "The open platform", point 2."""

from typing import Any

from litestar import Request

from pegbar.core.data.database import Json, Transaction
from pegbar.core.http.access import authenticated
from pegbar.core.http.routing import post
from pegbar.core.turns import Turns
from pegbar.open.batch import actions
from pegbar.open.batch.shapes import RESULTS, Batch

#: Of the batches that a worker does, one person has one: each holds a connection until its end.
_TURNS = Turns(4, 1, most_waiting=4, what="batches")


@post(
    "/open/v1/batch",
    access=authenticated.further("each operation as its own route says"),
    status=200,
    returns=RESULTS,
    errors=(400, 403, 404, 409, 413, 429, 503),
    alone="a batch holds no batch",
    turns=_TURNS,
    tag="Open: batch",
)
async def do_batch(request: Request[Any, Any, Any], body: Batch, tx: Transaction) -> Json:
    """Do up to 1,000 operations of the API in one transaction, all or none.

    Later operations refer to the answers of earlier ones: `"$0.id"` in a body or path. The first that is refused
    refuses all: the answer has its status, its `index`, and its own `answer`. With `dry_run` everything is done and
    rolled back.
    """
    return await actions.run(request, tx, body)
