"""What a ShotGrid site has: its kinds of rows and their fields, statuses, steps, groups, and the productions wanted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pegbar.exchange.shotgrid.site.client import Row, Site, SiteError
from pegbar.exchange.shotgrid.site.mapping import WITH_FIELDS, Contents
from pegbar.exchange.shotgrid.site.records import OF_PROJECT, PERSONS, author_id

_LISTED = 60


@dataclass(frozen=True)
class Survey:
    """What there is."""

    contents: Contents
    entity_types: frozenset[str]
    groups: dict[int, list[int]]

    def has(self, entity_type: str) -> bool:
        """Whether the site has this kind of rows, as far as it tells."""
        return not self.entity_types or entity_type in self.entity_types


async def survey(site: Site) -> Survey:
    """Look at a site."""
    entity_types = await site.schema()
    kinds = {kind.entity_type for kind in (PERSONS, *OF_PROJECT)} | set(WITH_FIELDS) | {"Attachment", "Reply"}
    fields = {name: await site.fields(name) for name in sorted(kinds) if not entity_types or name in entity_types}
    statuses = await site.rows("Status", [], ["code", "name", "bg_color"])
    steps = await site.rows("Step", [], ["code", "short_name", "color", "entity_type"])
    groups = await site.rows("Group", [], ["users"]) if "Group" in entity_types else []
    return Survey(
        Contents([row for row in statuses if row.get("code")], [row for row in steps if row.get("code")], fields),
        frozenset(entity_types),
        {row["id"]: [id_ for user in row.get("users") or () if (id_ := author_id(user))] for row in groups},
    )


async def productions(site: Site, names: Sequence[str]) -> list[Row]:
    """The productions of these names, or of all when there are none. Raises SiteError for a name that none has."""
    rows = await site.rows("Project", [], ["name", "sg_status", "archived", "is_template"])
    rows = [row for row in rows if row.get("name") and not row.get("is_template")]
    by_name = {row["name"].casefold(): row for row in rows}
    unknown = [name for name in names if name.casefold() not in by_name]
    if unknown or not names:
        problem = f"--project: {site.url} has no production {unknown[0]!r}" if unknown else "--project is missing"
        raise SiteError(f"{problem}. {_list(row['name'] for row in rows)}")
    return [by_name[name.casefold()] for name in dict.fromkeys(names)]


def _list(names: Iterable[str]) -> str:
    known = sorted(names, key=str.casefold)
    if not known:
        return "The script sees none: give it a permission group that reads projects."
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"It has: {', '.join(known[:_LISTED])}{more}."
