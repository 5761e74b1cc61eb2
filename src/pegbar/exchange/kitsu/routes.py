"""Routes by which another Kitsu server, or a script, brings rows with their ids. Source: spec exchange."""

from typing import Any

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, admin
from pegbar.core.http.body import json_value
from pegbar.core.http.routing import post
from pegbar.exchange.kitsu import actions
from pegbar.exchange.kitsu.imports import IMPORTS, Import


class ImportQuery(msgspec.Struct):
    """How rows are imported."""

    silent: str = ""  #: `1`, `true` or `yes`: no event is told


def _declare(imported: Import) -> None:
    async def import_rows(request: Request[Any, Any, Any], query: ImportQuery, db: Database, caller: Caller) -> Json:
        """Import rows.

        The rows are shaped as the API returns them. One whose id is known is changed, any other is made, with its id
        and dates; keys that are no column are ignored. A refused row stops the import: those before it are stored, and
        `index` tells which it is. `silent=true` tells no event. Nothing else happens: no mail, no notification, no
        counter.
        """
        silent = query.silent.lower() in ("1", "true", "yes")
        return await actions.import_rows(db, caller, imported, await json_value(request), silent=silent)

    post(
        f"/import/kitsu/{imported.name}",
        access=admin,
        status=200,
        tag="Import",
        summary=f"Import {imported.name.replace('-', ' ')} of another server",
        returns=[imported.shape],
        errors=(400, 404) if imported.anchor else (400,),
        events=imported.every_event(),
        body_schema={
            "type": "array",
            "items": {
                "type": "object",
                "required": sorted({"id", *imported.key}),
                "properties": {name: {"type": "string", "format": "uuid"} for name in sorted({"id", *imported.key})},
            },
        },
    )(import_rows)


for _imported in IMPORTS:
    _declare(_imported)
