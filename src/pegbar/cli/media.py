"""`pegbar media`: movies that wait or are broken, and what is made of uploads, made again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pegbar.cli import As_json, UserError, app, err, out, print_json
from pegbar.cli.place import Place, with_database

media = App(name="media", help="Look after movies and pictures: what they wait for, and making them again.")
app.command(media)

Project = Annotated[str | None, Parameter(help="Only the movies of the production of this name.")]
NoWait = Annotated[bool, Parameter(negative=(), help="Leave them to the job workers and end.")]
_ORDER = ("ready", "broken", "missing", "processing")
_MOST_LISTED = 1000


def _summary(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[status]} {status}" for status in _ORDER if counts[status]) or "no movie"


@media.command
def status(place: Place | None = None, *, project: Project = None, json: As_json = False) -> None:
    """Tell how many movies are ready, and which are not, with how far they are or why they are broken."""
    from pegbar.media.movies import queries
    from pegbar.media.movies.upkeep import check_project

    async def read(db: Any) -> tuple[Counter[str], list[dict[str, Any]]]:
        await check_project(db, project)
        counts = Counter({row["status"]: row["count"] for row in await db.rows(queries.movie_counts, project=project)})
        rows = await db.rows(queries.unready_movies, project=project, most=_MOST_LISTED)
        return counts, [dict(row) for row in rows]

    counts, movies = with_database(place, read)
    if json:
        print_json({"counts": dict(counts), "movies": movies})
        return
    out.print(f"Movies: {_summary(counts)}.")
    if not movies:
        return
    table = Table("Preview", "Production", "Of", "File", "State", "Why", box=SIMPLE_HEAD)
    for row in movies:
        why = row["error"] or ""
        if row["status"] == "processing":
            why = f"{row['progress'] or 0} %" if row["queued"] else "no job makes it: pegbar media retry"
        of = f"{row['entity'] or ''} v{row['revision']}"
        table.add_row(row["id"], row["project"], of, row["original_name"], row["status"], why)
    out.print(table)


@media.command
def retry(place: Place | None = None, *, project: Project = None, no_wait: NoWait = False) -> None:
    """Make broken and missing movies again from what was uploaded, and those that no job would make."""
    _again(place, project, ("broken", "missing"), no_wait=no_wait)


@media.command
def renormalise(
    place: Place | None = None,
    *,
    project: Project = None,
    broken: Annotated[bool, Parameter(negative=(), help="Only those that are broken.")] = False,
    no_wait: NoWait = False,
) -> None:
    """Make movies again from what was uploaded, after settings or sizes of a production changed.

    Movies whose upload was not kept (PREVIEW_SAVE_SOURCE_FILE) stay as they are; those of which nothing is stored are
    missing.
    """
    _again(place, project, ("broken",) if broken else ("ready", "broken", "missing"), no_wait=no_wait)


def _again(place: Place | None, project: str | None, states: Sequence[str], *, no_wait: bool) -> None:
    from pegbar.media.movies import queries
    from pegbar.media.movies.upkeep import check_project, make_again

    async def run(db: Any) -> None:
        await check_project(db, project)
        preview_ids = await make_again(db, project, states)
        if not preview_ids:
            out.print("There is no movie to make.")
            return
        if no_wait:
            out.print(f"{len(preview_ids)} movies are left to the job workers. See: pegbar media status")
            return
        if await db.row(queries.has_worker) is None:
            raise UserError(f"{len(preview_ids)} movies wait: no job worker runs. Start pegbar serve or pegbar worker.")
        out.print(f"Done: {_summary(await _watched(db, preview_ids))}.")

    with_database(place, run)


async def _watched(db: Any, preview_ids: Sequence[UUID]) -> Counter[str]:
    """Show how far the movies are until no job makes any of them; what they are then."""
    from pegbar.media.movies import queries

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("Movies", total=len(preview_ids) * 100)
        while True:
            rows = await db.rows(queries.movies_under_way, preview_ids=list(preview_ids))
            under_way = [row for row in rows if row["queued"]]
            done = (len(preview_ids) - len(under_way)) * 100 + sum(row["progress"] for row in under_way)
            bar.update(task, completed=done, description=f"{len(preview_ids) - len(under_way)} of {len(preview_ids)}")
            if not under_way:
                return Counter(row["status"] for row in rows)
            await asyncio.sleep(0.5)


@media.command
def merge_annotations(
    place: Place | None = None,
    *,
    project: Project = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only tell what would change.")] = False,
) -> None:
    """Put the annotations of movies onto the frames of their movie: those of one frame become one, nothing is lost.

    Notes on one frame may stand at several times, since players round them differently, and a player shows one of them.
    """
    from pegbar.media.drawings.upkeep import merge_annotations as merged
    from pegbar.media.movies.upkeep import check_project

    async def run(db: Any) -> None:
        await check_project(db, project)
        changed = 0
        async for movie in merged(db, project, dry_run=dry_run):
            changed += 1
            of = f"{movie.project or ''} / {movie.entity or ''}"
            out.print(f"{movie.preview_id} ({of}): {movie.before} times, now {movie.after}", markup=False)
        out.print(f"{changed} movies {'would change' if dry_run else 'changed'}." if changed else "Nothing to merge.")

    with_database(place, run)


#: Previews that are made at once; how many processes there are is bounded by PEGBAR_PICTURE_PROCESSES.
_AT_ONCE = 4


@media.command
def thumbnails(
    place: Place | None = None,
    *,
    project: Project = None,
) -> None:
    """Make the thumbnails and pictures of previews again, from what is stored of them."""
    made, failures = with_database(place, lambda db: _rebuild(db, project), size=_AT_ONCE)
    for preview_id, reason in failures:
        err.print(f"{preview_id}: {reason}", markup=False)
    out.print(f"The pictures of {made} previews are made again; of {len(failures)} they cannot be made.", markup=False)


async def _rebuild(db: Any, project: str | None) -> tuple[int, list[tuple[UUID, str]]]:
    from pegbar.core.errors import ApiError
    from pegbar.media import variants
    from pegbar.media.movies.upkeep import check_project

    await check_project(db, project)
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
