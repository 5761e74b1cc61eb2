"""`pegbar media`: what is made of uploads, made again."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter
from rich.progress import Progress

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

media = App(name="media", help="Make again what is made of uploads.")
app.command(media)

#: Previews that are made at once; how many processes there are is bounded by PEGBAR_PICTURE_PROCESSES.
_AT_ONCE = 4


@media.command
def thumbnails(
    place: Place | None = None,
    *,
    project: Annotated[str | None, Parameter(help="Only of the production of this name.")] = None,
) -> None:
    """Make the thumbnails and pictures of previews again, from what is stored of them."""
    made, failures = with_database(place, lambda db: _rebuild(db, project), size=_AT_ONCE)
    for preview_id, reason in failures:
        err.print(f"{preview_id}: {reason}", markup=False)
    out.print(f"The pictures of {made} previews are made again; of {len(failures)} they cannot be made.", markup=False)


async def _rebuild(db: Any, project: str | None) -> tuple[int, list[tuple[UUID, str]]]:
    from pegbar.core.errors import ApiError
    from pegbar.media import variants

    if project is not None and not await variants.is_production(db, project):
        raise UserError(f"There is no production {project!r}.")
    waiting = list(reversed(await variants.remakable(db, project)))
    made, failures = 0, []
    with Progress(console=err, transient=True) as progress:
        bar = progress.add_task("Previews", total=len(waiting))

        async def work() -> None:
            nonlocal made
            while waiting:
                preview_id = waiting.pop()
                try:
                    reason = await variants.rebuild(db, preview_id)
                except ApiError as error:
                    reason = error.message
                if reason is None:
                    made += 1
                else:
                    failures.append((preview_id, reason))
                progress.advance(bar)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return made, failures
