"""A client for the open platform of Pegbar, and for any route of its API: `pip install pegbar`.

    from pegbar.client import Pegbar, field

    with Pegbar("https://pegbar.studio.example", token=…) as pegbar:
        for shot in pegbar.query("shots").where(field("project.name").is_("Quarry")).select("name"):
            print(shot["name"])

`AsyncPegbar` is the same, awaited. Gazu stays the client of the Kitsu API and works beside it with the same token:
`Pegbar(host, token=gazu.client.default_client.tokens["access_token"])`.
"""

from pegbar.client.aio import AsyncConsumer, AsyncPegbar, AsyncQuery
from pegbar.client.batch import Batch, Step
from pegbar.client.errors import Conflict, Gone, NotAllowed, NotFound, NotSignedIn, PegbarError, Refused, Unreachable
from pegbar.client.events import Event
from pegbar.client.query import Filter, Group, Page, all_of, any_of, field
from pegbar.client.signatures import Forged, verified
from pegbar.client.sync import Consumer, Pegbar, Query

__all__ = [
    "AsyncConsumer",
    "AsyncPegbar",
    "AsyncQuery",
    "Batch",
    "Conflict",
    "Consumer",
    "Event",
    "Filter",
    "Forged",
    "Gone",
    "Group",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "Page",
    "Pegbar",
    "PegbarError",
    "Query",
    "Refused",
    "Step",
    "Unreachable",
    "all_of",
    "any_of",
    "field",
    "verified",
]
