"""Names as people type them: compared in lower case, without accents, other characters as dashes.

Source: spec exchange, "casting" and "estimations".
"""

from functools import lru_cache

from pegbar.core.slugs import slug

#: The episode of what belongs to none.
MAIN_PACK = "MP"
#: The names of an entity and of what it lies below, as they are compared.
Key = tuple[str, ...]


@lru_cache(2**16)
def _compared(name: str) -> str:
    return slug(name, "-")


def key(*names: str | None) -> Key:
    """Names as they are compared; none is an empty one."""
    return tuple(_compared(name or "") for name in names)
