"""The kinds of records that are imported, as declarations. Source: spec exchange, "Shotgun import".

Where the specification says "found by", a way follows; where it says "skipped", a key or `settle` does.
"""

from pegbar.exchange.shotgrid.kinds.story import ASSETS, EPISODES, SCENES, SEQUENCES, SHOTS
from pegbar.exchange.shotgrid.kinds.studio import CONNECTIONS, PERSONS, PROJECTS, STATUSES, STEPS
from pegbar.exchange.shotgrid.kinds.work import NOTES, TASKS, VERSIONS

#: In the order in which a studio moves: what a kind names comes before it.
KINDS = {
    kind.name: kind
    for kind in (
        PERSONS,
        PROJECTS,
        CONNECTIONS,
        EPISODES,
        SEQUENCES,
        SCENES,
        ASSETS,
        SHOTS,
        STEPS,
        STATUSES,
        TASKS,
        VERSIONS,
        NOTES,
    )
}

__all__ = [
    "ASSETS",
    "CONNECTIONS",
    "EPISODES",
    "KINDS",
    "NOTES",
    "PERSONS",
    "PROJECTS",
    "SCENES",
    "SEQUENCES",
    "SHOTS",
    "STATUSES",
    "STEPS",
    "TASKS",
    "VERSIONS",
]
