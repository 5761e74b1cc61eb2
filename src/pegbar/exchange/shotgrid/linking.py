"""Links that are replaced, of many rows at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Transaction
from pegbar.exchange.shotgrid import queries


async def replace_links(
    tx: Transaction, relation: Relation, wanted: Mapping[UUID, Sequence[UUID]], new: Collection[UUID] = ()
) -> set[UUID]:
    """Link rows to exactly these others; the rows of which that changed something. `new` ones have no links yet.

    Links that stay keep what else they hold.
    """
    before: dict[UUID, set[UUID]] = defaultdict(set)
    known = [owner for owner in wanted if owner not in new]
    if known:
        for owner, other in await tx.rows(queries.links(relation), ids=known):
            before[owner].add(other)
    gone = [(owner, other) for owner in known for other in sorted(before[owner].difference(wanted[owner]))]
    added = [(owner, other) for owner, others in wanted.items() for other in others if other not in before[owner]]
    if gone:
        owners, others = zip(*gone, strict=True)
        await tx.execute(queries.unlinking(relation), owners=list(owners), others=list(others))
    names = relation.owner.name, relation.other.name
    rows = [dict(zip(names, pair, strict=True)) for pair in added]
    await tx.insert_many(relation.link, rows, skip_existing=True)
    return {owner for owner, _ in (*gone, *added)}
