"""What a check is: declared beside what it looks at, and known by that.

    @check("Disk of the files", about="room for what is stored", area="Storage")
    def room(visit: Visit) -> Findings:
        if free < least:
            yield fault("100 MB are left.", mend="Remove something, or set PREVIEW_FOLDER to a larger disk.")
        yield note("40 GB are free.")

A check yields what is wrong, gravest or not, with the command or setting that mends it, and what is good to know. One
that yields neither warning nor fault is well. Checks only look: their statements run in a read-only transaction.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pegbar.config import Settings, settings

Severity = Literal["ok", "skipped", "warning", "fault"]
#: From what needs nobody to what cannot wait.
ORDER: tuple[Severity, ...] = ("ok", "skipped", "warning", "fault")
#: Seconds that a statement, and an answer from elsewhere, may take.
PATIENCE = 5.0


@dataclass(frozen=True)
class Finding:
    """What a check saw."""

    severity: Severity
    message: str
    mend: str = ""


Findings = Iterator[Finding]


def note(message: str) -> Finding:
    """Something good to know."""
    return Finding("ok", message)


def skip(message: str) -> Finding:
    """Nothing to look at here, and why."""
    return Finding("skipped", message)


def warning(message: str, *, mend: str) -> Finding:
    """Something that will hurt."""
    return Finding("warning", message, mend)


def fault(message: str, *, mend: str) -> Finding:
    """Something that hurts now."""
    return Finding("fault", message, mend)


class Away(Exception):
    """The database cannot be asked."""


@dataclass
class Visit:
    """What checks look at: the settings, the database if there is one, and what was asked for."""

    url: str = ""  #: of the database; empty while the embedded one does not run
    send_to: str = ""  #: whom a mail is sent to
    _connection: Any = field(default=None, repr=False)
    #: What one check found out and others use.
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return settings()

    @property
    def embedded(self) -> bool:
        """Whether the database is the one in the data folder."""
        return not self.settings.external_database

    def rows(self, statement: str, **values: Any) -> list[Mapping[str, Any]]:
        """The rows of a statement, which may neither write nor take long. Raises Away."""
        from sqlalchemy import text

        connection = self.connection
        with connection.begin():
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text(f"SET LOCAL statement_timeout = {int(PATIENCE * 1000)}"))
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    def value(self, statement: str, **values: Any) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(statement, **values)
        return next(iter(rows[0].values())) if rows else None

    @property
    def connection(self) -> Any:
        """The connection of this visit. Raises Away."""
        from pegbar.core.data import migrations

        if self._connection is None:
            if not self.url:
                raise Away("The database does not run.")
            try:
                self._connection = migrations.connect(self.url)
            except migrations.Unreachable as error:
                self.url = ""
                raise Away(str(error)) from None
        return self._connection

    @cached_property
    def state(self) -> str:
        """What the database is: `ours`, `kitsu`, `empty`; `away` when it cannot be asked."""
        from pegbar.core.data import migrations

        try:
            with self.connection.begin():
                return migrations.state(self.connection)
        except Away:
            return "away"

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()


@dataclass(frozen=True)
class Check:
    """A declared check."""

    name: str
    about: str
    area: str
    needs_database: bool
    look: Callable[[Visit], Findings]


#: Every check, in the order in which they are made.
declared: list[Check] = []


def check(
    name: str, *, about: str, area: str, needs_database: bool = False
) -> Callable[[Callable[[Visit], Findings]], Callable[[Visit], Findings]]:
    """Declare a check: what it is called and looks at. With `needs_database` it wants the schema of this server."""

    def declare(look: Callable[[Visit], Findings]) -> Callable[[Visit], Findings]:
        assert all(known.name != name for known in declared), f"{name} is declared twice"
        declared.append(Check(name, about, area, needs_database, look))
        return look

    return declare


@dataclass(frozen=True)
class Result:
    """A check that was made."""

    check: Check
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def severity(self) -> Severity:
        """The gravest of its findings."""
        return max((finding.severity for finding in self.findings), key=ORDER.index, default="ok")


def made(one: Check, visit: Visit) -> Result:
    """Make a check. One that fails says so: it is no reason to leave the others out."""
    started = time.monotonic()
    findings: list[Finding] = []
    if one.needs_database and visit.state != "ours":
        findings.append(skip("It needs the database."))
    else:
        try:
            findings.extend(one.look(visit))
        except Away:
            findings.append(skip("It needs the database."))
        except Exception as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
            mend = "Run it again; if it stays so, report it with this line."
            findings.append(warning(f"The check could not be made: {type(error).__name__}: {reason}", mend=mend))
    return Result(one, tuple(findings), time.monotonic() - started)
