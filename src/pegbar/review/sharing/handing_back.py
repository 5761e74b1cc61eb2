"""Share links of a database that goes back to the server that made it: that one reads plain tokens."""

from sqlalchemy import Connection, text

from pegbar.core.data.migrations.handing_back import before_parting
from pegbar.review.sharing import keys

_SEALED = text(
    """
    SELECT l.id, s.sealed_token FROM playlist_share_link l
      JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id WHERE s.sealed_token IS NOT NULL
    """
)
_OPEN = text("UPDATE playlist_share_link SET token = :token WHERE id = :id")
#: Its hash would be a token there, which whoever read the database knows.
_SHUT = text("UPDATE playlist_share_link SET token = gen_random_uuid()::text, is_active = false WHERE id = :id")


@before_parting
def write_tokens(connection: Connection) -> list[str]:
    """Write the tokens of links back; what came of it."""
    rows = connection.execute(_SEALED).all()
    tokens = {row.id: keys.unseal(bytes(row.sealed_token), row.id) for row in rows}
    for link_id, token in tokens.items():
        connection.execute(
            _SHUT if token is None else _OPEN, {"id": link_id, "token": token} if token else {"id": link_id}
        )
    lost = sum(token is None for token in tokens.values())
    notes = [f"{len(rows) - lost} share links, whose tokens are plain again"] if len(rows) > lost else []
    if lost:
        notes.append(f"{lost} share links, revoked: they were made with another SECRET_KEY, so their tokens are lost")
    return notes
