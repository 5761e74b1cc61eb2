"""Share links of a database that goes back to the server that made it: that one reads plain tokens."""

from sqlalchemy import Connection, text

from pegbar.core.data.migrations.handing_back import CannotHandBack, before_parting
from pegbar.review.sharing import keys

_SEALED = text(
    """
    SELECT l.id, s.sealed_token FROM playlist_share_link l
      JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id WHERE s.sealed_token IS NOT NULL
    """
)
_OPEN = text("UPDATE playlist_share_link SET token = :token WHERE id = :id")
#: The hash would be a token there, which whoever read the database knows.
_SHUT = text("UPDATE playlist_share_link SET token = gen_random_uuid()::text, is_active = false WHERE id = :id")


@before_parting
def write_tokens(connection: Connection, lose: bool) -> list[str]:
    """Write the tokens of links back. Raises CannotHandBack when they were sealed with another key, unless told to."""
    tokens = {row.id: keys.unseal(bytes(row.sealed_token), row.id) for row in connection.execute(_SEALED)}
    lost = [link_id for link_id, token in tokens.items() if token is None]
    if lost and not lose:
        raise CannotHandBack(
            f"{len(lost)} share links were made with another SECRET_KEY than this one, so that their tokens cannot be "
            "written back. Set SECRET_KEY (or --data, where secret.key lies) as the server had it; if the key is lost, "
            "--lose-links revokes them."
        )
    for link_id, token in tokens.items():
        if token is None:
            connection.execute(_SHUT, {"id": link_id})
        else:
            connection.execute(_OPEN, {"id": link_id, "token": token})
    notes = {
        "whose tokens are plain again": len(tokens) - len(lost),
        "which are revoked, since their key is lost": len(lost),
    }
    return [f"{number} share links, {what}" for what, number in notes.items() if number]
