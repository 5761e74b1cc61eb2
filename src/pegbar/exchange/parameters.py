"""Parameters of imports and exports that must not be misread."""

from pegbar.core.errors import BadRequest
from pegbar.environment import FALSE, TRUE


def truth(name: str, text: str | None, *, default: bool) -> bool:
    """A truth in any usual word; `default` when nothing is said.

    Raises BadRequest for other words: a misspelt `dry_run` would write.
    """
    if not text:
        return default
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise BadRequest(f"{name}: {text[:40]!r} is neither true nor false.")
    return word in TRUE
