"""Taking over a database that another server made: compare, report, add what Pegbar needs, touch no row."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from pegbar.core.data import migrations
from pegbar.core.data.migrations import schemas
from pegbar.core.data.schema import OWN_SCHEMA


class CannotAdopt(Exception):
    """The database cannot be taken over; the message says why, `needed` lists what it lacks."""

    def __init__(self, message: str, needed: list[str], differences: list[str]) -> None:
        super().__init__(message)
        self.needed, self.differences = needed, differences


@dataclass
class Adoption:
    """What was found and done."""

    differences: list[str]
    indexes: list[str]
    already: bool  #: the database was adopted before
    kitsu_revision: str | None


def adopt(url: str) -> Adoption:
    """Add Pegbar's schema and the missing indexes to a database. Raises CannotAdopt, having changed nothing."""
    from pegbar.core.data.migrations.versions.m0004_indexes import HOT_READS, add_indexes

    with migrations.connect(url) as connection:
        before = migrations.state(connection)
        if before == "empty":
            raise CannotAdopt("This database holds no Kitsu tables. For an empty one, run: pegbar db init", [], [])
        theirs = schemas.existing(connection)
        comparison = schemas.compare(schemas.declared(), theirs)
        revision = _kitsu_revision(connection) if "alembic_version" in theirs else None
        missing = [index.name for index in schemas.missing_indexes(theirs, HOT_READS)]
        if comparison.needed:
            advice = (
                "Bring it to a recent version with the server that made it first"
                if revision != schemas.KITSU_REVISION
                else "Restore what is missing first"
            )
            raise CannotAdopt(
                f"The database cannot be adopted and was left as it is. {advice}, then run pegbar db adopt again.",
                comparison.needed,
                comparison.differences,
            )
        _check_rights(connection)
    migrations.upgrade(url)
    with migrations.connect(url) as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        add_indexes(own, concurrently=True)
    return Adoption(comparison.differences, missing, before == "ours", revision)


def _kitsu_revision(connection: Connection) -> str | None:
    revision: str | None = connection.execute(text("SELECT min(version_num) FROM alembic_version")).scalar()
    return revision


_RIGHTS = text(
    """
    SELECT (to_regnamespace(:own) IS NOT NULL OR has_database_privilege(current_database(), 'CREATE')),
           (SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
    """
)


def _check_rights(connection: Connection) -> None:
    """Refuse early when our schema could not be made, or indexes not added."""
    allowed = connection.execute(_RIGHTS, {"own": OWN_SCHEMA}).one()
    if not allowed[0]:
        raise CannotAdopt("This user may not create a schema in the database: GRANT CREATE ON DATABASE … TO …", [], [])
    if not allowed[1]:
        raise CannotAdopt(
            "This user does not own the tables, so it cannot add indexes: connect as their owner.", [], []
        )
